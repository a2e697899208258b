import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from growthbench.base.errors import LimitError
from growthbench.serving import limits as module
from growthbench.serving.limits import Limits, quota_backend
from growthbench.store.callers import Caller
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.quotas import Lease
from growthbench.store.tenants import Tenants

CALLER = Caller("shop", "key", "k", "service", "free")
LOCAL = Caller("local", "key", "k", "service", "local")
DAY = 20_000
NOON = (DAY + 0.5) * 86_400


class Clock:
    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def store(store_url):
    """Both databases, one after the other."""
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tenants(store, tmp_path):
    return Tenants(store, Keyring.open(tmp_path / "keys"))


@pytest.fixture
def open_limits(store, tenants, clock):
    """A function that makes the tenant and opens the limits; closed afterwards."""
    opened = []

    def make(limits=None, plan="free", workers=1):
        if not opened:
            tenants.create("shop", plan, "shop", limits=limits)
        opened.append(Limits(quota_backend(store), tenants, workers, clock))
        return opened[-1]

    yield make
    for limits in opened:
        limits.close()


def _take(limits, n=1, kind="calls"):
    if not limits.take_now(CALLER, kind, n):
        limits.take(CALLER, kind, n)


def _through(limits, most, n=1, kind="calls"):
    """How many are let through of ``most``."""
    let = 0
    for _ in range(most):
        try:
            _take(limits, n, kind)
        except LimitError:
            continue
        let += n
    return let


def _used(store, kind="calls", day=DAY):
    return quota_backend(store).used("shop", kind, day)


class NoQuota:
    """A quota that nobody may ask."""

    def close(self):
        pass


def test_the_plan_without_limits_is_never_counted():
    limits = Limits(NoQuota(), None)
    assert limits.take_now(LOCAL, "calls", 1)
    limits.take(LOCAL, "events", 10**9)
    assert list(limits.headers(LOCAL, "calls")) == []
    limits.close()


def test_the_day_ends_at_the_limit_exactly(open_limits, store, clock):
    limits = open_limits({"calls_a_day": 50, "burst_per_s": None})
    assert _through(limits, 80) == 50
    with pytest.raises(LimitError, match="50 calls of this UTC day are used up") as caught:
        limits.take(CALLER, "calls", 1)
    assert caught.value.retry_after == (DAY + 1) * 86_400 - clock.now
    assert _used(store) == 50


def test_the_next_day_begins_anew(open_limits, store, clock):
    limits = open_limits({"calls_a_day": 5, "burst_per_s": None})
    assert _through(limits, 9) == 5
    clock.now += 86_400 / 2
    assert _through(limits, 9) == 5
    assert _used(store) == _used(store, day=DAY + 1) == 5


def test_refusals_are_known_from_memory_for_a_moment(open_limits, clock):
    limits = open_limits({"calls_a_day": 1, "burst_per_s": None})
    assert _through(limits, 2) == 1
    with pytest.raises(LimitError):
        limits.take_now(CALLER, "calls", 1)
    clock.now += 0.3  # then the store is asked again: somebody may have given back
    assert limits.take_now(CALLER, "calls", 1) is False


def test_calls_and_events_are_counted_apart(open_limits, store):
    limits = open_limits({"calls_a_day": 5, "events_a_day": 7, "burst_per_s": None})
    assert (_through(limits, 9), _through(limits, 9, kind="events")) == (5, 7)
    assert (_used(store), _used(store, "events")) == (5, 7)


def test_a_batch_that_does_not_fit_is_refused_and_smaller_ones_are_not(open_limits, store):
    limits = open_limits({"events_a_day": 150})
    _take(limits, 100, "events")
    with pytest.raises(LimitError, match="100 were asked for, 50 are left"):
        _take(limits, 100, "events")
    _take(limits, 50, "events")
    assert _used(store, "events") == 150


def test_a_burst_is_let_through_and_then_so_many_a_second(open_limits, clock):
    limits = open_limits({"burst_per_s": 10, "calls_a_day": None})
    assert _through(limits, 30) == 10
    with pytest.raises(LimitError, match="in a second") as caught:
        limits.take_now(CALLER, "calls", 1)
    assert caught.value.retry_after == pytest.approx(0.1)
    let = 0
    for _ in range(200):
        clock.now += 0.01
        let += _through(limits, 3)
    assert 19 <= let <= 20


def test_workers_share_the_burst(open_limits):
    assert _through(open_limits({"burst_per_s": 100, "calls_a_day": None}, workers=4), 60) == 25


def test_a_burst_of_nothing_lets_nothing_through(open_limits):
    assert _through(open_limits({"burst_per_s": 0}), 3) == 0


def test_who_is_too_fast_uses_nothing_up(open_limits, store, clock):
    limits = open_limits({"calls_a_day": 30, "burst_per_s": 10})
    let = 0
    for _ in range(10):
        let += _through(limits, 20)
        clock.now += 1
    assert let == 30 == _used(store)


def test_events_know_no_burst(open_limits):
    assert _through(open_limits({"burst_per_s": 1, "events_a_day": None}), 100, kind="events") == 100


def test_new_limits_are_followed(open_limits, tenants, clock):
    limits = open_limits({"calls_a_day": 5, "burst_per_s": None})
    assert _through(limits, 9) == 5
    tenants.update("shop", limits={"calls_a_day": 8, "burst_per_s": None})
    clock.now += module.FOLLOW_S
    assert _through(limits, 9) == 3
    tenants.update("shop", plan="local", limits={})
    clock.now += module.FOLLOW_S
    assert _through(limits, 20) == 20


