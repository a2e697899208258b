"""The entrance of the Door: every request comes in here, and what is ours is answered here.

The outermost ASGI layer, around BentoML's application (see `outermost`). A request passes, in this order: its body
(counted, unzipped), its route, who asks, what they may, their limits, the handler, the time it may take. Whatever goes
wrong is problem+json. BentoML gets what only it can answer.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable, iscoroutinefunction
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from growthbench.base.errors import AccessError, ForbiddenError, NotReadyError, TooLargeError
from growthbench.base.ids import new_id
from growthbench.serving.bodies import ClientGoneError, check_media_type, read_body, unzipped
from growthbench.serving.cors import Cors
from growthbench.serving.deadlines import Deadlines
from growthbench.serving.http import Call, Reply, Route, Router, StreamReply
from growthbench.serving.passing import PassedAnswer
from growthbench.serving.problems import MEDIA_TYPE, Problem, problem_of
from growthbench.serving.waiting import stream_out, while_there
from growthbench.store.callers import NOBODY, Caller

if TYPE_CHECKING:
    from growthbench.serving.state import State

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Socket = Callable[["State", Scope, Receive, Send], Awaitable[None]]

BENTOML_PATHS = frozenset(("/livez", "/readyz", "/healthz", "/docs.json", "/schema.json"))
"""Left to BentoML, unless a route of ours has the path."""
_OUR_IDS = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROBLEM = MEDIA_TYPE.encode()
_CREDENTIALS = frozenset((b"authorization", b"x-api-key", b"x-gb-key-id"))
_REMEMBERED = 1024


class Lobby:
    """What the entrance works with: nothing while the service starts, everything once it is open."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.router = Router(())
        self.sockets: Mapping[str, Socket] = {}
        self.cors = Cors()
        self.pool: ThreadPoolExecutor | None = None
        self.asking: ThreadPoolExecutor | None = None
        self.found: dict[bytes, tuple[dict[str, Route], dict[str, str]] | None] = {}
        self.is_async: dict[int, bool] = {}
        self.deadlines: Deadlines | None = None

    def open(self, state: "State", routes: Sequence[Route], sockets: Mapping[str, Socket] | None = None) -> None:
        """Let requests in."""
        self.router, self.sockets = Router(routes), dict(sockets or {})
        self.is_async = {id(route): iscoroutinefunction(route.handler) for route in self.router.routes}
        self.cors = Cors(state.door.cors_origins)
        self.pool = ThreadPoolExecutor(state.door.threads, "growthbench-work")
        self.asking = ThreadPoolExecutor(2, "growthbench-ask")  # whoever works must not keep others from being known
        self.deadlines = Deadlines(state.door.timeout_s)
        self.found = {}
        self.state = state

    def close(self) -> None:
        """Let nobody in any more; what runs is finished."""
        self.state = None
        for pool in (self.pool, self.asking):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)

    def find(self, raw_path: bytes) -> tuple[dict[str, Route], dict[str, str]] | None:
        """Routes at a path; those asked for often are remembered."""
        found = self.found.get(raw_path)
        if found is None:
            found = self.router.find(raw_path.decode("latin-1"))
            if found is not None:
                if len(self.found) >= _REMEMBERED:
                    self.found.clear()
                self.found[raw_path] = found
        return found


LOBBY = Lobby()
"""Of this process: BentoML makes the middleware before the service that fills it."""


