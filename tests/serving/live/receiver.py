"""A receiver of webhooks: a real HTTP server that remembers what came and answers as told."""

import base64
import contextlib
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Answers with the statuses of `answers`, one after the other, then 200."""

    def __init__(self):
        self.got, self.answers, self.headers = [], [], {}
        self.hold = threading.Event()
        self.hold.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((self.path, dict(self.headers), body))
                receiver.hold.wait(10)
                status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "2")
                self.end_headers()
                with contextlib.suppress(OSError):  # the sender waited no longer
                    self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?x=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self):
        return [json.loads(body) for _, _, body in self.got]

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


def verified(secret, headers, body):
    """Whether a receiver that follows the specification, and not our code, takes the signature."""
    told = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret[len("whsec_") :])
    wanted = "v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(wanted, given) for given in headers["webhook-signature"].split(" "))
