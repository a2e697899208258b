"""An OpenAI-compatible server on this machine, with scripted replies, faults and its own account of what it billed."""

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Script = Callable[[dict], str]
"""From the request's JSON body to the text of the reply."""


def fields(**values) -> str:
    """A reply in the form of DSPy's ChatAdapter."""
    told = {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}
    return "\n\n".join(f"[[ ## {k} ## ]]\n{v}" for k, v in told.items()) + "\n\n[[ ## completed ## ]]\n"


def asked(body: dict, name: str) -> str:
    """The value of an input field in the last message of a request."""
    text = body["messages"][-1]["content"]
    return text.split(f"[[ ## {name} ## ]]\n", 1)[1].split("\n\n[[ ##", 1)[0].split("\n\nRespond with", 1)[0].strip()


@dataclass
class Loopback:
    """The server's state.

    Attributes
    ----------
    script : callable
        What a normal reply says.
    fault : callable
        From the number of the request (0, 1, ...) to normal, slow, 429, 500, 400, 401, malformed, wrong_schema, cut,
        no_usage.
    slow_s : float
        How long a slow reply takes; it is billed all the same.
    """

    script: Script = lambda body: fields(answer="yes")
    fault: Callable[[int], str] = lambda number: "normal"
    slow_s: float = 3.0
    requests: list[dict] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    billed: list[tuple[int, int]] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    @property
    def handler(self) -> type:
        """Who answers."""
        return Handler

    def __enter__(self) -> "Loopback":
        handler = type("Handler", (self.handler,), {"state": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc) -> None:
        self._server.shutdown()
        self._server.server_close()

    def cost(self, input_price: int, output_price: int) -> float:
        """Micro-units billed at prices per 1,000,000 tokens."""
        return sum(i * input_price + o * output_price for i, o in self.billed) / 1_000_000


def dead_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Loopback

    def log_message(self, *args) -> None:
        pass

    def do_POST(self) -> None:
        self.answer(*self._read())

    def answer(self, body: dict, fault: str) -> None:
        """Answer a request as it shall go."""
        state = self.state
        if fault in ("429", "500", "400", "401"):
            return self._send(int(fault), {"error": {"message": f"scripted {fault}"}})
        text = state.script(body)
        usage = self._bill(body, text)
        if fault == "slow":
            time.sleep(state.slow_s)
        if fault == "malformed":
            return self._send(200, '{"choices": [not json')
        if fault == "wrong_schema":
            return self._send(200, {"object": "list", "data": []})
        message = {"role": "assistant", "content": text}
        reply = {"id": "r", "object": "chat.completion", "model": body["model"], "usage": usage}
        reply["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
        if fault == "no_usage":
            del reply["usage"]
        return self._send(200, reply, cut=fault == "cut")

    def _read(self) -> tuple[dict, str]:
        """The body of a request, noted, and how it shall go."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.state.lock:
            number = len(self.state.requests)
            self.state.requests.append(body)
            self.state.keys.append(self.headers.get("authorization"))
        return body, self.state.fault(number)

    def _bill(self, body: dict, text: str) -> dict:
        inputs = sum(len(m["content"].encode()) for m in body["messages"]) // 3 + 4 * len(body["messages"])
        most = body.get("max_completion_tokens") or body.get("max_tokens")
        outputs = min(len(text.encode()) // 3 + 1, most)
        with self.state.lock:
            self.state.billed.append((inputs, outputs))
        return {"prompt_tokens": inputs, "completion_tokens": outputs, "total_tokens": inputs + outputs}

    def _send(self, status: int, body, cut: bool = False) -> None:
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            if status == 429:
                self.send_header("retry-after", "0.1")
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 2] if cut else raw)
        except OSError:
            pass  # the client has left
        if cut:
            self.close_connection = True
