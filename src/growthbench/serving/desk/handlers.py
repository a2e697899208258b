"""Handlers of the Desk by name: each runs in a thread of its class of work, in its turn."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import Any

from growthbench.serving.desk.chat import ChatRoutes
from growthbench.serving.desk.content import ContentRoutes
from growthbench.serving.desk.knowledge import KnowledgeRoutes
from growthbench.serving.desk.state import DeskState
from growthbench.serving.desk.table import desk_routes
from growthbench.serving.desk.turns import Turns
from growthbench.serving.http import Call, Reply, Route, StreamReply
from growthbench.serving.metrics_text import CONTENT_TYPE

_SLACK_S = 5.0
"""The Door gives up first, and says so."""


class JobRoutes:
    """Handlers about jobs."""

    def __init__(self, state: DeskState):
        self.jobs = state.jobs

    def job(self, call: Call) -> Reply:
        """How far a job is."""
        return Reply.of(self.jobs.get(call.tenant, call.params["job_id"]))

    def cancel_job(self, call: Call) -> Reply:
        """Stop a job."""
        return Reply.of(self.jobs.cancel(call.tenant, call.params["job_id"]))


class DeskHandlers:
    """All handlers, and the threads they run in.

    Parameters
    ----------
    state : DeskState
    """

    def __init__(self, state: DeskState):
        self.state, desk = state, state.desk
        self._chapters: list[Any] = [KnowledgeRoutes(state), ContentRoutes(state), ChatRoutes(state), JobRoutes(state)]
        self._turns = {work: Turns(desk.threads + desk.waiting) for work in ("retrieve", "generate")}
        self._pools = {work: ThreadPoolExecutor(desk.threads, f"growthbench-{work}") for work in self._turns}
        state.closing += [lambda p=pool: p.shutdown(wait=True, cancel_futures=True) for pool in self._pools.values()]

    def routes(self) -> list[Route]:
        """The Desk's table, and its metrics."""
        limit_s = self.state.desk.limit_s
        shared = desk_routes(self.handler, lambda work: limit_s(work) + _SLACK_S)
        uncounted = [replace(route, quota=None) for route in shared]  # the Door has counted
        return [*uncounted, Route("GET", "/metrics", self._metrics, "Metrics of the Desk", None, None)]

    def handler(self, name: str, work: str) -> Callable[[Call], Awaitable[Reply]]:
        """The handler of a name; refuses at once when there is no place left."""
        found = next(getattr(chapter, name) for chapter in self._chapters if hasattr(chapter, name))
        turns, pool = self._turns[work], self._pools[work]

        async def in_thread(call: Call) -> Reply:
            turns.take(call.tenant)
            running = pool.submit(found, call)
            running.add_done_callback(lambda done: _ended(done, lambda: turns.give_back(call.tenant)))
            try:
                return await asyncio.wrap_future(running)
            except asyncio.CancelledError:
                running.add_done_callback(_dropped)
                raise

        async def on_loop(call: Call) -> Reply:
            with turns.taken(call.tenant):
                return await found(call)

        return on_loop if iscoroutinefunction(found) else in_thread

    def _metrics(self, call: Call) -> Reply:
        return Reply(self.state.metrics.text().encode(), media_type=CONTENT_TYPE)


def _ended(done: Future, give_back: Callable[[], None]) -> None:
    """A thread has ended, waited for or not: its place is free, unless its answer is still to be streamed."""
    reply = None if done.cancelled() or done.exception() else done.result()
    if isinstance(reply, StreamReply):
        reply.parts.closing.append(give_back)
    else:
        give_back()


def _dropped(done: Future) -> None:
    """Nobody waits for what a thread made."""
    reply = None if done.cancelled() or done.exception() else done.result()
    if isinstance(reply, StreamReply):
        reply.parts.drop()
