"""What the live channel needs, put together by hand: a store, people, a bus, known keys."""

import asyncio
import json
from types import SimpleNamespace

from growthbench.base.clock import now_us
from growthbench.base.errors import AccessError
from growthbench.events.segment import read_message
from growthbench.people.directory import Directory
from growthbench.people.intake import Batch, Intake
from growthbench.predictions.log import write_logged
from growthbench.serving.bus import Bus
from growthbench.serving.metrics import Metrics
from growthbench.store.callers import Caller
from growthbench.store.group_commit import GroupCommit
from growthbench.store.keyring import Keyring


class KeyList:
    """Knows keys by heart; `Auth` itself is tested elsewhere."""

    def __init__(self):
        self.callers = {
            "secret": Caller("local", "key", "k1", "service"),
            "other": Caller("other", "key", "k2", "service"),
            "write": Caller("local", "key", "k3", "sender"),
            "viewer": Caller("local", "member", "m1", "viewer"),
        }

    def known(self, headers, *_):
        given = dict(headers).get(b"authorization", b"").decode().removeprefix("Bearer ")
        if given not in self.callers:
            raise AccessError("no such key")
        return self.callers[given]


class Parts:
    """A state with what the live channel uses."""

    def __init__(self, store, home, redis_url=None):
        self.store, self.keyring, self.auth, self.metrics = store, Keyring.open(home), KeyList(), Metrics()
        self.bus = Bus(store, redis_url, poll_s=0.05)
        self._directories = {}
        self.intake = Intake(self.directory)
        writers = {"events": self.intake.write, "predictions": self.bus.scores.watching(write_logged)}
        self.commits = GroupCommit(store, writers | {"channel": self.bus.write})
        self.bus.start(self.commits)

    def directory(self, tenant):
        return self._directories.setdefault(tenant, Directory(self.store, self.keyring, tenant))

    def track(self, *messages, tenant="local"):
        """Take messages as `/v1/batch` does; the log's head after it."""
        events = [read_message(json.dumps(m).encode(), m.get("type", "track"), now_us()) for m in messages]
        return self.commits.submit("events", Batch(tenant, events)).result(20).horizon

    def close(self):
        self.commits.close()
        self.bus.close()


class Client:
    """One WebSocket client over plain ASGI messages."""

    def __init__(self, realtime, state, headers=(("authorization", "Bearer secret"),)):
        self.said, self.heard = asyncio.Queue(), asyncio.Queue()
        self.gate = asyncio.Event()
        self.gate.set()
        scope = {"type": "websocket", "path": "/ws/realtime", "query_string": b"", "client": ("127.0.0.1", 5000),
                 "headers": [(k.encode(), v.encode()) for k, v in headers]}  # fmt: skip
        self.said.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(realtime(state, scope, self.said.get, self._take))

    async def _take(self, message):
        await self.gate.wait()  # a reader that does not read: its socket takes nothing
        await self.heard.put(message)

    def say(self, **content):
        self.said.put_nowait({"type": "websocket.receive", "text": json.dumps(content)})

    async def hear(self, kind=None, within=5.0):
        """The next message; with a kind, the next of this kind."""
        async with asyncio.timeout(within):
            while True:
                message = await self.heard.get()
                if message["type"] == "websocket.accept":
                    continue
                if message["type"] == "websocket.close":
                    return SimpleNamespace(closed=message["code"])
                content = json.loads(message["text"])
                if kind in (None, content["type"]):
                    return content

    async def messages(self, n):
        return [await self.hear("message") for _ in range(n)]

    async def leave(self):
        self.said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.task, 5)
