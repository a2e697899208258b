"""Events out of a Redis Stream, through FastStream, into the same handler as ``/v1/batch``.

An entry of the stream is the body of ``/v1/batch`` in a field ``body``, its ``writeKey`` inside::

    XADD growthbench:events * body '{"writeKey": "gbw_...", "batch": [{"type": "track", ...}]}'

An entry is acknowledged, and deleted, when its events are durable; what a dead worker had taken is taken over after a
minute. An entry nobody can read goes to ``growthbench:events:refused`` with the reason.
"""

import asyncio
import logging
import os
import threading
from typing import TYPE_CHECKING

import anyio.to_thread
import msgspec

from growthbench.base.clock import now_us
from growthbench.base.errors import AccessError, BadInputError, ForbiddenError, NotReadyError
from growthbench.base.ids import new_id
from growthbench.events.segment import KeyInBody
from growthbench.serving.http import Call
from growthbench.serving.routes_ingest import Ingest
from growthbench.serving.state import State
from growthbench.store.callers import NOBODY

if TYPE_CHECKING:
    from faststream.redis.message import RedisStreamMessage as StreamMessage

STREAM, GROUP = "growthbench:events", "growthbench"
REFUSED = f"{STREAM}:refused"
_log = logging.getLogger("growthbench.serving")
_key = msgspec.json.Decoder(KeyInBody)


class IntakeStream:
    """A consumer of the stream; several workers share one group.

    Parameters
    ----------
    state : State
    url : str
        Redis URL.
    stream : str
    takeover_ms : int, default 60000
        After which time an entry that somebody took and never finished is taken over.
    """

    def __init__(self, state: State, url: str, stream: str = STREAM, takeover_ms: int = 60_000):
        from faststream import AckPolicy
        from faststream.redis import RedisBroker, StreamSub
        from faststream.redis.annotations import RedisStreamMessage

        async def take(message: RedisStreamMessage) -> None:  # by this annotation FastStream gives the message itself
            await self._take(message)

        self.state, self.ingest, self.stream = state, Ingest(state), stream
        self.broker: RedisBroker = RedisBroker(url, logger=_log, log_level=logging.DEBUG)
        self._started, self._failed = threading.Event(), None
        self._thread = threading.Thread(target=self._run, name="growthbench-stream", daemon=True)
        consumer = f"{os.uname().nodename}-{os.getpid()}"
        for more in ({"polling_interval": 200, "max_records": 64}, {"min_idle_time": takeover_ms,
                                                                    "polling_interval": 5_000}):  # fmt: skip
            source = StreamSub(stream, group=GROUP, consumer=consumer, **more)
            self.broker.subscriber(stream=source, ack_policy=AckPolicy.MANUAL, max_workers=8, no_reply=True,
                                   decoder=_undecoded)(take)  # fmt: skip

    def start(self) -> "IntakeStream":
        """Begin to read, in a thread with an event loop of its own; waits until the stream is there.

        Raises
        ------
        NotReadyError
            Redis does not answer.
        """
        self._thread.start()
        self._started.wait(30)
        if self._failed is not None:
            raise NotReadyError(f"the intake stream cannot be read: {self._failed}") from self._failed
        return self

    def close(self) -> None:
        """Finish what was taken, then stop."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as exc:
            self._failed = exc
            if self._started.is_set():
                _log.error("the intake stream ended: %s", exc, exc_info=exc)
        self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._client = await self.broker.connect()
        await self._make_group()
        await self.broker.start()
        self._started.set()
        await self._stop.wait()
        await self.broker.stop()

    async def _make_group(self) -> None:
        """The group reads the stream from its beginning: what came before the first worker counts, too."""
        from redis.exceptions import ResponseError

        try:
            await self._client.xgroup_create(self.stream, GROUP, id="0", mkstream=True)
        except ResponseError as exc:
            if "BUSYGROUP" not in str(exc):
                raise

    async def _take(self, message: "StreamMessage") -> None:
        body = message.raw_message["data"].get(b"body", b"")
        (entry,) = message.raw_message["message_ids"]
        try:
            await self._ingest(body)
        except (BadInputError, AccessError) as exc:
            _log.warning("entry %s of %s is refused: %s", entry, self.stream, exc)
            await self._client.xadd(f"{self.stream}:refused", {"body": body, "reason": str(exc)}, maxlen=100_000)
        except Exception as exc:  # not acknowledged: it comes again
            _log.error("entry %s of %s was not taken: %s", entry, self.stream, exc)
            return
        await message.ack()
        await self._client.xdel(self.stream, entry)

    async def _ingest(self, body: bytes) -> None:
        try:
            key = _key.decode(body).write_key or ""
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise BadInputError(f"the entry's body is not the JSON of a batch: {exc}", field="body") from exc
        asked = ([(b"authorization", b"Bearer " + key.encode())], "POST", "/v1/batch", b"", body, "stream")
        caller = self.state.auth.known(*asked) or await anyio.to_thread.run_sync(self.state.auth.ask, *asked)
        if not caller.may("events:write"):
            raise ForbiddenError("this key may not send events")
        call = Call("POST", "/v1/batch", {}, b"", [], body, NOBODY, new_id("req"), "stream", now_us())
        call.caller = caller
        await self.ingest.batch(call)


async def _undecoded(message) -> bytes:
    return b""
