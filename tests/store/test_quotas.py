import multiprocessing
import os
import signal
import time
import uuid

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import LimitError, NotReadyError
from growthbench.serving.limits import Limits
from growthbench.store.callers import Caller
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.quotas import Lease, Quota, quota_backend, share, today
from growthbench.store.quotas_redis import RedisQuota
from growthbench.store.tenants import Tenants

REDIS = os.environ.get("GROWTHBENCH_TEST_REDIS", "redis://localhost:6379/9")
CALLER = Caller("shop", "key", "k", "service", "free")


@pytest.fixture
def redis_url(require_or_skip):
    """A Redis; keys made by a test carry a prefix of their own."""
    import redis

    try:
        with redis.Redis.from_url(REDIS, socket_connect_timeout=2) as client:
            client.ping()
    except redis.exceptions.RedisError as exc:
        require_or_skip("redis", f"{REDIS} does not answer: {exc}")
    return REDIS


@pytest.fixture
def redis_prefix():
    return f"growthbench:test:{uuid.uuid4().hex}"


_DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
_BACKENDS = [*_DATABASES, pytest.param("redis", marks=pytest.mark.redis)]


@pytest.fixture(params=_BACKENDS)
def quota(request, tmp_path, redis_prefix):
    """Quotas of every backend: in the store of each database, and in Redis."""
    if request.param == "redis":
        made = RedisQuota(request.getfixturevalue("redis_url"), prefix=redis_prefix)
        yield made
        _forget(made)
        return
    sqlite = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_store_url")) as store:
        yield Quota(store)


def _forget(quota):
    for key in quota._redis.scan_iter(f"{quota._prefix}:*"):
        quota._redis.delete(key)
    quota.close()


def test_a_lease_is_what_was_wished_while_much_is_left(quota):
    assert quota.lease("shop", "calls", 1, limit=1_000, wish=64, workers=4) == Lease(64, 936)
    assert quota.used("shop", "calls", 1) == 64


def test_leases_halve_near_the_limit_and_reach_it_exactly(quota):
    granted = []
    while lease := quota.lease("shop", "calls", 1, limit=100, wish=64, workers=2).granted:
        granted.append(lease)
    assert granted == sorted(granted, reverse=True)
    assert (granted[0], granted[-1], sum(granted)) == (25, 1, 100)
    assert quota.used("shop", "calls", 1) == 100


def test_who_needs_many_gets_all_of_them_or_none(quota):
    assert quota.lease("shop", "events", 1, limit=150, wish=100, need=100, workers=20) == Lease(100, 50)
    assert quota.lease("shop", "events", 1, limit=150, wish=100, need=100, workers=20) == Lease(0, 50)
    assert quota.lease("shop", "events", 1, limit=150, wish=50, need=50) == Lease(50, 0)


def test_what_is_given_back_can_be_used_again(quota):
    quota.lease("shop", "calls", 1, limit=10, wish=5)
    quota.give_back("shop", "calls", 1, 3)
    quota.give_back("shop", "calls", 1, 0)
    assert quota.used("shop", "calls", 1) == 2


def test_quotas_do_not_touch_each_other(quota):
    quota.lease("shop", "calls", 1, limit=10, wish=1)
    for other in (("other", "calls", 1), ("shop", "events", 1), ("shop", "calls", 2)):
        assert quota.used(*other) == 0
    quota.give_back("other", "calls", 1, 5)
    assert quota.used("other", "calls", 1) == 0


def test_a_limit_below_what_is_used_lets_nothing_through(quota):
    quota.lease("shop", "calls", 1, limit=10, wish=5)
    assert quota.lease("shop", "calls", 1, limit=3, wish=1) == Lease(0, 0)
    assert quota.lease("shop", "calls", 2, limit=0, wish=1) == Lease(0, 0)


@given(left=st.integers(-5, 10**7), wish=st.integers(1, 10**5), need=st.integers(1, 10**4), workers=st.integers(1, 64))
def test_a_share_is_nothing_or_enough_and_never_more_than_is_left(left, wish, need, workers):
    given = share(left, wish, need, workers)
    assert given == 0 or need <= given <= max(0, left)
    assert (given == 0) == (left < need)
    assert given <= max(need, wish)
    assert given <= need or given * 2 * workers <= left


