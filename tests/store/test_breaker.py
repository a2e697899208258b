import asyncio
import threading

import pytest

from growthbench.store.breaker import Breaker, BreakerOpenError, Circuit


class Clock:
    """Seconds that pass when they are told to."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker("the service", (OSError,), failures=5, open_s=60, clock=clock)


def fail(breaker, times=1, error=OSError):
    for _ in range(times):
        with pytest.raises(error), breaker:
            raise error("no answer")


def succeed(breaker):
    with breaker:
        pass


def test_it_opens_at_the_fifth_failure_in_a_row_and_refuses_without_asking(breaker):
    fail(breaker, 4)
    assert breaker.state is Circuit.CLOSED
    fail(breaker)
    assert breaker.state is Circuit.OPEN
    with pytest.raises(BreakerOpenError, match="the service failed lately") as caught, breaker:
        pytest.fail("the service was asked")
    assert caught.value.retry_after == 60
    assert caught.value.status == 503


def test_a_success_between_failures_starts_the_count_anew(breaker):
    fail(breaker, 4)
    succeed(breaker)
    fail(breaker, 4)
    assert breaker.state is Circuit.CLOSED


def test_other_errors_are_answers(breaker):
    fail(breaker, 4)
    fail(breaker, error=ValueError)
    fail(breaker, 4)
    assert breaker.state is Circuit.CLOSED


def test_after_a_minute_one_call_is_let_through_and_decides(breaker, clock):
    fail(breaker, 5)
    clock.now += 59.9
    assert breaker.state is Circuit.OPEN
    clock.now += 0.2
    assert breaker.state is Circuit.HALF_OPEN
    with breaker, pytest.raises(BreakerOpenError), breaker:
        pytest.fail("a second call was let through")
    assert breaker.state is Circuit.CLOSED
    fail(breaker, 5)
    clock.now += 60
    fail(breaker)
    assert breaker.state is Circuit.OPEN
    clock.now += 60
    succeed(breaker)
    assert breaker.state is Circuit.CLOSED


def test_threads_that_come_at_once_when_half_open_get_one_trial(breaker, clock):
    fail(breaker, 5)
    clock.now += 60
    passed, gate = [], threading.Barrier(8)

    def call():
        gate.wait()
        try:
            with breaker:
                passed.append(1)
                done.wait(5)
        except BreakerOpenError:
            refused.append(1)
            if len(refused) == 7:
                done.set()

    refused, done = [], threading.Event()
    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), len(refused)) == (1, 7)


def test_coroutines_of_one_thread_share_it_as_threads_do(breaker, clock):
    fail(breaker, 5)
    clock.now += 60

    async def slow():
        with breaker:
            await asyncio.sleep(0.01)

    async def both():
        return await asyncio.gather(slow(), slow(), return_exceptions=True)

    first, second = asyncio.run(both())
    assert first is None
    assert isinstance(second, BreakerOpenError)
    assert breaker.state is Circuit.CLOSED


def test_a_store_has_one_that_counts_what_its_driver_raises(store):
    from sqlalchemy.exc import OperationalError

    for _ in range(4):
        with pytest.raises(OperationalError), store.breaker:
            raise OperationalError("SELECT 1", {}, Exception("gone"))
    fail(store.breaker, error=store.engine.dialect.import_dbapi().OperationalError)
    assert store.breaker.state is Circuit.OPEN
