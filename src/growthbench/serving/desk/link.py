"""The Door's side: requests for the Desk are passed on with a pass, and what comes back goes to the caller."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from growthbench.serving.desk.client import Answer, DeskAwayError, ask
from growthbench.serving.desk.passes import HEADER, PassOffice, target
from growthbench.serving.desk.settings import NONE, DeskSettings
from growthbench.serving.http import Call, Handler, Reply, StreamReply
from growthbench.store.breaker import Breaker

if TYPE_CHECKING:
    from growthbench.serving.state import State

EVENT_STREAM = b"text/event-stream"
MOST = 256
"""Requests that one process of the Door has under way at the Desk."""

_DOWN = ("accept", "content-type", "idempotency-key")
_BACK = (b"retry-after", b"location", b"cache-control")
_SLACK_S = 1.0


class DeskLink:
    """Passes requests on.

    Parameters
    ----------
    state : State
        The Door's.
    settings : DeskSettings, optional
    """

    def __init__(self, state: "State", settings: DeskSettings | None = None):
        self.settings = settings or DeskSettings.read(state.settings.home)
        self._office = PassOffice(state.keyring)
        self._breakers = {w: Breaker(f"the Desk ({w})", (DeskAwayError,), 5, 2.0) for w in ("retrieve", "generate")}
        self._under_way = 0

    def handler(self, work: str, broken: Callable[[DeskAwayError], bytes] | None = None) -> Handler:
        """A handler that passes requests of a class of work on.

        Parameters
        ----------
        work : {"retrieve", "generate"}
        broken : callable, optional
            What a stream says last when it ends before its time.
        """

        async def pass_on(call: Call) -> Reply:
            return await self._pass_on(call, work, broken)

        return pass_on

    def deadline_s(self, work: str) -> float:
        """When the Door itself gives up; a little after the link has."""
        return self.settings.limit_s(work) + _SLACK_S

    async def _pass_on(self, call: Call, work: str, broken: Callable[[DeskAwayError], bytes] | None) -> Reply:
        if self.settings.url == NONE:
            raise DeskAwayError("is not part of this installation")
        if self._under_way >= MOST:
            raise DeskAwayError("has too much to do")
        self._under_way += 1
        ends, keeps = asyncio.get_running_loop().time() + self.settings.limit_s(work), False
        try:
            with self._breakers[work]:
                async with _until(ends):
                    answer = await self._asked(call)
                    if answer.header(b"content-type", b"").startswith(EVENT_STREAM):
                        keeps = True
                        return StreamReply(_Stream(self, answer, ends, broken), EVENT_STREAM, _kept(answer))
                    media_type = answer.header(b"content-type", b"application/json")
                    return Reply(await answer.whole(), answer.status, _kept(answer), media_type)
        finally:
            self._under_way -= not keeps

    async def _asked(self, call: Call) -> Answer:
        where, method = target(call.raw_path.decode("latin-1"), call._raw_query), call.method
        method = "GET" if method == "HEAD" else method
        headers = [(name.encode(), told.encode("latin-1")) for name in _DOWN if (told := call.header(name)) is not None]
        headers += [(b"x-request-id", call.request_id.encode()),
                    (HEADER, self._office.write(call.caller, method, where, call.body))]  # fmt: skip
        return await ask(self.settings.url, method, where, headers, call.body)

    def _ended(self) -> None:
        self._under_way -= 1


class _Stream:
    """The parts of a streamed answer, within the time limit; closing it closes the connection, and ends the work."""

    def __init__(self, link: DeskLink, answer: Answer, ends: float, broken: Callable[[DeskAwayError], bytes] | None):
        self._link, self._answer, self._ends, self._broken = link, answer, ends, broken
        self._is_open = True

    async def __anext__(self) -> bytes:
        if not self._is_open:
            raise StopAsyncIteration
        try:
            async with _until(self._ends):
                return await anext(self._answer.parts)
        except StopAsyncIteration:
            await self.aclose()
            raise
        except DeskAwayError as exc:
            await self.aclose()
            if self._broken is None:
                raise StopAsyncIteration from exc
            return self._broken(exc)

    async def aclose(self) -> None:
        if self._is_open:
            self._is_open = False
            self._answer.close()
            self._link._ended()


@contextlib.asynccontextmanager
async def _until(ends: float) -> AsyncGenerator[None, None]:
    try:
        async with asyncio.timeout_at(ends):
            yield
    except TimeoutError as exc:
        raise DeskAwayError("did not answer in time") from exc


def _kept(answer: Answer) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in answer.headers if name in _BACK]
