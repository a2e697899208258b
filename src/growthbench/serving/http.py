"""Requests, replies and routes of the Door: one table of routes serves, checks and documents."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from growthbench.base.errors import BadInputError

JSON = b"application/json"


class Call:
    """One request, its body read and within the limits.

    Attributes
    ----------
    method, path : str
    params : mapping of str to str
        What the path's braces matched, unquoted.
    body : bytes
        Already unzipped.
    caller : Caller
        On whose behalf; for open routes the nobody.
    request_id : str
    client : str
        Address of the peer.
    received_at : int
        When the request came, UTC µs.
    raw_path : bytes
        The path as it was sent, still quoted.
    """

    __slots__ = ("_headers", "_raw_query", "body", "caller", "client", "method", "params", "path", "raw_path",
                 "received_at", "request_id")  # fmt: skip

    def __init__(self, method, path, params, raw_query, headers, body, caller, request_id, client, received_at,
                 raw_path=b""):  # fmt: skip
        self.method, self.path, self.params, self._raw_query = method, path, params, raw_query
        self._headers, self.body, self.caller = headers, body, caller
        self.request_id, self.client, self.received_at, self.raw_path = request_id, client, received_at, raw_path

    @property
    def tenant(self) -> str:
        """Whose data the request is about."""
        return self.caller.tenant

    @property
    def query(self) -> dict[str, str]:
        """Query parameters; of one given twice, the last."""
        return dict(parse_qsl(self._raw_query.decode("latin-1"), keep_blank_values=True)) if self._raw_query else {}

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        raw = name.encode("latin-1")
        for key, value in self._headers:
            if key == raw:
                return value.decode("latin-1")
        return None

    def read(self, shape: msgspec.json.Decoder) -> Any:
        """The body as the decoder's type.

        Raises
        ------
        BadInputError
            No JSON, or not this shape; ``field`` names the place.
        """
        return read_json_body(self.body, shape)


class Reply:
    """Status, body and headers of an answer; ``content-length``, request id and limits are added on the way out."""

    __slots__ = ("body", "headers", "media_type", "status")

    def __init__(self, body: bytes, status: int = 200, headers: Sequence = (), media_type: bytes = JSON):
        self.body, self.status, self.headers, self.media_type = body, status, headers, media_type

    @classmethod
    def of(cls, content: Any, status: int = 200, headers: Sequence = ()) -> "Reply":
        """A JSON reply."""
        return cls(msgspec.json.encode(content), status, headers)


class StreamReply(Reply):
    """An answer in parts, each sent as soon as it is there.

    Parameters
    ----------
    parts : async iterator of bytes, with ``aclose``
        Closed when the client goes away.
    media_type : bytes
    headers : sequence
    """

    __slots__ = ("parts",)

    def __init__(self, parts: Any, media_type: bytes, headers: Sequence = ()):
        super().__init__(b"", 200, headers, media_type)
        self.parts = parts


Handler = Callable[[Call], "Reply | Awaitable[Reply]"]


@dataclass(frozen=True)
class Route:
    """One route: how it is reached, who may, what it costs, and everything the documentation tells.

    Attributes
    ----------
    method, path : str
        ``GET /api/v1/scores/{task}``; ``{name}`` matches one segment, ``{name:path}`` the rest.
    handler : callable
        ``async`` ones run on the event loop and must not block; plain ones run in one of the Door's threads.
    summary : str
    permission : str or None
        What the caller must hold (see ``store.callers``); None: open to everybody, unlimited.
    quota : {"calls", "events", None}
        Which quota one request counts on, 1 each; a handler that counts more takes the rest itself.
    body : type, optional
        msgspec type of the request's JSON body, for documentation.
    answer : type, optional
        Type of the 200 answer's JSON, for documentation (msgspec Struct, or dict).
    query : mapping of str to (type, text)
        Documented query parameters.
    example, answer_example : optional
        JSON values.
    statuses : mapping of int to str
        Documented errors besides those every route may answer.
    tag : str
        Chapter of the documentation.
    media_type : str
        Of the 200 answer.
    key_in_body : bool
        A request without credentials in its headers may carry them as ``writeKey`` in its body (browsers' beacons).
    cors : bool
        Browsers of any origin may call it.
    deadline_s : float or None
        A time limit of its own, for routes that may take longer than the Door's; whoever waits and goes away meanwhile
        cancels the (``async``) handler.
    forms : bool
        The body may also be ``multipart/form-data``.
    refusal : callable or None
        Puts a refusal (problem+json) into another form, for routes that speak somebody else's protocol.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    permission: str | None
    quota: str | None = "calls"
    body: Any = None
    answer: Any = None
    query: Mapping[str, tuple[type, str]] = field(default_factory=dict)
    example: Any = None
    answer_example: Any = None
    statuses: Mapping[int, str] = field(default_factory=dict)
    tag: str = "service"
    media_type: str = "application/json"
    key_in_body: bool = False
    cors: bool = False
    deadline_s: float | None = None
    forms: bool = False
    refusal: Callable[[Reply], Reply] | None = None


class Router:
    """Finds the route of a method and path: exact paths by one look-up, others by pattern in the order given."""

    def __init__(self, routes: Sequence[Route]):
        self.routes = tuple(routes)
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: dict[str, list[tuple[re.Pattern, tuple[str, ...], dict[str, Route]]]] = {}
        by_path: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            methods = by_path.setdefault(route.path, {})
            if route.method in methods:
                raise ValueError(f"{route.method} {route.path} is declared twice")
            methods[route.method] = route
        for path, methods in by_path.items():
            if "{" not in path:
                self._exact[path] = methods
            elif "{" in _head(path):
                raise ValueError(f"{path} needs three plain segments before its first brace")
            else:
                self._patterns.setdefault(_head(path), []).append((*_pattern(path), methods))

    def find(self, path: str) -> tuple[dict[str, Route], dict[str, str]] | None:
        """Routes by method at a path (still quoted), and what its braces matched; None for no such path."""
        if (methods := self._exact.get(path)) is not None:
            return methods, {}
        for pattern, names, methods in self._patterns.get(_head(path), ()):
            if found := pattern.fullmatch(path):
                return methods, {n: unquote(v) for n, v in zip(names, found.groups())}
        return None


def _head(path: str) -> str:
    """The first three segments, by which patterns are sorted; they hold no braces."""
    return "/".join(path.split("/", 4)[:4])


_BRACES = re.compile(r"\{(\w+)(:path)?\}")


def _pattern(path: str) -> tuple[re.Pattern, tuple[str, ...]]:
    names, parts, at = [], [], 0
    for found in _BRACES.finditer(path):
        parts += [re.escape(path[at : found.start()]), "(.+)" if found.group(2) else "([^/]+)"]
        names.append(found.group(1))
        at = found.end()
    return re.compile("".join([*parts, re.escape(path[at:])])), tuple(names)


_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")
_MISSING = re.compile(r"missing required field `(.*?)`")


def read_json_body(body: bytes, shape: msgspec.json.Decoder) -> Any:
    """A body as the decoder's type; BadInputError otherwise, its ``field`` naming the place."""
    try:
        return shape.decode(body)
    except msgspec.ValidationError as exc:
        text = str(exc)
        place, named = _PLACE.search(text), _UNKNOWN.search(text) or _MISSING.search(text)
        at = named.group(1) if named else place.group(1).replace("[...]", "") if place else None
        raise BadInputError(_PLACE.sub("", text), field=at or None) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadInputError(f"the body is not JSON: {exc}") from exc
