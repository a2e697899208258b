"""The newest messages of a tenant, read from the store once for everybody in this process who follows them."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from growthbench.serving.channel import Told, read_events, read_messages

if TYPE_CHECKING:
    from growthbench.serving.state import State

PAGE = 200
_PAUSE_S = 0.02  # between pages: a flood of events is told at a pace that leaves the processor to who brings them
_MOST_BYTES = 4 * 1024 * 1024
_HIDDEN = ("user_id", "properties", "traits")


class Item(NamedTuple):
    """A message as it goes out: whole, and for readers who may not see people."""

    seq: int
    topic: str
    whole: bytes
    bare: bytes


class Feed:
    """One stream: ``events``, or ``channel`` for the other topics.

    Everything numbered above `start` up to `end` is in `items`; who is further behind reads the store.
    """

    def __init__(self, read: Callable[[int, int], Sequence[Told]], head: int):
        self._read, self.start, self.end = read, head, head
        self.items: deque[Item] = deque()
        self._bytes = 0
        self._filling = asyncio.Lock()

    async def fill(self, position: int, head: int) -> None:
        """Read the next page for a reader at a position, if there is more; of several who ask at once one reads."""
        async with self._filling:
            if self.end >= head or self.end > position:
                return
            page = await asyncio.get_running_loop().run_in_executor(None, self._page, self.end)
            self.items.extend(page)
            self._bytes += sum(len(item.whole) for item in page)
            self.end = page[-1].seq if len(page) == PAGE else max([head, *(item.seq for item in page)])
            while self._bytes > _MOST_BYTES and len(self.items) > PAGE:
                gone = self.items.popleft()
                self._bytes -= len(gone.whole)
                self.start = gone.seq
            if self.end < head:
                await asyncio.sleep(_PAUSE_S)

    def behind(self, position: int) -> list[Item] | None:
        """Messages behind a position, None if it is further back than what is kept."""
        if position < self.start:
            return None
        found = []
        for item in reversed(self.items):
            if item.seq <= position:
                break
            found.append(item)
        return found[::-1]

    async def stored(self, position: int) -> list[Item]:
        """A page behind a position, from the store."""
        return await asyncio.get_running_loop().run_in_executor(None, self._page, position)

    def _page(self, after: int) -> list[Item]:
        return [_item(told) for told in self._read(after, PAGE)]


def _item(told: Told) -> Item:
    whole = msgspec.json.encode(told)
    hidden = {k: v for k, v in told["body"].items() if k not in _HIDDEN}
    bare = whole if len(hidden) == len(told["body"]) else msgspec.json.encode({**told, "body": hidden})
    return Item(told["seq"], told["topic"], whole, bare)


class Feeds:
    """The feeds of a process, made when the first reader comes and dropped with the last."""

    def __init__(self) -> None:
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._readers: dict[tuple[str, str], int] = {}
        self.connections: dict[str, int] = {}
        self._lock = threading.Lock()

    def join(self, state: "State", tenant: str, stream: str, head: int) -> Feed:
        """Use a feed; `leave` it later."""
        key = (tenant, stream)
        with self._lock:
            self._readers[key] = self._readers.get(key, 0) + 1
            if key not in self._feeds:
                self._feeds[key] = Feed(_reader(state, tenant, stream), head)
            return self._feeds[key]

    def leave(self, tenant: str, stream: str) -> None:
        """Use a feed no more."""
        key = (tenant, stream)
        with self._lock:
            self._readers[key] -= 1
            if not self._readers[key]:
                del self._feeds[key], self._readers[key]

    def enter(self, tenant: str, most: int) -> bool:
        """Count a connection in, unless the tenant has as many as it may."""
        with self._lock:
            if self.connections.get(tenant, 0) >= most:
                return False
            self.connections[tenant] = self.connections.get(tenant, 0) + 1
            return True

    def exit(self, tenant: str) -> None:
        """Count a connection out."""
        with self._lock:
            self.connections[tenant] -= 1
            if not self.connections[tenant]:
                del self.connections[tenant]


def _reader(state: "State", tenant: str, stream: str) -> Callable[[int, int], Sequence[Told]]:
    read = read_events if stream == "events" else read_messages

    def page(after: int, limit: int) -> Sequence[Told]:
        with state.store.reading() as connection:
            return read(connection, state.directory(tenant), after, limit, True)

    return page
