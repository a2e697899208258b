"""Quotas: what is used up in a UTC day, counted once for all workers.

A worker does not ask the store for every request: it takes a lease, a number of requests that it may let through, and
counts them in memory. The store counts leased as used, so the limit is never passed, whoever dies. Near the limit
leases halve, down to 1, so that the limit is reached exactly, whoever asks last. What a worker has not used it gives
back when it closes, or when nobody asked it for a while. Only a worker that is killed takes its lease with it: nobody
can know how much of it was let through, and counting it as unused could pass the limit. The loss is one lease for each
quota: at most the requests of about half a second, and at most ``1 / (2 * workers)`` of what was left of the limit.
"""

from typing import NamedTuple, Protocol

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import DAY_US, now_us
from growthbench.store.engine import Store
from growthbench.store.tenant_tables import quotas


class Lease(NamedTuple):
    """``granted`` may be used (0: the limit does not allow it); ``left`` is what the limit holds for others."""

    granted: int
    left: int


class QuotaBackend(Protocol):
    """Where quotas are counted."""

    def lease(self, tenant: str, kind: str, day: int, limit: int, wish: int, need: int = 1, workers: int = 1) -> Lease:
        """Take up to ``wish``, but at least ``need`` or nothing."""

    def give_back(self, tenant: str, kind: str, day: int, unused: int) -> None:
        """Return what was leased and not used."""

    def used(self, tenant: str, kind: str, day: int) -> int:
        """What is used or leased."""

    def close(self) -> None:
        """Give connections back."""


def today(us: int | None = None) -> int:
    """UTC days since 1970."""
    return (now_us() if us is None else us) // DAY_US


def share(left: int, wish: int, need: int, workers: int) -> int:
    """How much one worker is given: its wish, but of what is left only its half share, down to what it needs.

    Examples
    --------
    >>> [share(left, wish=64, need=1, workers=4) for left in (1000, 100, 10, 3, 1, 0)]
    [64, 12, 1, 1, 1, 0]
    """
    return max(need, min(wish, left // (2 * workers))) if left >= need else 0


class Quota:
    """Quotas counted in the store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store):
        self.store = store
        self._insert = (postgresql if store.dialect == "postgresql" else sqlite).insert

    def lease(self, tenant: str, kind: str, day: int, limit: int, wish: int, need: int = 1, workers: int = 1) -> Lease:
        """Take a lease.

        Parameters
        ----------
        tenant, kind, day : str, str, int
            Which quota.
        limit : int
            What may be used in the day.
        wish, need : int
            How much would be good, and what less is of no use.
        workers : int, default 1
            Processes that take leases; more than that change only how soon leases become small.

        Returns
        -------
        Lease
            ``granted`` is 0, or from ``need`` to the larger of ``wish`` and ``need``.
        """
        with self.store.writing() as connection:
            return self.lease_in(connection, tenant, kind, day, limit, wish, need, workers)

    def lease_in(
        self, connection: Connection, tenant: str, kind: str, day: int, limit: int, wish: int, need: int, workers: int
    ) -> Lease:
        """The same inside a write transaction."""
        mine = {"tenant": tenant, "kind": kind, "day": day}
        used = connection.execute(_LOCK[self.store.dialect], mine).scalar()
        if used is None:
            row = {"tenant_id": tenant, "kind": kind, "day": day, "used": 0}
            connection.execute(self._insert(quotas).values(**row).on_conflict_do_nothing())
            used = connection.execute(_LOCK[self.store.dialect], mine).scalar_one()
        granted = share(limit - used, wish, need, workers)
        if granted:
            connection.execute(_ADD, {**mine, "n": granted})
        return Lease(granted, max(0, limit - used - granted))

    def give_back(self, tenant: str, kind: str, day: int, unused: int) -> None:
        """Return what was leased and not used."""
        if unused > 0:
            with self.store.writing() as connection:
                connection.execute(_ADD, {"tenant": tenant, "kind": kind, "day": day, "n": -unused})

    def used(self, tenant: str, kind: str, day: int) -> int:
        """What is used, or leased by a worker right now."""
        mine = (quotas.c.tenant_id == tenant, quotas.c.kind == kind, quotas.c.day == day)
        with self.store.reading() as connection:
            return connection.execute(select(quotas.c.used).where(*mine)).scalar() or 0

    def close(self) -> None:
        """Nothing of its own to give back: the store belongs to somebody else."""


_MINE = "FROM quotas WHERE tenant_id = :tenant AND kind = :kind AND day = :day"
_LOCK = {"sqlite": text(f"SELECT used {_MINE}"), "postgresql": text(f"SELECT used {_MINE} FOR UPDATE")}
_ADD = text("UPDATE quotas SET used = used + :n WHERE tenant_id = :tenant AND kind = :kind AND day = :day")


def quota_backend(store: Store, redis_url: str | None = None) -> QuotaBackend:
    """Quotas counted in Redis if it is there, else in the store."""
    if redis_url:
        from growthbench.store.quotas_redis import RedisQuota

        return RedisQuota(redis_url)
    return Quota(store)