class Entrance:
    """ASGI middleware around BentoML's application.

    Parameters
    ----------
    app
        What answers `BENTOML_PATHS`.
    max_body_bytes : int
    lobby : Lobby, optional
    """

    def __init__(self, app: Callable, max_body_bytes: int, lobby: Lobby = LOBBY):
        self.app, self._limit, self._lobby = app, max_body_bytes, lobby

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self.app(scope, receive, send)
        elif kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        lobby, method = self._lobby, scope["method"]
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        said_id = media_type = coding = origin = b""
        for name, value in scope["headers"]:  # one walk: these four are looked at in every request
            if name == b"content-type":
                media_type = value
            elif name == b"content-encoding":
                coding = value
            elif name == b"origin":
                origin = value
            elif name == b"x-request-id":
                said_id = value
        request_id = said_id.decode() if said_id and _OUR_IDS.fullmatch(said_id) else new_id("req")
        found = lobby.find(raw_path)
        methods, params = found or ({}, {})
        extra = [(b"x-request-id", request_id.encode())]
        if origin:
            extra += lobby.cors.headers(origin, methods.values())
        try:
            body = await read_body(receive, self._limit)
        except ClientGoneError:
            return
        except TooLargeError as exc:
            reply = _refusal(exc, scope["path"], request_id)
            reply.headers = [(b"connection", b"close")]
        else:
            if found is None and scope["path"] in BENTOML_PATHS:
                await self._pass_on(scope, body, receive, send, request_id, extra, begun)
                return
            call = Call(method, scope["path"], params, scope.get("query_string", b""), scope["headers"], body, NOBODY,
                        request_id, _client(scope), time.time_ns() // 1000, raw_path)  # fmt: skip
            if method == "OPTIONS" and methods and "OPTIONS" not in methods:
                reply = _preflight(lobby.cors, origin, methods, call)
            else:
                try:
                    reply = await self._reply(call, raw_path, methods, media_type, coding, extra, receive)
                except ClientGoneError:
                    return
                except Exception as exc:
                    reply = _refusal(exc, call.path, request_id)
        if reply.media_type is _PROBLEM and (asked := methods.get(method)) is not None and asked.refusal is not None:
            reply = asked.refusal(reply)
        content = reply.body
        if isinstance(reply, StreamReply):
            await stream_out(reply, receive, send, [(b"content-type", reply.media_type), *reply.headers, *extra])
        else:
            headers = [(b"content-type", reply.media_type), (b"content-length", b"%d" % len(content)), *reply.headers]
            headers += extra
            if reply.status == 204:
                del headers[:2]
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content})
        if (state := lobby.state) is not None:
            route = methods.get(method) or (methods.get("GET") if method == "HEAD" else None)
            path = route.path if route is not None else next(iter(methods.values())).path if methods else "(no route)"
            state.metrics.request(path, _told_method(method), reply.status, time.perf_counter() - begun)

    async def _reply(
        self,
        call: Call,
        raw_path: bytes,
        methods: Mapping[str, Route],
        media_type: bytes,
        coding: bytes,
        extra: list,
        receive: Receive,
    ) -> Reply:
        """The answer to a request, whatever it is; raises what `_refusal` tells. Limits are told in ``extra``."""
        lobby = self._lobby
        if (state := lobby.state) is None:
            raise NotReadyError("the service is starting or stopping")
        route = methods.get(call.method)
        if route is None and (call.method != "HEAD" or (route := methods.get("GET")) is None):
            return _no_route(call, methods)
        if media_type:
            check_media_type(media_type, route.forms)
        plain = call.body
        if coding:
            call.body = unzipped(plain, coding, self._limit)
        if route.permission is not None:
            call.caller = caller = await self._caller(state, call, raw_path, plain, route.key_in_body)
            if not caller.may(route.permission):
                raise ForbiddenError(f"the role {caller.role!r} may not {_told(route.permission)}")
            if route.quota is not None:
                try:
                    if not state.limits.take_now(caller, route.quota, 1):
                        await self._ask(lobby, state.limits.take, caller, route.quota, 1)
                finally:
                    extra += state.limits.headers(caller, route.quota)
        if route.deadline_s is not None:
            return await while_there(receive, route.handler(call), route.deadline_s)
        if lobby.is_async[id(route)]:
            return await lobby.deadlines.within(route.handler, call)
        async with asyncio.timeout(state.door.timeout_s):
            reply = await asyncio.get_running_loop().run_in_executor(lobby.pool, route.handler, call)
            return await reply if isawaitable(reply) else reply  # a plain function around an async one

    async def _caller(self, state: "State", call: Call, raw_path: bytes, body: bytes, key_in_body: bool) -> Caller:
        """Who asks; from memory, or else asking the store in a thread."""
        headers = call._headers
        if key_in_body and not any(name in _CREDENTIALS for name, _ in headers) and (key := _key_in(call.body)):
            headers = [*headers, (b"x-api-key", key)]
        asked = (headers, call.method, raw_path.decode("latin-1"), call._raw_query, body, call.client)
        caller = state.auth.known(*asked)
        return caller if caller is not None else await self._ask(self._lobby, state.auth.ask, *asked)

    @staticmethod
    async def _ask(lobby: Lobby, work: Callable, *args: Any) -> Any:
        running = asyncio.get_running_loop().run_in_executor(lobby.asking, work, *args)
        return await asyncio.wait_for(running, lobby.state.door.timeout_s)

    async def _pass_on(self, scope, body, receive, send, request_id: str, extra: list, begun: float) -> None:
        answer = PassedAnswer(send, scope["method"], scope["path"], request_id, extra)
        try:
            await self.app(scope, _replayed(body, receive), answer.send)
        except Exception as exc:
            if answer.status:
                raise
            await answer.refuse(problem_of(exc, request_id))
        if (state := self._lobby.state) is not None:
            took = time.perf_counter() - begun
            state.metrics.request(scope["path"], _told_method(scope["method"]), answer.status, took)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        state, socket = self._lobby.state, self._lobby.sockets.get(scope["path"])
        if state is None or socket is None:
            await receive()
            await send({"type": "websocket.close", "code": 1013 if state is None else 4404})
            return
        await socket(state, scope, receive, send)


