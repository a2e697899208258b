"""Limits of tenants: calls and events a day, and calls a second. Counted in memory, from leases of the day's quota."""

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.errors import GrowthbenchError, LimitError
from growthbench.store.callers import Caller
from growthbench.store.plans import LOCAL, Plan
from growthbench.store.quotas import QuotaBackend, quota_backend
from growthbench.store.tenants import Tenants

__all__ = ["Limits", "quota_backend"]

FOLLOW_S = 1.5
"""Within which time a tenant's new plan or limits are followed."""
KEPT_S = 2.0
"""After which what a lease still holds is given back: somebody else may need it."""
LARGEST_LEASE = 4_096

_QUICK_S = 0.25  # a lease used up sooner was too small, one that lasted longer than four times that too large
_ASK_AGAIN_S = 0.25
_DAY_S = 86_400
_NO_HEADERS: list[tuple[bytes, bytes]] = []
_log = logging.getLogger("growthbench.serving")


class Limits:
    """What tenants may still do.

    Parameters
    ----------
    quota : QuotaBackend
        Where all workers count together.
    tenants : Tenants
        Who has which limits.
    workers : int, default 1
        Processes that share the burst limit: each lets its part of it through.
    clock : callable, default ``time.time``
        Seconds since 1970.
    """

    def __init__(self, quota: QuotaBackend, tenants: Tenants, workers: int = 1, clock: Callable[[], float] = time.time):
        self._quota, self._tenants, self._workers, self._clock = quota, tenants, max(1, workers), clock
        self._meters: dict[tuple[str, str], Meter] = {}
        self._making = threading.Lock()
        self._stop = threading.Event()
        self._keeper: threading.Thread | None = None

    def take_now(self, caller: Caller, kind: str, n: int) -> bool:
        """Let ``n`` of a kind through, if memory is enough to know: no I/O.

        Returns
        -------
        bool
            False: only `take` can tell.

        Raises
        ------
        LimitError
            A limit is known to be used up.
        """
        if caller.plan == LOCAL:
            return True
        meter = self._meters.get((caller.tenant, kind))
        return meter is not None and meter.take(n, self._clock())

    def take(self, caller: Caller, kind: str, n: int) -> None:
        """The same, asking the store for a lease if needed.

        Raises
        ------
        LimitError
            A limit is used up; ``retry_after`` says until when.
        """
        if caller.plan == LOCAL:
            return
        meter = self._meters.get((caller.tenant, kind)) or self._made(caller.tenant, kind)
        with meter.asking:  # who waits here finds what the one before has brought
            while True:
                now = self._clock()
                self._follow(meter, now)
                if meter.take(n, now):
                    return
                self._lease(meter, n, now)

    def headers(self, caller: Caller, kind: str) -> list[tuple[bytes, bytes]]:
        """``RateLimit-Policy`` and ``RateLimit`` (IETF httpapi draft 10); none on the plan without limits."""
        if caller.plan == LOCAL or (meter := self._meters.get((caller.tenant, kind))) is None:
            return _NO_HEADERS
        return meter.headers(self._clock())

    def used(self, tenant: str, kind: str, day: int) -> int:
        """What a tenant used up in a UTC day, with what other workers hold leased of it right now."""
        used, meter = self._quota.used(tenant, kind, day), self._meters.get((tenant, kind))
        return used - (meter.in_hand(day) if meter is not None else 0)

    def give_back(self, older_s: float = 0.0) -> None:
        """Give back what leases hold that were taken at least ``older_s`` seconds ago."""
        now = self._clock()
        for meter in list(self._meters.values()):
            day, unused = meter.drop(now - older_s)
            if unused:
                try:
                    self._quota.give_back(meter.tenant, meter.kind, day, unused)
                except (SQLAlchemyError, GrowthbenchError) as exc:
                    # Not tried again: it may have been counted. The tenant loses it, the limit is not passed.
                    lost = f"{unused} leased {meter.kind} of {meter.tenant}"
                    _log.warning("%s could not be given back: %s", lost, exc.__class__.__name__)

    def close(self) -> None:
        """Give all leases back; whoever still asks gets exactly what they need."""
        self._stop.set()
        if self._keeper is not None:
            self._keeper.join()
        self.give_back()
        self._quota.close()

    def _made(self, tenant: str, kind: str) -> "Meter":
        with self._making:
            return self._meters.setdefault((tenant, kind), Meter(tenant, kind, self._workers))

    def _follow(self, meter: "Meter", now: float) -> None:
        """Bring a meter up to date: the tenant's limits, the day."""
        if now < meter.fresh_until:
            return
        try:
            meter.follow(self._tenants.get(meter.tenant).allowed(), now)
        except SQLAlchemyError:
            if not meter.follow(None, now):
                raise
            # The store is away: what was leased is still ours to give, by the limits that were known last.

    def _lease(self, meter: "Meter", n: int, now: float) -> None:
        need, wish = meter.wants(n, now)
        if self._stop.is_set():
            wish = need
        granted, left = self._quota.lease(meter.tenant, meter.kind, meter.day, meter.limit, wish, need, self._workers)
        if granted:
            meter.add(granted, left, now)
            self._keep()
        else:
            meter.refuse(need, left, now)

    def _keep(self) -> None:
        """See to it that old leases are given back."""
        if self._keeper is None and not self._stop.is_set():
            with self._making:
                if self._keeper is None:
                    self._keeper = threading.Thread(target=self._keep_on, name="growthbench-limits", daemon=True)
                    self._keeper.start()

    def _keep_on(self) -> None:
        while not self._stop.wait(KEPT_S / 2):
            try:
                self.give_back(KEPT_S)
            except Exception:
                _log.exception("leases could not be given back")


