"""The outer wall of the Door: request ids, the body limit, and one form for every error, whoever made it."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from growthbench.base.ids import new_id
from growthbench.serving.problems import MEDIA_TYPE, Problem, problem_of, problem_of_status

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_OUR_IDS = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEPT_HEADERS = (b"allow", b"retry-after")
_LARGEST_ERROR = 64 * 1024


class Guard:
    """ASGI middleware around BentoML's own routes and the mounted ones alike.

    The body is read here, counted as it arrives, and handed on whole; so nothing behind ever reads an unlimited one.
    An answer of 400 or above that is not problem+json already is rewritten.

    Parameters
    ----------
    app
        ASGI application.
    max_body_bytes : int
    """

    def __init__(self, app: Callable, max_body_bytes: int):
        self.app, self.max_body_bytes = app, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(scope, send, request_id)
        try:
            body = await self._body(receive)
        except _ClientGoneError:
            return
        if body is None:
            limit = f"the body has more than {self.max_body_bytes} bytes, which is the limit here"
            await answer.refuse(Problem(413, "Body too large", limit), close=True)
            return
        try:
            await self.app(scope, _replayed(body, receive), answer.send)
        except Exception as exc:
            if answer.started:
                raise
            await answer.refuse(problem_of(exc, request_id))

    async def _body(self, receive: Receive) -> bytes | None:
        """All of the body, None if there is too much of it."""
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGoneError
            part = message.get("body", b"")
            size += len(part)
            if size > self.max_body_bytes:
                return None
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


class _Answer:
    """Passes an answer on, adding the request id; holds an error back until it can be told as a problem."""

    def __init__(self, scope: Scope, send: Send, request_id: str):
        self._scope, self._send, self._request_id = scope, send, request_id
        self._held: Message | None = None
        self._body = b""
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if message["status"] >= 400 and not _is_problem(headers):
                self._held = message
                return
            self.started = True
            await self._send({**message, "headers": [*headers, (b"x-request-id", self._request_id.encode())]})
        elif self._held is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")[: _LARGEST_ERROR - len(self._body)]
            if not message.get("more_body", False):
                held, self._held = self._held, None
                await self.refuse(self._translated(held["status"]), _kept(held))

    async def refuse(self, problem: Problem, headers: list | None = None, close: bool = False) -> None:
        """Answer with a problem."""
        body = problem.body(self._scope["path"], self._request_id)
        given = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"x-request-id", self._request_id.encode()),
            *(headers or ()),
            *([(b"connection", b"close")] if close else ()),
        ]
        self.started = True
        await self._send({"type": "http.response.start", "status": problem.status, "headers": given})
        await self._send({"type": "http.response.body", "body": b"" if self._scope["method"] == "HEAD" else body})

    def _translated(self, status: int) -> Problem:
        said, field = _bento_error(self._body)
        return problem_of_status(status, self._scope["method"], self._scope["path"], said, field)


class _ClientGoneError(Exception):
    pass


def _request_id(scope: Scope) -> str:
    """The caller's own id if it is one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _OUR_IDS.fullmatch(value.decode("latin-1")):
            return value.decode("latin-1")
    return new_id("req")


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _is_problem(headers: list) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(MEDIA_TYPE.encode()) for name, value in headers)


def _kept(message: Message) -> list:
    return [(name, value) for name, value in message.get("headers", ()) if name.lower() in _KEPT_HEADERS]


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
