"""Turns: how many requests of a class work, how many may wait, and how many of them are one tenant's."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from growthbench.base.errors import LimitError
from growthbench.serving.desk.client import DeskAwayError


class Turns:
    """Counts who is at work or waits; what goes beyond is refused at once, not queued without end.

    Parameters
    ----------
    places : int
        At work and waiting, of all tenants. One tenant has at most half of them, rounded up.

    Examples
    --------
    >>> turns = Turns(2)
    >>> with turns.taken("a"), turns.taken("b"):
    ...     turns.busy
    2
    """

    def __init__(self, places: int):
        self._places, self._share = places, (places + 1) // 2
        self._by_tenant: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def busy(self) -> int:
        """Places that are taken."""
        return self._by_tenant.total()

    def take(self, tenant: str) -> None:
        """Take a place; `give_back` it when the work has ended.

        Raises
        ------
        DeskAwayError
            All are taken.
        LimitError
            This tenant has its share.
        """
        with self._lock:
            if self.busy >= self._places:
                raise DeskAwayError("has too much to do", retry_after=1)
            if self._by_tenant[tenant] >= self._share:
                raise LimitError(f"{self._share} requests of this kind are under way for you already", retry_after=1)
            self._by_tenant[tenant] += 1

    def give_back(self, tenant: str) -> None:
        """Give a place back."""
        with self._lock:
            self._by_tenant[tenant] -= 1
            if not self._by_tenant[tenant]:
                del self._by_tenant[tenant]

    @contextmanager
    def taken(self, tenant: str) -> Iterator[None]:
        """Hold a place during a block."""
        self.take(tenant)
        try:
            yield
        finally:
            self.give_back(tenant)
