"""Group commit: one thread writes what many requests bring, as much as waits in one durable transaction.

A commit costs the disk a flush whatever its size; so whoever comes while one is under way shares the next. An item is
answered when the transaction that holds it is durable, never before. Items given by `GroupCommit.later` are answered by
nobody: they ride with the next commit, or make one of their own after a short while.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from growthbench.base.errors import NotReadyError
from growthbench.store.engine import Store

Writer = Callable[[Connection, list], Sequence]
"""Writes items of one kind inside the transaction; returns one result an item, in order. A result that is an exception
is raised to whoever gave the item."""

_log = logging.getLogger("growthbench.store")
_MOST_ITEMS = 2_000
_PRAGMAS = (
    "PRAGMA cache_size = -65536",  # 64 MiB: the newest leaves of some thousand people, which most events fall on
    "PRAGMA wal_autocheckpoint = 0",  # see `GroupCommit.finish_checkpoint`
)
_STOPPING = "the service is stopping"


class GroupCommit:
    """The writing thread.

    Parameters
    ----------
    store : Store
    writers : mapping of str to Writer
        By kind of item, written in this order.
    later_s : float, default 0.05
        How long an item given by `later` may wait.
    most_later : int, default 50000
        How many such items may wait; more are refused.

    Attributes
    ----------
    lost : int
        Items given by `later` that could not be written.
    """

    def __init__(
        self,
        store: Store,
        writers: Mapping[str, Writer],
        later_s: float = 0.05,
        most_later: int = 50_000,
    ):
        self._store, self._writers = store, dict(writers)
        self._later_s, self._most_later = later_s, most_later
        self._now: deque[tuple[str, Any, _Reply]] = deque()
        self._later: deque[tuple[str, Any]] = deque()
        self._later_since = 0.0
        self._wake = threading.Condition()
        self._told_by: asyncio.AbstractEventLoop | None = None
        self._connection: Connection | None = None
        driver = store.engine.dialect.import_dbapi()
        self._outages, self._error = (driver.OperationalError, driver.InterfaceError), driver.Error
        self._checkpoint = threading.Event()
        self._closed = False
        self.lost = 0
        self._thread = threading.Thread(target=self._run, name="growthbench-commits", daemon=True)
        self._thread.start()

    def submit(self, kind: str, item: Any) -> Future:
        """Write an item; the future has its result when it is durable."""
        future: Future = Future()
        self._put(kind, item, _Threaded(future))
        return future

    def submit_async(self, kind: str, item: Any) -> asyncio.Future:
        """The same for the running event loop. Whoever gives up waiting changes nothing: the item is written."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._wake:
            if self._closed:
                raise NotReadyError(_STOPPING)
            self._now.append((kind, item, _Looped(future, loop)))
        # The thread is told when this turn of the loop has brought all it has: whoever came in it shares a commit.
        if self._told_by is not loop:
            self._told_by = loop
            loop.call_soon(self._tell)
        return future

    def later(self, kind: str, item: Any) -> None:
        """Write an item soon, for nobody who waits.

        Raises
        ------
        NotReadyError
            Too many wait already, because the store is away or too slow.
        """
        with self._wake:
            if self._closed or len(self._later) >= self._most_later:
                raise NotReadyError("the store cannot take more now: too much waits to be written")
            if not self._later:
                self._later_since = time.monotonic()
                self._wake.notify()
            self._later.append((kind, item))

    def finish_checkpoint(self) -> None:
        """Copy the rest of SQLite's write-ahead log back after the next commit.

        Beside a busy writer no checkpoint ever comes to the log's end, and only at its end is a log begun anew; between
        two commits of the one who writes most there is little left to copy.
        """
        self._checkpoint.set()

    def flush(self, timeout_s: float | None = 10.0) -> None:
        """Wait until everything given so far is durable."""
        future: Future = Future()
        self._put("", None, _Threaded(future))
        future.result(timeout_s)

    async def flush_async(self) -> None:
        """The same for the running event loop."""
        await self.submit_async("", None)

    def close(self) -> None:
        """Write what waits, then stop."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _put(self, kind: str, item: Any, reply: "_Reply") -> None:
        with self._wake:
            if self._closed:
                raise NotReadyError(_STOPPING)
            self._now.append((kind, item, reply))
            self._wake.notify()

    def _tell(self) -> None:
        self._told_by = None
        with self._wake:
            self._wake.notify()

    def _run(self) -> None:
        while True:
            now, later = self._taken()
            if not now and not later:
                break
            self._commit(now, later)
        self._let_go()

    def _taken(self) -> tuple[list, list]:
        """What is to be written together: waits for something that cannot wait any longer; nothing at the very end."""
        with self._wake:
            while not self._now and not self._closed:  # what an event loop brings is there before it tells so
                wait = None
                if self._later:
                    wait = self._later_since + self._later_s - time.monotonic()
                    if wait <= 0:
                        break
                self._wake.wait(wait)
            now = [self._now.popleft() for _ in range(min(len(self._now), _MOST_ITEMS))]
            later = [self._later.popleft() for _ in range(min(len(self._later), _MOST_ITEMS))]
            self._later_since = time.monotonic()
            return now, later

    def _commit(self, now: list, later: list) -> None:
        items = [(kind, item) for kind, item, _ in now] + later
        try:
            results = self._written(items)
        except (SQLAlchemyError, OSError) as exc:
            self._refuse(now, later, exc)
        except Exception as exc:
            if len(items) == 1:
                self._refuse(now, later, exc)
            else:  # one of them is at fault: each on its own, so that it fails alone
                for one in now:
                    self._commit([one], [])
                for one in later:
                    self._commit([], [one])
        else:
            _answer([reply for _, _, reply in now], results)

    def _written(self, items: list[tuple[str, Any]]) -> list[Any]:
        results: list[Any] = [None] * len(items)
        if not any(kind for kind, _ in items):
            return results
        with self._writing() as connection:
            for name, writer in self._writers.items():
                places = [i for i, (kind, _) in enumerate(items) if kind == name]
                if places:
                    for place, result in zip(places, writer(connection, [items[i][1] for i in places]), strict=True):
                        results[place] = result
        return results

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A write transaction; what the driver itself says of an outage is told as SQLAlchemy tells it.

        On SQLite always of the same connection: pages it has read stay in its memory as long as nobody else writes.
        """
        try:
            if self._store.dialect != "sqlite":
                with self._store.writing() as connection:
                    yield connection
                return
            if self._connection is None:
                self._connection = self._store.engine.connect().execution_options(gb_immediate=True)
                for pragma in _PRAGMAS:
                    self._connection.connection.driver_connection.execute(pragma)
            with self._connection.begin():
                yield self._connection
            if self._checkpoint.is_set():
                self._checkpoint.clear()
                with suppress(self._error):  # what is committed is committed; the next look asks again
                    self._connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except BaseException as exc:
            self._let_go()
            if isinstance(exc, self._outages):
                raise DBAPIError("a group commit", None, exc) from exc
            raise

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def _refuse(self, now: list, later: list, exc: Exception) -> None:
        _log.error("a commit failed: %s", exc, exc_info=None if isinstance(exc, SQLAlchemyError | OSError) else exc)
        _answer([reply for _, _, reply in now], [exc] * len(now))
        if not later:
            return
        outage = isinstance(exc, SQLAlchemyError | OSError)
        with self._wake:
            if outage and not self._closed and len(self._later) + len(later) <= self._most_later:
                self._later.extendleft(reversed(later))
                self._later_since = time.monotonic() + 1.0  # the store is away: no hurry
                return
        self.lost += len(later)
        _log.error("%d items that nobody waits for are lost, %d in all", len(later), self.lost)


class _Threaded:
    def __init__(self, future: Future):
        self._future, self.loop = future, None

    def give(self, result: Any) -> None:
        with suppress(Exception):  # cancelled meanwhile
            if isinstance(result, Exception):
                self._future.set_exception(result)
            else:
                self._future.set_result(result)


class _Looped:
    def __init__(self, future: asyncio.Future, loop: asyncio.AbstractEventLoop):
        self._future, self.loop = future, loop

    def give(self, result: Any) -> None:
        if self._future.done():
            return
        if isinstance(result, Exception):
            self._future.set_exception(result)
        else:
            self._future.set_result(result)


_Reply = _Threaded | _Looped


def _answer(replies: list[_Reply], results: Sequence) -> None:
    """Hand results out; all of one event loop in one call of it."""
    by_loop: dict[Any, list[tuple[_Looped, Any]]] = {}
    for reply, result in zip(replies, results):
        if reply.loop is None:
            reply.give(result)
        else:
            by_loop.setdefault(reply.loop, []).append((reply, result))
    for loop, given in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_give_all, given)


def _give_all(given: list[tuple[_Looped, Any]]) -> None:
    for reply, result in given:
        reply.give(result)