def test_a_day_is_a_utc_day():
    assert today(0) == 0
    assert today(86_400_000_000 - 1) == 0
    assert today(86_400_000_000) == 1
    assert today() == int(time.time() // 86_400)


def test_the_backend_is_chosen_by_the_address(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    assert isinstance(quota_backend(store), Quota)
    away = quota_backend(store, "redis://127.0.0.1:1/0")
    assert isinstance(away, RedisQuota)
    with pytest.raises(NotReadyError, match="Redis"):
        away.used("shop", "calls", 1)
    away.close()
    store.close()


# ---- many processes


def _work(store_url, home, backend, workers, ready, start, outcome, stop_s, kill_at=None):
    """One worker: lets calls through until it was refused for ``stop_s`` on end; reports how many."""
    with open_store(store_url) as store:
        quota = RedisQuota(backend[0], prefix=backend[1]) if backend else Quota(store)
        limits = Limits(quota, Tenants(store, Keyring.open(home)), workers)
        ready.release()
        start.wait()
        through, refused_since = 0, None
        while refused_since is None or time.monotonic() - refused_since < stop_s:
            try:
                if not limits.take_now(CALLER, "calls", 1):
                    limits.take(CALLER, "calls", 1)
            except LimitError:
                refused_since = refused_since or time.monotonic()
                time.sleep(0.01)
            else:
                through, refused_since = through + 1, None
                if through == kill_at:
                    outcome.put(through)
                    outcome.close()
                    outcome.join_thread()
                    os.kill(os.getpid(), signal.SIGKILL)
        limits.close()
    outcome.put(through)


def _run(store_url, home, backend, workers, stop_s, processes=None, kill_at=None):
    """Calls let through by each of many parallel processes; each is killed after ``kill_at``, if it is given."""
    fork = multiprocessing.get_context("fork")
    ready, start, outcome = fork.Semaphore(0), fork.Event(), fork.Queue()
    given = (store_url, home, backend, workers, ready, start, outcome, stop_s, kill_at)
    started = [fork.Process(target=_work, args=given, daemon=True) for _ in range(processes or workers)]
    for process in started:
        process.start()
    for _ in started:
        assert ready.acquire(timeout=60)
    start.set()
    counts = [outcome.get(timeout=120) for _ in started]
    for process in started:
        process.join(30)
    assert {p.exitcode for p in started} == {-signal.SIGKILL if kill_at else 0}
    return counts


def _prepare(store_url, home, limit):
    with open_store(store_url) as store:
        limits = {"calls_a_day": limit, "burst_per_s": None}
        Tenants(store, Keyring.open(home)).create("shop", "free", "shop", limits=limits)
        store.engine.dispose()  # no connection may be shared with the processes that are forked


@pytest.fixture(params=_BACKENDS)
def place(request, tmp_path, redis_prefix):
    """Address of the store and, if quotas are counted there, address and prefix of Redis."""
    sqlite = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "redis":
        backend = (request.getfixturevalue("redis_url"), redis_prefix)
        yield sqlite, backend
        _forget(RedisQuota(backend[0], prefix=backend[1]))
    else:
        yield sqlite if request.param == "sqlite" else request.getfixturevalue("postgres_store_url"), None


def _used(store_url, backend):
    if backend:
        return RedisQuota(backend[0], prefix=backend[1]).used("shop", "calls", today())
    with open_store(store_url) as store:
        return Quota(store).used("shop", "calls", today())


def test_20_processes_let_exactly_the_limit_through(place, tmp_path):
    store_url, backend = place
    _prepare(store_url, tmp_path, limit=400)
    counts = _run(store_url, tmp_path, backend, workers=20, stop_s=0.5)
    assert sum(counts) == 400
    assert _used(store_url, backend) == 400


def test_a_killed_worker_takes_no_more_than_its_lease_with_it(place, tmp_path):
    store_url, backend = place
    _prepare(store_url, tmp_path, limit=2_000)
    killed = _run(store_url, tmp_path, backend, workers=4, stop_s=0.3, processes=1, kill_at=100)
    lost = _used(store_url, backend) - sum(killed)
    assert 0 < lost <= 2_000 / (2 * 4)
    others = _run(store_url, tmp_path, backend, workers=4, stop_s=0.3, processes=3)
    assert sum(killed) + sum(others) + lost == 2_000 == _used(store_url, backend)


@pytest.mark.proof("limits")
@pytest.mark.parametrize("limit", [1_000, 100_000])
def test_20_workers_let_exactly_the_plan_through(limit, place, tmp_path, figure):
    store_url, backend = place
    _prepare(store_url, tmp_path, limit)
    begun = time.perf_counter()
    counts = _run(store_url, tmp_path, backend, workers=20, stop_s=1.0)
    took = time.perf_counter() - begun - 1.0
    where = "redis" if backend else sa.make_url(store_url).get_backend_name()
    figure(f"let through of {limit} by 20 workers, {where}", sum(counts), at_least=limit, at_most=limit)
    figure(f"seconds for {limit} calls by 20 workers, {where}", took, unit="s")
