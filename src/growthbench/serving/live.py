"""The live channel, ``/ws/realtime``: a WebSocket that tells what happens, and what happened since a number.

A connection keeps its place in each topic and nothing else: what is to be sent lies in the store, or in a feed that all
share. So a reader may be as slow as it likes; nothing waits for it in memory, and it goes on from its own place.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import msgspec

from growthbench.base.errors import AccessError, BadInputError, ForbiddenError, GrowthbenchError, LimitError
from growthbench.serving.bus import Heads
from growthbench.serving.channel import oldest_message
from growthbench.serving.feeds import Feed
from growthbench.serving.problems import problem_of
from growthbench.store.callers import Caller
from growthbench.store.messages import TOPICS

if TYPE_CHECKING:
    from growthbench.serving.state import State

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_CONNECTIONS = 500
"""Of one tenant in one worker; ``live_connections`` in the tenant's configuration says otherwise."""
AUTH_S, CHECK_S, HEARTBEAT_S, SEND_S, LAG_S = 10.0, 0.2, 15.0, 60.0, 3.0
_LONGEST, _MOST_ERRORS = 16 * 1024, 10
_CREDENTIALS = frozenset((b"authorization", b"x-api-key", b"x-gb-key-id"))
BAD, UNKNOWN, REFUSED, SLOW, FULL = 4400, 4401, 4403, 4408, 4429
"""Close codes, like HTTP's."""


class Asked(msgspec.Struct, rename={"since": "from"}):
    """What a client may say: ``auth`` (key), ``subscribe`` (topics, from), ``unsubscribe`` (topics), ``ping``."""

    type: str
    key: str | None = None
    topics: list[str] = []
    since: dict[str, int] = {}


_decoder = msgspec.json.Decoder(Asked)


