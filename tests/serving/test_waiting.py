import asyncio

import pytest

from growthbench.serving.bodies import ClientGoneError
from growthbench.serving.http import StreamReply
from growthbench.serving.waiting import stream_out, while_there


class Client:
    """The other end: goes away when it is told to, and keeps what it was sent."""

    def __init__(self):
        self.leaves, self.got = asyncio.Event(), []

    async def receive(self):
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.got.append(message)


class Parts:
    def __init__(self, parts, then=None):
        self._parts, self._then, self.closed = list(parts), then, 0

    async def __anext__(self):
        if self._parts:
            return self._parts.pop(0)
        if self._then is None:
            raise StopAsyncIteration
        return await self._then()

    async def aclose(self):
        self.closed += 1


async def never():
    await asyncio.Event().wait()


def test_a_result_comes_while_the_client_waits():
    async def main():
        assert await while_there(Client().receive, asyncio.sleep(0.01, "done"), 5) == "done"
        with pytest.raises(ValueError, match="no"):
            await while_there(Client().receive, failing(), 5)

    async def failing():
        raise ValueError("no")

    asyncio.run(main())


def test_work_is_cancelled_when_the_client_leaves_or_the_time_is_up():
    ended = []

    async def work():
        try:
            await never()
        finally:
            ended.append("cancelled")

    async def main():
        client = Client()
        asyncio.get_running_loop().call_later(0.02, client.leaves.set)
        with pytest.raises(ClientGoneError):
            await while_there(client.receive, work(), 5)
        with pytest.raises(TimeoutError):
            await while_there(Client().receive, work(), 0.02)

    asyncio.run(main())
    assert ended == ["cancelled", "cancelled"]


def test_parts_are_sent_one_by_one_and_closed_at_the_end():
    async def main():
        client, parts = Client(), Parts([b"a", b"b"])
        await stream_out(StreamReply(parts, b"text/event-stream"), client.receive, client.send, [])
        assert [m.get("body") for m in client.got] == [None, b"a", b"b", b""]
        assert [m.get("more_body", False) for m in client.got] == [False, True, True, False]
        assert parts.closed == 1

    asyncio.run(main())


def test_a_client_that_leaves_ends_the_stream():
    async def main():
        client, parts = Client(), Parts([b"a"], never)
        asyncio.get_running_loop().call_later(0.05, client.leaves.set)
        await asyncio.wait_for(stream_out(StreamReply(parts, b"text/event-stream"), client.receive, client.send, []), 5)
        assert [m.get("body") for m in client.got] == [None, b"a"]
        assert parts.closed == 1

    asyncio.run(main())
