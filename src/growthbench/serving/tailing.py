"""The background thread that keeps profiles up with the log: reads each tenant's tail soon after it grew."""

from collections.abc import Callable

from sqlalchemy import select

from growthbench.events.tables import log_heads
from growthbench.people.tail import Tail
from growthbench.store.engine import Store
from growthbench.store.rounds import Rounds

_MANY, _REST_S = 500, 0.6
"""After so many events in one look, the next look waits so long: whoever brings them needs the processor more, and of
larger pieces each person's profile is written once."""
_PIECE = 10_000


class Tailing(Rounds):
    """Runs the tails of all tenants.

    Several workers may do so at once: a tail moves its head in the transaction that writes what it read.

    Parameters
    ----------
    store : Store
    make_tail : callable
        Gives the tail of a tenant.
    every_s : float, default 0.2
        How often to look whether a log has grown.
    """

    def __init__(self, store: Store, make_tail: Callable[[str], Tail], every_s: float = 0.2):
        super().__init__("tails", every_s, "profiles wait")
        self._store, self._make = store, make_tail
        self._tails: dict[str, Tail] = {}
        self._done: dict[str, int] = {}

    def tail(self, tenant: str) -> Tail:
        """The tail of a tenant."""
        if tenant not in self._tails:
            self._tails[tenant] = self._make(tenant)
        return self._tails[tenant]

    def look(self) -> None:
        """Read on wherever a log has grown; a close ends it after the piece under way, the next start goes on."""
        taken = 0
        for tenant, seq in self._heads():
            if seq != self._done.get(tenant) and not self._stop.is_set():
                taken += self._follow(tenant, seq)
        if taken > _MANY:
            self._stop.wait(_REST_S)

    def _follow(self, tenant: str, seq: int) -> int:
        tail, taken = self.tail(tenant), 0
        while (n := tail.catch_up(_PIECE)) and not self._stop.is_set():
            taken += n
            if n < _PIECE:  # the end, but for what came meanwhile: the next look sees to it
                break
        self._done[tenant] = seq
        return taken

    def _heads(self) -> list[tuple[str, int]]:
        with self._store.reading() as connection:
            return [tuple(row) for row in connection.execute(select(log_heads.c.tenant_id, log_heads.c.seq))]
