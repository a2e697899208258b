"""Whole fits side by side, each on one thread.

The threads of numerical libraries wait actively for each other: on busy cores a Newton step of a millisecond then takes
200, and a small booster ten times as long. Fits that know nothing of each other never wait.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

_WORKERS = 2


@contextmanager
def one_thread():
    """Within it (or as a decorator of a function) BLAS and OpenMP use one thread."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def side_by_side(work: Callable, over: Iterable, step: Callable[[], None] = lambda: None) -> list:
    """Results of ``work`` for each of ``over``, in order, two at a time; ``step`` is called after each."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        made = []
        for result in pool.map(work, over):
            made.append(result)
            step()
        return made
