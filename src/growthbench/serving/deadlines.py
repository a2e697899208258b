"""Time limits of many requests at the price of one timer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


class Deadlines:
    """Gives up work that takes longer than the limit, which is the same for all.

    ``asyncio.timeout`` sets a timer for every request and takes it back, a tenth of a request's time. Here they wait in
    a line, ordered by when their time is up, and a clock looks at the head of it.

    Parameters
    ----------
    limit_s : float
    """

    def __init__(self, limit_s: float):
        self._limit_s, self._step_s = limit_s, min(0.1, limit_s / 10)
        self._line: deque[_Entry] = deque()
        self._ticking = False

    async def within(self, work: Callable[..., Awaitable[Result]], *args) -> Result:
        """The result of a coroutine function.

        Raises
        ------
        TimeoutError
            It took longer than the limit, by up to a tenth of it; it was cancelled.
        """
        loop, line = asyncio.get_running_loop(), self._line
        while line and line[0].task is None:
            line.popleft()
        entry = _Entry(loop.time() + self._limit_s, asyncio.current_task(loop))
        line.append(entry)
        if not self._ticking:
            self._ticking = True
            loop.call_later(self._step_s, self._tick, loop)
        try:
            return await work(*args)
        except asyncio.CancelledError:
            if entry.is_over and entry.task.uncancel() <= 0:
                raise TimeoutError from None
            raise
        finally:
            entry.task = None

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        line, now = self._line, loop.time()
        while line and (line[0].task is None or line[0].ends <= now):
            entry = line.popleft()
            if entry.task is not None:
                entry.is_over = True
                entry.task.cancel()
        self._ticking = bool(line)
        if line:
            loop.call_later(self._step_s, self._tick, loop)


class _Entry:
    __slots__ = ("ends", "is_over", "task")

    def __init__(self, ends: float, task: asyncio.Task):
        self.ends, self.task, self.is_over = ends, task, False