def _key_in(body: bytes) -> bytes | None:
    """The ``writeKey`` of a JSON body, as browsers' beacons send it: they cannot set headers."""
    try:
        return _with_key.decode(body).writeKey.encode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


class _WithKey(msgspec.Struct):
    writeKey: str  # noqa: N815  Segment's name


_with_key = msgspec.json.Decoder(_WithKey)


def _no_route(call: Call, methods: Mapping[str, Route]) -> Reply:
    if not methods:
        return _problem(Problem(404, "Not found", f"there is no {call.method} {call.path}"), call.path, call.request_id)
    problem = Problem(405, "Method not allowed", f"{call.method} is not answered at {call.path}")
    reply = _problem(problem, call.path, call.request_id)
    reply.headers = [(b"allow", ", ".join(sorted(methods)).encode())]
    return reply


def _preflight(cors: Cors, origin: bytes, methods: Mapping[str, Route], call: Call) -> Reply:
    asked = call.header("access-control-request-headers") or ""
    headers = cors.preflight(origin, methods, asked.encode("latin-1")) if origin else []
    told = [h for h in headers if h[0].startswith(b"access-control-allow-") and h[0] != b"access-control-allow-origin"]
    told += [h for h in headers if h[0] == b"access-control-max-age"]
    return Reply(b"", 204, [(b"allow", ", ".join(sorted({*methods, "OPTIONS"})).encode()), *told])


def _refusal(exc: Exception, path: str, request_id: str) -> Reply:
    """The reply that tells an error."""
    reply = _problem(problem_of(exc, request_id), path, request_id)
    if (seconds := getattr(exc, "retry_after", None)) is not None:
        reply.headers = [(b"retry-after", b"%d" % max(1, ceil(seconds)))]
    elif isinstance(exc, AccessError) and reply.status == 401:
        reply.headers = [(b"www-authenticate", b'Bearer realm="growthbench"')]
    return reply


def _problem(problem: Problem, path: str, request_id: str) -> Reply:
    return Reply(problem.body(path, request_id), problem.status, (), _PROBLEM)


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _told(permission: str) -> str:
    from growthbench.store.callers import PERMISSIONS

    return PERMISSIONS.get(permission, permission)


_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))


def _told_method(method: str) -> str:
    return method if method in _METHODS else "OTHER"  # methods are free text: metrics must not grow with them


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay():
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
