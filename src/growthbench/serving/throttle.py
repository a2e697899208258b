"""A brake for open routes: how often one address may try."""

import threading
import time
from collections.abc import Callable

from growthbench.base.errors import LimitError

_MOST = 10_000


class Throttle:
    """Lets each address through so often a second, after a few at once. Counted by each worker for itself.

    Parameters
    ----------
    per_s : float
    at_once : int
    clock : callable, default ``time.monotonic``
    """

    def __init__(self, per_s: float, at_once: int, clock: Callable[[], float] = time.monotonic):
        self._per_s, self._at_once, self._clock = per_s, at_once, clock
        self._lock = threading.Lock()
        self._free: dict[str, float] = {}  # when an address would have all of its tries again

    def take(self, address: str) -> None:
        """Let one try through.

        Raises
        ------
        LimitError
            Too many came from this address.
        """
        with self._lock:
            now = self._clock()
            if len(self._free) >= _MOST:
                self._free = {a: at for a, at in self._free.items() if at > now}
            free = max(now, self._free.get(address, now)) + 1 / self._per_s
            if (wait := free - now - self._at_once / self._per_s) > 1e-9:
                raise LimitError("too many tries from this address", retry_after=wait)
            if len(self._free) < _MOST or address in self._free:
                self._free[address] = free
