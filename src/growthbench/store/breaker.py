"""A circuit breaker: whoever does not answer is left alone for a while, so that nobody waits for them in vain."""

import threading
import time
from collections.abc import Callable
from enum import Enum

from growthbench.base.errors import NotReadyError


class Circuit(Enum):
    """State of a breaker."""

    CLOSED = "closed"
    HALF_OPEN = "half open"
    OPEN = "open"


class BreakerOpenError(NotReadyError):
    """Something outside failed lately and is not asked now.

    Parameters
    ----------
    name : str
    retry_after : float
        Seconds until it is asked again.
    """

    def __init__(self, name: str, retry_after: float):
        super().__init__(f"{name} failed lately and is not asked now; try again in {max(retry_after, 1):.0f} s")
        self.retry_after = retry_after


class Breaker:
    """Guards calls of one outside dependency; used as ``with breaker: ...``, by any number of threads and coroutines.

    CLOSED: calls pass. After ``failures`` failed calls in a row it is OPEN: calls are refused at once, for ``open_s``.
    Then it is HALF_OPEN: one call passes, the others are refused until it is known how that one ended; a success closes
    the circuit, a failure opens it again.

    Parameters
    ----------
    name : str
        For messages.
    counts : exception types
        What is a failure of the dependency. Other exceptions pass through and count as an answer.
    failures : int, default 5
    open_s : float, default 60
    clock : callable, optional
        Seconds that only grow.

    Examples
    --------
    >>> breaker = Breaker("a service", (OSError,), failures=1)
    >>> try:
    ...     with breaker:
    ...         raise OSError("no route")
    ... except OSError:
    ...     breaker.state
    <Circuit.OPEN: 'open'>
    """

    def __init__(
        self,
        name: str,
        counts: tuple[type[BaseException], ...],
        failures: int = 5,
        open_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.name, self._counts, self._limit, self._open_s, self._clock = name, counts, failures, open_s, clock
        self._failed = 0
        self._opened_at: float | None = None
        self._trying = False
        self._lock = threading.Lock()

    @property
    def state(self) -> Circuit:
        """What a call would meet now."""
        if self._opened_at is None:
            return Circuit.CLOSED
        return Circuit.OPEN if self._clock() - self._opened_at < self._open_s else Circuit.HALF_OPEN

    @property
    def retry_after(self) -> float:
        """Seconds until a call may pass, 0 if one may now."""
        return 0.0 if self._opened_at is None else max(0.0, self._opened_at + self._open_s - self._clock())

    def __enter__(self) -> "Breaker":
        if self._opened_at is not None:
            with self._lock:
                if self._opened_at is not None:
                    if self.state is Circuit.OPEN or self._trying:
                        raise BreakerOpenError(self.name, self.retry_after)
                    self._trying = True
        return self

    def __exit__(self, kind, exc, traceback) -> None:
        failed = exc is not None and isinstance(exc, self._counts)
        if not failed and self._failed == 0 and self._opened_at is None:
            return
        with self._lock:
            if failed:
                self._failed += 1
                if self._trying or (self._opened_at is None and self._failed >= self._limit):
                    self._opened_at = self._clock()
            else:  # also of a call that began before: whoever answers is there
                self._failed, self._opened_at = 0, None
            self._trying = False