class Meter:
    """What one worker may let through of one kind for one tenant. ``asking`` is held by whoever asks the store."""

    def __init__(self, tenant: str, kind: str, workers: int):
        self.tenant, self.kind, self._workers = tenant, kind, workers
        self.asking, self._lock = threading.Lock(), threading.Lock()
        self.limit: int | None = None
        self.day, self.fresh_until = 0, 0.0
        self._day_ends = 0.0
        self._in_hand = self._left = 0
        self._wish, self._leased_at = 1, 0.0
        self._refused_until, self._refused_need = 0.0, 0
        self._rate: float | None = None
        self._most = self._tokens = self._filled_at = 0.0
        self._policy = b""

    def take(self, n: int, now: float) -> bool:
        """Let ``n`` through; False if memory is not enough to know, LimitError if it is known that they may not."""
        with self._lock:
            if now >= self.fresh_until:
                return False
            if self._rate is not None:
                self._tokens = min(self._most, self._tokens + (now - self._filled_at) * self._rate)
                self._filled_at = now
                if self._tokens < n:
                    raise self._too_fast(n)
            if self.limit is not None:
                if self._in_hand < n:
                    if now < self._refused_until and n - self._in_hand >= self._refused_need:
                        raise self._used_up(n, now)
                    return False
                self._in_hand -= n
            if self._rate is not None:
                self._tokens -= n
            return True

    def wants(self, n: int, now: float) -> tuple[int, int]:
        """How many more are needed to let ``n`` through, and how many would be good to have."""
        with self._lock:
            lasted = now - self._leased_at
            if lasted < _QUICK_S:
                self._wish = min(LARGEST_LEASE, self._wish * 2)
            elif lasted > 4 * _QUICK_S:
                self._wish = max(1, int(self._wish * _QUICK_S / lasted))
            need = n - self._in_hand
            return need, max(need, self._wish)

    def add(self, granted: int, left: int, now: float) -> None:
        """Take a lease in."""
        with self._lock:
            self._in_hand += granted
            self._left, self._leased_at, self._refused_until = left, now, 0.0

    def refuse(self, need: int, left: int, now: float) -> None:
        """Know for a moment that there is no lease: whoever asks meanwhile is refused from memory."""
        with self._lock:
            self._left, self._refused_until, self._refused_need = left, now + _ASK_AGAIN_S, need

    def drop(self, before: float) -> tuple[int, int]:
        """Day and size of what is unused of a lease taken until ``before``; it is ours no more."""
        with self._lock:
            if self._leased_at > before or not self._in_hand:
                return self.day, 0
            unused, self._in_hand, self._wish = self._in_hand, 0, 1
            self._left += unused
            return self.day, unused

    def follow(self, limits: Plan | None, now: float) -> bool:
        """Take the tenant's limits of now, or keep those known (None); False if none are known of this day."""
        with self._lock:
            day = int(now // _DAY_S)
            if limits is None and day != self.day:
                return False
            if day != self.day:  # yesterday's lease is nobody's any more
                self.day, self._day_ends = day, (day + 1) * _DAY_S
                self._in_hand = self._left = 0
                self._refused_until = 0.0
            if limits is not None:
                self._set(limits, now)
            self.fresh_until = min(now + FOLLOW_S, self._day_ends)
            return True

    def in_hand(self, day: int) -> int:
        """What is leased of a day and not used."""
        with self._lock:
            return self._in_hand if day == self.day else 0

    def headers(self, now: float) -> list[tuple[bytes, bytes]]:
        """``RateLimit-Policy`` and ``RateLimit``, as far as this worker knows."""
        parts = []
        if self.limit is not None:
            left, ends = max(0, self._left + self._in_hand), max(0, round(self._day_ends - now))
            parts.append(f'"{self.kind}";r={left};t={ends}')
        if self._rate is not None:
            parts.append(f'"burst";r={int(self._tokens)};t=1')
        return [(b"ratelimit-policy", self._policy), (b"ratelimit", ", ".join(parts).encode())] if parts else []

    def _set(self, limits: Plan, now: float) -> None:
        limit, burst = limits.a_day(self.kind), limits.burst_per_s if self.kind == "calls" else None
        if limit != self.limit:  # the rest of a lease stays: it is counted as used
            self.limit, self._left, self._refused_until = limit, max(0, (limit or 0) - self._in_hand), 0.0
        rate = None if burst is None else burst / self._workers
        if rate != self._rate:
            self._rate, self._filled_at = rate, now
            self._most = self._tokens = 0.0 if not rate else max(1.0, rate)
        policy = [] if limit is None else [f'"{self.kind}";q={limit};w={_DAY_S}']
        policy += [] if burst is None else [f'"burst";q={burst};w=1']
        self._policy = ", ".join(policy).encode()

    def _too_fast(self, n: int) -> LimitError:
        wait = (n - self._tokens) / self._rate if self._rate else _DAY_S
        return LimitError(f"more {self.kind} in a second than the plan allows", retry_after=wait)

    def _used_up(self, n: int, now: float) -> LimitError:
        told = f"; {n} were asked for, {self._left + self._in_hand} are left" if n > 1 else ""
        return LimitError(
            f"the plan's {self.limit} {self.kind} of this UTC day are used up{told}", retry_after=self._day_ends - now
        )
