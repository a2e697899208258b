"""A server of Segment's batch route that can be slow, rude and short-lived; alone: ``sdk_servers.py PORT FILE``.

Alone it writes each message id to FILE before it answers, so that it can be killed at any moment and asked afterwards.
"""

import gzip
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


def ok(handler):
    """Take it in."""
    handler.keep()
    handler.answer(200, {"success": True})


def status(code, headers=(), problem=False):
    """Answer with an error and keep nothing."""
    media_type = "application/problem+json" if problem else "text/html"

    def behave(handler):
        handler.answer(code, {"title": "no", "status": code}, headers, media_type)

    return behave


def slow(seconds, then=ok):
    """Let the client wait."""

    def behave(handler):
        time.sleep(seconds)
        then(handler)

    return behave


def trickle(handler):
    """Send a byte now and then, for ever."""
    for byte in b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 1000:
        handler.raw(bytes([byte]))
        time.sleep(0.1)


def rubbish(handler):
    """Not even HTTP."""
    handler.raw(b"\x00\xffSSH-2.0-OpenSSH\r\n\r\n<html>")
    handler.close()


def friendly_page(handler):
    """What a hotel's network says to everything."""
    handler.answer(200, "<html>Welcome! Please log in.</html>", media_type="text/html")


def close_unread(handler):
    """Hang up."""
    handler.close()


def close_after(handler):
    """Take it in and hang up before saying so: the client must send it again, once is what counts."""
    handler.keep()
    handler.close()


def endless_body(handler):
    """More answer than anybody wants."""
    handler.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n")
    for _ in range(2000):
        handler.raw(b"x" * 100_000)


def picky(refuses, code=400):
    """Refuse a batch that holds a message of which ``refuses(message)`` is true."""

    def behave(handler):
        if any(refuses(m) for m in handler.batch()):
            status(code, problem=True)(handler)
        else:
            ok(handler)

    return behave


class Receiver:
    """A server in this process.

    Attributes
    ----------
    messages : list of dict
        Taken in, each message id once, in order of arrival.
    duplicates : int
        Messages that came again.
    plan : list of callables
        How to behave at the next requests; `ok` when it is used up.
    always : callable
        How to behave when ``plan`` is used up.
    requests : list of (path, headers, body)
    gets : dict of path to (status, content)
        Answers to GET; others are 404.
    files : dict of path to (media type, text)
        Pages and scripts.
    """

    def __init__(self, port=0):
        self.messages, self.duplicates, self.requests = [], 0, []
        self.plan, self.always, self.gets, self.files = [], ok, {}, {}
        self.lock, self._ids = threading.Lock(), set()
        self.file = None
        receiver = self

        class Handler(_Handler):
            owner = receiver

        self._server = _Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()

    def names(self):
        """Names of the events, in order of arrival."""
        return [m.get("event") for m in self.messages]

    def wait_for(self, n, within_s=15):
        """Wait until ``n`` messages are there."""
        until = time.monotonic() + within_s
        while len(self.messages) < n and time.monotonic() < until:
            time.sleep(0.01)
        return len(self.messages)

    def keep(self, messages):
        """Take messages in; each id once."""
        with self.lock:
            for message in messages:
                if message["messageId"] in self._ids:
                    self.duplicates += 1
                else:
                    self._ids.add(message["messageId"])
                    self.messages.append(message)
                    if self.file:
                        self.file.write(f"{message['messageId']} {message.get('userId')} {message.get('event')}\n")
            if self.file:
                self.file.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients that hang up are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers["content-length"]))
        with self.owner.lock:
            self.owner.requests.append((self.path, dict(self.headers), self.body))
            behave = self.owner.plan.pop(0) if self.owner.plan else self.owner.always
        behave(self)

    def do_GET(self):
        if (path := urlsplit(self.path).path) in self.owner.files:
            media_type, text = self.owner.files[path]
            return self.answer(200, text, media_type=media_type)
        with self.owner.lock:
            self.owner.requests.append((self.path, dict(self.headers), b""))
            behave = self.owner.plan.pop(0) if self.owner.plan else self.owner.always
        if behave is not ok:
            return behave(self)
        code, content = self.owner.gets.get(path, (404, {"detail": "no such route"}))
        self.answer(code, content)

    def do_OPTIONS(self):
        self.answer(204, "")

    def batch(self):
        plain = gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body
        return json.loads(plain)["batch"]

    def keep(self):
        self.owner.keep(self.batch())

    def answer(self, code, content, headers=(), media_type="application/json"):
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response_only(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("access-control-allow-origin", "*")
        self.send_header("access-control-allow-headers", "*")
        if code != 204:
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if code != 204:
            self.wfile.write(body)

    def raw(self, content):
        self.wfile.write(content)
        self.wfile.flush()

    def close(self):
        self.close_connection = True

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    with open(sys.argv[2], "a") as file, Receiver(int(sys.argv[1])) as alone:
        alone.file = file
        print("listening", flush=True)
        threading.Event().wait()
