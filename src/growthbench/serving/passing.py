"""Answers of others, BentoML's own pages, on their way through the entrance: their errors told in our form."""

import msgspec

from growthbench.serving.problems import MEDIA_TYPE, Problem, problem_of_status

_KEPT_HEADERS = (b"allow", b"retry-after")
_LARGEST_ERROR = 64 * 1024


class PassedAnswer:
    """Passes an answer on, adding headers; holds an error back until it can be told as a problem.

    Attributes
    ----------
    status : int
        Of the answer, 0 before it began.
    """

    def __init__(self, send, method: str, path: str, request_id: str, extra: list[tuple[bytes, bytes]]):
        self._send, self._method, self._path, self._request_id, self._extra = send, method, path, request_id, extra
        self._held: dict | None = None
        self._body = b""
        self.status = 0

    async def send(self, message: dict) -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            if message["status"] >= 400 and not _is_problem(headers):
                self._held = message
                return
            await self._send({**message, "headers": [*headers, *self._extra]})
        elif self._held is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")[: _LARGEST_ERROR - len(self._body)]
            if not message.get("more_body", False):
                held, self._held = self._held, None
                kept = [(k, v) for k, v in held.get("headers", ()) if k.lower() in _KEPT_HEADERS]
                await self.refuse(self._translated(held["status"]), kept)

    async def refuse(self, problem: Problem, headers: list[tuple[bytes, bytes]] | tuple = ()) -> None:
        """Answer with a problem."""
        body = problem.body(self._path, self._request_id)
        given = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            *headers,
            *self._extra,
        ]
        self.status = problem.status
        await self._send({"type": "http.response.start", "status": problem.status, "headers": given})
        await self._send({"type": "http.response.body", "body": b"" if self._method == "HEAD" else body})

    def _translated(self, status: int) -> Problem:
        said, field = _bento_error(self._body)
        return problem_of_status(status, self._method, self._path, said, field)


def _is_problem(headers: list) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(MEDIA_TYPE.encode()) for name, value in headers)


def _bento_error(body: bytes) -> tuple[str | None, str | None]:
    """Detail and field of BentoML's and Starlette's error bodies: JSON with ``error``, or a line of text."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        text = body.decode("utf-8", "replace").strip()
        return (None, None) if not text or text in _PHRASES else (text[:500], None)
    found = found[0] if isinstance(found, list) and found else found
    if not isinstance(found, dict):
        return None, None
    detail = found.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):  # pydantic's list
        field = ".".join(str(part) for part in detail[0].get("loc", ())) or None
        return str(detail[0].get("msg") or "bad input"), field
    return (str(found["error"]), None) if found.get("error") else (None, None)


_PHRASES = ("Not Found", "Method Not Allowed", "Internal Server Error")