def test_leases_grow_with_the_traffic(open_limits, store):
    limits = open_limits({"calls_a_day": 10**6, "burst_per_s": None})
    asked = 0
    for _ in range(5_000):
        if not limits.take_now(CALLER, "calls", 1):
            asked += 1
            limits.take(CALLER, "calls", 1)
    assert asked < 20
    assert 5_000 <= _used(store) <= 5_000 + module.LARGEST_LEASE


def test_a_slow_caller_takes_small_leases(open_limits, store, clock):
    limits = open_limits({"calls_a_day": 10**6, "burst_per_s": None})
    for number in range(1, 20):
        _take(limits)
        clock.now += 1.2
        assert _used(store) == number


def test_unused_leases_are_given_back_at_the_end(open_limits, store):
    limits = open_limits({"calls_a_day": 10**6, "burst_per_s": None})
    for _ in range(100):
        _take(limits)
    assert _used(store) > 100
    limits.close()
    assert _used(store) == 100


def test_whoever_asks_while_it_closes_takes_only_what_is_needed(open_limits, store):
    limits = open_limits({"calls_a_day": 10**6, "burst_per_s": None})
    for _ in range(50):
        _take(limits)
    limits.close()
    for _ in range(5):
        _take(limits)
    assert _used(store) == 55


def test_a_lease_that_is_not_used_is_given_back_after_a_while(open_limits, store, clock, monkeypatch):
    monkeypatch.setattr(module, "KEPT_S", 0.05)
    limits = open_limits({"calls_a_day": 10**6, "burst_per_s": None})
    for _ in range(100):
        _take(limits)
    clock.now += 1
    for _ in range(100):
        if _used(store) == 100:
            break
        time.sleep(0.02)
    assert _used(store) == 100


def test_the_headers_tell_what_is_left(open_limits, clock):
    limits = open_limits({"calls_a_day": 50, "burst_per_s": 5})
    _take(limits)
    told = dict(limits.headers(CALLER, "calls"))
    assert told[b"ratelimit-policy"] == b'"calls";q=50;w=86400, "burst";q=5;w=1'
    assert told[b"ratelimit"] == b'"calls";r=49;t=43200, "burst";r=4;t=1'
    assert list(limits.headers(CALLER, "events")) == []


def test_the_headers_of_who_is_refused_say_nothing_is_left(open_limits):
    limits = open_limits({"calls_a_day": 3, "burst_per_s": None})
    _through(limits, 5)
    assert dict(limits.headers(CALLER, "calls"))[b"ratelimit"].startswith(b'"calls";r=0;')


class Broken:
    """A backend, or a table of tenants, that is away once it is told to be."""

    def __init__(self, behind):
        self.behind, self.away = behind, False

    def __getattr__(self, name):
        if self.away and name != "close":
            raise OperationalError("SELECT", {}, OSError("away"))
        return getattr(self.behind, name)


def test_while_the_store_is_away_what_was_leased_can_be_used(store, tenants, clock):
    tenants.create("shop", "free", "shop", limits={"calls_a_day": 10**6, "burst_per_s": None})
    quota, table = Broken(quota_backend(store)), Broken(tenants)
    limits = Limits(quota, table, 1, clock)
    for _ in range(64):
        _take(limits)
    quota.away = table.away = True
    clock.now += module.FOLLOW_S + 0.1
    in_hand = limits._meters["shop", "calls"]._in_hand
    assert in_hand > 0
    assert _through(limits, in_hand) == in_hand
    with pytest.raises(OperationalError):
        _take(limits)
    quota.away = table.away = False
    _take(limits)
    limits.close()


@given(
    limit=st.integers(0, 300),
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 40), st.sampled_from([0, 0.1, 0.3, 3.0]), st.booleans()),
        max_size=80,
    ),
)
def test_whatever_workers_do_the_limit_is_never_passed_and_what_is_given_back_is_not_lost(limit, steps):
    """Four workers, one counter in memory that follows the rule of the stores; leases given back at random moments."""
    from growthbench.store.plans import Plan
    from growthbench.store.quotas import share

    class Counter:
        used = 0

        def lease(self, tenant, kind, day, limit, wish, need, workers):
            granted = share(limit - self.used, wish, need, workers)
            self.used += granted
            return Lease(granted, limit - self.used)

        def give_back(self, tenant, kind, day, unused):
            self.used -= unused

        def close(self):
            pass

    class Table:
        def get(self, tenant):
            return self

        def allowed(self):
            return Plan(calls_a_day=limit)

    counter, clock = Counter(), Clock()
    workers = [Limits(counter, Table(), 4, clock) for _ in range(4)]
    for limits in workers:
        limits._keep = lambda: None  # no threads: the steps say when something is given back
    let = 0
    for worker, n, pause, gives_back in steps:
        let += _through(workers[worker], 1, n)
        clock.now += pause
        if gives_back:
            workers[worker].give_back()
        assert let <= counter.used <= limit
    for limits in workers:
        limits.close()
    assert counter.used == let
    clock.now += 1
    assert let + _through(workers[0], 400) == limit  # and all that is left can still be used


def test_threads_of_one_worker_count_together(open_limits):
    limits = open_limits({"calls_a_day": 500, "burst_per_s": None})
    let = []

    def work():
        let.append(_through(limits, 200))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(let) == 500


def test_memory_answers_within_microseconds(open_limits):
    limits = open_limits({"calls_a_day": 10**9, "burst_per_s": 10**6})
    _take(limits)
    limits._meters["shop", "calls"]._in_hand = 10**6
    best = min(_timed(limits.take_now, CALLER, "calls", 1) for _ in range(5))
    assert best < 20e-6


def _timed(function, *arguments, n=2_000):
    begun = time.perf_counter()
    for _ in range(n):
        function(*arguments)
    return (time.perf_counter() - begun) / n
