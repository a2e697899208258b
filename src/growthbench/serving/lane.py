"""The fast lane: scores without a thread of their own for every request.

Rows are scored on the event loop; requests that came in the same turn of it share one run of the model. People are
scored by a few reading threads, each with a connection of its own; whoever waits when one is free shares its snapshot.
The prediction log is written behind the answers by the group commit.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.errors import GrowthbenchError
from growthbench.learning.row_reader import Values
from growthbench.predictions.answers import Answer
from growthbench.predictions.champions import Served
from growthbench.predictions.quick import Ask, QuickPeople, score_rows, watch_rows
from growthbench.store.breaker import BreakerOpenError

if TYPE_CHECKING:
    from growthbench.serving.state import State

Outcome = Answer | GrowthbenchError
_log = logging.getLogger("growthbench.serving")
_INLINE_ROWS = 32
"""So many rows of one request are scored on the loop itself; more would keep the others waiting."""
_TOGETHER = 64
"""So many people at most share a snapshot."""
_MOST_UNLOGGED = 20_000
"""Rows that may wait to be logged before the next are held back until the store has caught up."""


class RowLane:
    """Scores rows.

    Parameters
    ----------
    state : State
    """

    def __init__(self, state: "State"):
        self._state = state
        self._waiting: list[tuple[Served, Sequence[Values], asyncio.Future]] = []
        self._pool = ThreadPoolExecutor(2, "growthbench-rows")
        self._given = 0

    async def score(self, served: Served, rows: Sequence[Values]) -> list[Answer]:
        """Answers for rows that ``served.reader`` read; logged soon."""
        self._given += len(rows)
        if self._given >= _MOST_UNLOGGED:
            self._given = 0
            await self._state.commits.flush_async()
        loop = asyncio.get_running_loop()
        if len(rows) > _INLINE_ROWS:
            return await loop.run_in_executor(self._pool, self._scored, served, rows)
        future = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._run)
        self._waiting.append((served, rows, future))
        return await future

    def close(self) -> None:
        """Finish what runs."""
        self._pool.shutdown()

    def _run(self) -> None:
        """Score what waits: by model, all rows in one matrix. A score never depends on its batch."""
        waiting, self._waiting = self._waiting, []
        if len(waiting) == 1:
            groups = [waiting]
        else:
            by_model: dict[int, list] = {}
            for one in waiting:
                by_model.setdefault(id(one[0]), []).append(one)
            groups = list(by_model.values())
        for group in groups:
            try:
                answers = self._scored(group[0][0], [row for _, rows, _ in group for row in rows])
            except Exception as exc:
                for _, _, future in group:
                    if not future.done():
                        future.set_exception(exc)
                continue
            at = 0
            for _, rows, future in group:
                if not future.done():
                    future.set_result(answers[at : at + len(rows)])
                at += len(rows)

    def _scored(self, served: Served, rows: Sequence[Values]) -> list[Answer]:
        begun = time.perf_counter()
        answers, logged = score_rows(served, rows)
        self._state.commits.later("predictions", logged)
        if served.challenger is not None:
            self._pool.submit(self._watch, served, rows)
        self._state.metrics.prediction(served.model.task, time.perf_counter() - begun)
        return answers

    def _watch(self, served: Served, rows: Sequence[Values]) -> None:
        try:
            if logged := watch_rows(served, rows):
                self._state.commits.later("predictions", logged)
        except GrowthbenchError as exc:
            _log.warning("the challenger of %s said nothing: %s", served.model.task, exc)


class PeopleLane:
    """Scores people.

    Parameters
    ----------
    state : State
    readers : int, default 2
        Threads, each with a connection of its own.
    """

    def __init__(self, state: "State", readers: int = 2):
        self._state = state
        self._quick: dict[str, QuickPeople] = {}
        self._waiting: deque[tuple[QuickPeople, Sequence[Ask], asyncio.Future, asyncio.AbstractEventLoop]] = deque()
        self._work, self._closed = threading.Condition(), False
        self._threads = [
            threading.Thread(target=self._read, name=f"growthbench-people-{i}", daemon=True) for i in range(readers)
        ]
        for thread in self._threads:
            thread.start()

    def quick(self, tenant: str) -> QuickPeople:
        """The tenant's short way."""
        if (found := self._quick.get(tenant)) is None:
            found = self._quick.setdefault(tenant, QuickPeople(self._state.scorer(tenant)))
        return found

    def forget(self, tenant: str, people_version: int) -> None:
        """Drop the tenant's remembered answers if somebody was erased or merged since they were put there."""
        if (quick := self._quick.get(tenant)) is not None:  # making it would load the tenant's models
            quick.check(people_version)

    async def score(self, tenant: str, asks: Sequence[Ask]) -> list[Outcome]:
        """Answers, or why there is none, in the order asked; from memory and flagged where the store is away."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._work:
            self._waiting.append((self.quick(tenant), asks, future, loop))
            self._work.notify()
        return await future

    def close(self) -> None:
        """Answer what waits, then stop."""
        with self._work:
            self._closed = True
            self._work.notify_all()
        for thread in self._threads:
            thread.join(10)

    def _read(self) -> None:
        reader = _Reader(self._state)
        while True:
            with self._work:
                while not self._waiting and not self._closed:
                    self._work.wait()
                if not self._waiting:
                    break
                taken = [self._waiting.popleft()]
                size = len(taken[0][1])
                while self._waiting and self._waiting[0][0] is taken[0][0] and size < _TOGETHER:
                    taken.append(self._waiting.popleft())
                    size += len(taken[-1][1])
            try:
                reader.answer(taken)
            except BaseException as exc:  # nobody may wait for ever
                _give(taken, [exc] * len(taken))
                if not isinstance(exc, Exception):
                    raise
        reader.close()


class _Reader:
    """One reading thread's connection and work."""

    def __init__(self, state: "State"):
        self._state = state
        self._connection = None
        driver = state.store.engine.dialect.import_dbapi()
        self._outages = (SQLAlchemyError, driver.OperationalError, BreakerOpenError)

    def answer(self, taken: list) -> None:
        """Score everybody asked for in one snapshot, hand the answers out, then let the watching models speak."""
        quick: QuickPeople = taken[0][0]
        asks = [ask for _, some, _, _ in taken for ask in some]
        begun = time.perf_counter()
        later = None
        try:
            with self._state.store.breaker, self._snapshot():
                outcomes, later, logged = quick.score(self._connection, asks)
                if logged:
                    self._state.commits.later("predictions", logged)
                self._hand_out(taken, outcomes)
                if later is not None and (watched := later()):
                    self._state.commits.later("predictions", watched)
        except self._outages as exc:
            self.close()
            if later is None:
                _log.warning("people are scored from memory: %s", str(exc).splitlines()[0])
                self._hand_out(taken, [quick.degraded(ask) or exc for ask in asks])
            return
        except GrowthbenchError as exc:
            if later is None:
                raise
            _log.warning("a watching model said nothing: %s", exc)
        took = time.perf_counter() - begun
        for task in {ask.task for ask in asks}:
            self._state.metrics.prediction(task, took)

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    @contextmanager
    def _snapshot(self):
        """A reading transaction, begun and ended through the driver: SQLAlchemy's own takes as long as the features."""
        store = self._state.store
        if self._connection is None:
            options = {"isolation_level": "REPEATABLE READ"} if store.dialect == "postgresql" else {}
            self._connection = store.engine.connect().execution_options(**options)
        driver = self._connection.connection.driver_connection
        if store.dialect == "sqlite":  # psycopg begins by itself
            driver.execute("BEGIN")
        try:
            yield
        finally:
            driver.rollback()  # nothing was written

    @staticmethod
    def _hand_out(taken: list, outcomes: Sequence[Any]) -> None:
        parts, at = [], 0
        for _, some, _, _ in taken:
            parts.append(outcomes[at : at + len(some)])
            at += len(some)
        _give(taken, parts)


def _give(taken: list, results: Sequence[Any]) -> None:
    """Hand results to whoever waits; those of one loop in one call of it."""
    by_loop: dict[asyncio.AbstractEventLoop, list] = {}
    for (_, _, future, loop), result in zip(taken, results):
        by_loop.setdefault(loop, []).append((future, result))
    for loop, pairs in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(partial(_set_all, pairs))


def _set_all(pairs: list) -> None:
    for future, result in pairs:
        if future.done():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