async def realtime(state: "State", scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one connection."""
    await _Connection(state, scope, receive, send).run()


class _ClosedError(Exception):
    def __init__(self, code: int | None = None):
        super().__init__(code)
        self.code = code


class _Connection:
    def __init__(self, state: "State", scope: Scope, receive: Receive, send: Send):
        self.state, self.scope, self._receive, self._send = state, scope, receive, send
        self._loop = asyncio.get_running_loop()
        self._sending, self._more = asyncio.Lock(), asyncio.Event()
        self._headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        self.caller: Caller | None = None
        self.at: dict[str, int] = {}  # topic -> number of the last message sent or skipped
        self._heads = Heads()
        self._feeds: dict[str, Feed] = {}
        self._behind: dict[str, float] = {}  # streams that had caught up -> since when they have not, 0 if they have
        self._sent_at = 0.0
        self._errors = self._turn = 0

    async def run(self) -> None:
        """From the handshake to the end."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        await self._send({"type": "websocket.accept"})
        entered = False
        try:
            await self._authenticate()
            entered = self._enter()
            await self.tell({"type": "welcome", "tenant": self.caller.tenant, "topics": list(TOPICS)})
            await self._serve()
        except _ClosedError as exc:
            if exc.code is not None:
                await self._close(exc.code)
        except GrowthbenchError as exc:
            await self._refuse(exc)
        finally:
            if entered:
                self.state.bus.leave(self.caller.tenant, self._stirred)
                for stream in self._feeds:
                    self.state.bus.feeds.leave(self.caller.tenant, stream)
                self.state.bus.feeds.exit(self.caller.tenant)

    async def tell(self, content: Any) -> None:
        """Send something, JSON or encoded already; the connection ends if nobody takes it for a minute."""
        text = content if isinstance(content, bytes) else msgspec.json.encode(content)
        async with self._sending:
            try:
                async with asyncio.timeout(SEND_S):
                    await self._send({"type": "websocket.send", "text": text.decode()})
            except TimeoutError as exc:
                raise _ClosedError(SLOW) from exc
            except (OSError, RuntimeError) as exc:  # gone already
                raise _ClosedError from exc
        self._sent_at = self._loop.time()

    async def _authenticate(self) -> None:
        """By the handshake's headers; without any, by the first message, for browsers cannot set headers."""
        try:
            self.caller = await self._known()
        except AccessError:
            if any(name in _CREDENTIALS for name, _ in self._headers):
                raise
            try:
                async with asyncio.timeout(AUTH_S):
                    asked = await self._heard()
            except TimeoutError:
                raise AccessError(f'the first message within {AUTH_S:g} s is {{"type": "auth", "key": ...}}') from None
            if asked.type != "auth" or not asked.key:
                raise AccessError('the first message must be {"type": "auth", "key": ...}') from None
            await self._renew(asked.key)
        if not self.caller.may("live:read"):
            raise ForbiddenError(f"the role {self.caller.role!r} may not follow the live channel")

    async def _renew(self, key: str) -> None:
        """Take a key or token; on an open connection it must be of the same tenant."""
        self._headers = [h for h in self._headers if h[0] not in _CREDENTIALS]
        self._headers.append((b"authorization", b"Bearer " + key.encode("latin-1", "replace")))
        caller = await self._known()
        if self.caller is not None and caller.tenant != self.caller.tenant:
            raise ForbiddenError("a connection belongs to one tenant")
        self.caller = caller

    async def _known(self) -> Caller:
        client = (self.scope.get("client") or ("",))[0]
        given = (self._headers, "GET", self.scope["path"], self.scope.get("query_string", b""), b"", client)
        found = self.state.auth.known(*given)
        return found if found is not None else await self._loop.run_in_executor(None, self.state.auth.ask, *given)

    def _enter(self) -> bool:
        if not self.state.bus.feeds.enter(self.caller.tenant, MOST_CONNECTIONS):
            raise LimitError(f"the tenant has {MOST_CONNECTIONS} connections here, which is the limit", 30)
        self.state.bus.follow(self.caller.tenant, self._stirred)
        return True

    def _stirred(self, tenant: str, heads: Heads) -> None:
        """Called by the bus, in its thread."""
        self._heads = Heads(max(heads.events, self._heads.events), max(heads.channel, self._heads.channel))
        self._loop.call_soon_threadsafe(self._more.set)

    async def _serve(self) -> None:
        """Hear, tell and watch until one of them ends the connection."""
        tasks = [asyncio.create_task(work()) for work in (self._hear, self._pump, self._watch)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)  # `gather` would lose the message of a cancellation that arrives here
            for task in tasks:
                _ = task.cancelled() or task.exception()

    async def _heard(self) -> Asked:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise _ClosedError
        raw = message.get("text")
        raw = raw.encode() if raw is not None else message.get("bytes") or b""
        if len(raw) > _LONGEST:
            raise _ClosedError(BAD)
        try:
            return _decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError) as exc:
            raise BadInputError(f"a message is JSON such as {{'type': 'subscribe', ...}}: {exc}") from exc

    async def _hear(self) -> None:
        while True:
            try:
                asked = await self._heard()
                if asked.type == "auth" and asked.key:
                    await self._renew(asked.key)
                    await self.tell({"type": "authenticated"})
                elif asked.type == "subscribe":
                    await self._subscribe(asked)
                elif asked.type == "unsubscribe":
                    self._turn += 1
                    self.at = {t: seq for t, seq in self.at.items() if t not in asked.topics}
                    await self.tell({"type": "subscribed", "topics": list(self.at), "at": self.at})
                elif asked.type == "ping":
                    await self.tell({"type": "pong"})
                else:
                    raise BadInputError("type must be auth, subscribe, unsubscribe or ping", field="type")
            except BadInputError as exc:
                self._errors += 1
                await self.tell({"type": "error", "problem": problem_of(exc).content()})
                if self._errors > _MOST_ERRORS:
                    raise _ClosedError(BAD) from exc

    async def _subscribe(self, asked: Asked) -> None:
        topics = asked.topics or list(asked.since)
        if not topics or (unknown := [t for t in (*topics, *asked.since) if t not in TOPICS]):
            found = repr(unknown[0]) if topics else "none"
            raise BadInputError(f"topics must be of {', '.join(TOPICS)}, found {found}", field="topics")
        heads, oldest = await self._loop.run_in_executor(None, self._look, topics)
        at = {}
        for topic in topics:
            head = heads.events if topic == "events" else heads.channel
            at[topic] = asked.since.get(topic, head)
            if not 0 <= at[topic] <= head:
                raise BadInputError(f"{topic} has the numbers 0 to {head}, found {at[topic]}", field=f"from.{topic}")
        self._heads = Heads(max(heads.events, self._heads.events), max(heads.channel, self._heads.channel))
        for stream in {_stream(t) for t in topics} - set(self._feeds):
            head = heads.events if stream == "events" else heads.channel
            self._feeds[stream] = self.state.bus.feeds.join(self.state, self.caller.tenant, stream, head)
        told = self.at | at
        await self.tell({"type": "subscribed", "topics": list(told), "at": told})
        for topic in topics:
            if topic != "events" and oldest is not None and at[topic] < oldest - 1:
                await self.tell({"type": "gone", "topic": topic, "oldest": oldest})
        self._turn += 1  # what is being sent now was for the old places
        self.at |= at
        for topic in topics:
            self._behind.pop(_stream(topic), None)
        self._more.set()

    def _look(self, topics: list[str]) -> tuple[Heads, int | None]:
        tenant = self.caller.tenant
        if "scores" in topics:
            self.state.bus.want(tenant, "scores")
        with self.state.store.reading() as connection:
            return self.state.bus.heads([tenant], connection)[tenant], oldest_message(connection, tenant)

    async def _pump(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            for stream in list(self._feeds):
                while await self._advance(stream):
                    pass

    async def _advance(self, stream: str) -> bool:
        """Send what one stream has behind our place; False if there is nothing more."""
        topics = [t for t in self.at if _stream(t) == stream]
        head = self._heads.events if stream == "events" else self._heads.channel
        if not topics or (position := min(self.at[t] for t in topics)) >= head:
            self._behind[stream] = 0.0
            return False
        feed, turn = self._feeds[stream], self._turn
        if position >= feed.start:
            await feed.fill(position, head)
        items = feed.behind(position)
        if self._is_lagging(stream, items is None):
            self.state.metrics.count("growthbench_live_lagging_total")
            await self.tell({"type": "lagging", "topics": topics, "at": position, "head": head})
        if items is None:
            items = await feed.stored(position)
        whole = self.caller.may("people:read")
        for item in items if turn == self._turn else ():
            if item.seq > self.at.get(item.topic, item.seq):
                await self.tell(item.whole if whole else item.bare)
                self.state.metrics.count("growthbench_live_messages_total", item.topic)
                if turn != self._turn:
                    return True
                self.at[item.topic] = item.seq
        if turn != self._turn:  # somebody subscribed meanwhile
            return True
        last = items[-1].seq if items else feed.end if position >= feed.start else head
        self.at |= {t: max(self.at[t], last) for t in topics}
        return True

    def _is_lagging(self, stream: str, lost: bool) -> bool:
        """Whether a reader that had caught up was too slow since: told once, until it has caught up again."""
        since = self._behind.get(stream)
        if since is None:  # it never had, it is being told the past
            return False
        now = self._loop.time()
        if not since:
            self._behind[stream] = since = now
        if lost or now - since > LAG_S:
            del self._behind[stream]
            return True
        return False

    async def _watch(self) -> None:
        """Credentials that ended end the connection; silence is broken by a heartbeat."""
        signed = any(name == b"x-gb-key-id" for name, _ in self._headers)
        while True:
            await asyncio.sleep(CHECK_S)
            if not signed:  # a signature counts once, by design
                self.caller = await self._known()
                if not self.caller.may("live:read"):
                    raise ForbiddenError("following the live channel is no longer allowed")
            if self._loop.time() - self._sent_at > HEARTBEAT_S:
                await self.tell({"type": "heartbeat", "at": self.at})

    async def _refuse(self, exc: GrowthbenchError) -> None:
        with contextlib.suppress(_ClosedError):
            await self.tell({"type": "error", "problem": problem_of(exc).content()})
        code = {400: BAD, 401: UNKNOWN, 403: REFUSED, 429: FULL}.get(exc.status, 1011)
        await self._close(code)

    async def _close(self, code: int) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            await self._send({"type": "websocket.close", "code": code})


def _stream(topic: str) -> str:
    return "events" if topic == "events" else "channel"
