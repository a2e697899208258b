import threading

import pytest

from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.ledger import BudgetError, Ledger, Limit, clear_limit, limits_of, micros, set_limit
from growthbench.ledger import ledger as ledger_module
from growthbench.ledger.scopes import accounts


@pytest.fixture
def ledger(store):
    return Ledger(store)


@pytest.fixture
def clock(monkeypatch):
    """The ledger's clock, to be set."""
    now = {"us": 1_800_000_000_000_000}
    monkeypatch.setattr(ledger_module, "now_us", lambda: now["us"])
    return now


def test_what_is_held_counts_until_it_is_settled(ledger):
    set_limit(ledger.store, "shop", "tenant", "total", 100)
    first = ledger.reserve("shop", {}, 70, "a")
    with pytest.raises(BudgetError):
        ledger.reserve("shop", {}, 31, "b")
    ledger.commit(first, 40)
    assert ledger.reserve("shop", {}, 60, "b").amount == 60
    assert ledger.balance("shop") == (60, 40)


def test_a_refusal_holds_nothing_and_says_what_to_do(ledger):
    set_limit(ledger.store, "shop", "agent:writer", "day", micros("0.10"))
    with pytest.raises(BudgetError, match=r"agent:writer may spend 0\.10 a day and has used 0\.00") as caught:
        ledger.reserve("shop", {"agent": "writer"}, micros("0.11"), "a")
    assert caught.value.status == 429
    assert 0 < caught.value.retry_after <= 86_400
    assert ledger.balance("shop") == (0, 0)


def test_limits_hold_for_each_scope_alone(ledger):
    set_limit(ledger.store, "shop", "agent", "total", 10)
    set_limit(ledger.store, "shop", "agent:big", "total", 50)
    set_limit(ledger.store, "shop", "run:7", "total", 5)
    ledger.reserve("shop", {"agent": "small"}, 10, "a")
    ledger.reserve("shop", {"agent": "other"}, 10, "b")
    ledger.reserve("shop", {"agent": "big", "run": "8"}, 50, "c")
    for scopes in ({"agent": "small"}, {"agent": "big"}):
        with pytest.raises(BudgetError):
            ledger.reserve("shop", scopes, 1, f"d-{scopes}")
    with pytest.raises(BudgetError, match="run:7"):
        ledger.reserve("shop", {"run": "7"}, 6, "e")


def test_tenants_and_purses_are_apart(ledger):
    set_limit(ledger.store, "shop", "tenant", "total", 10)
    Ledger(ledger.store).reserve("other", {}, 1000, "a")
    Ledger(ledger.store, "media").reserve("shop", {}, 1000, "a")
    assert ledger.reserve("shop", {}, 10, "a").new


def test_a_day_and_a_month_begin_anew(ledger, clock):
    set_limit(ledger.store, "shop", "tenant", "day", 10)
    set_limit(ledger.store, "shop", "tenant", "month", 15)
    clock["us"] = 1_796_083_200_000_000 - 1  # the last moment of November 2026
    ledger.commit(ledger.reserve("shop", {}, 10, "a"), 10)
    with pytest.raises(BudgetError) as caught:
        ledger.reserve("shop", {}, 1, "b")
    assert caught.value.retry_after < 1
    clock["us"] += 1
    ledger.commit(ledger.reserve("shop", {}, 10, "b"), 10)
    clock["us"] += 86_400_000_000
    with pytest.raises(BudgetError, match="a month"):
        ledger.reserve("shop", {}, 6, "c")


def test_a_key_is_reserved_once(ledger):
    first = ledger.reserve("shop", {}, 7, "same")
    again = ledger.reserve("shop", {}, 7, "same")
    assert (first.new, again.new, again.amount) == (True, False, 7)
    assert ledger.balance("shop") == (7, 0)
    ledger.commit(again, 5)
    assert ledger.reserve("shop", {}, 7, "same").state == "committed"
    assert ledger.balance("shop") == (0, 5)


def test_settling_twice_is_the_same_or_refused(ledger):
    held = ledger.reserve("shop", {}, 7, "a")
    ledger.commit(held, 5)
    ledger.commit(held, 5)
    with pytest.raises(ConflictError, match="5 micro-units, now 6"):
        ledger.commit(held, 6)
    with pytest.raises(ConflictError, match="cannot be released"):
        ledger.release(held)
    other = ledger.reserve("shop", {}, 7, "b")
    ledger.release(other)
    ledger.release(other)
    assert ledger.balance("shop") == (0, 5)
    with pytest.raises(NotFoundError):
        ledger.commit(held._replace(key="never"), 1)


def test_a_lapsed_reservation_comes_back(ledger, clock):
    set_limit(ledger.store, "shop", "tenant", "total", 10)
    held = ledger.reserve("shop", {}, 10, "dead", lease_s=30)
    with pytest.raises(BudgetError):
        ledger.reserve("shop", {}, 10, "next")
    clock["us"] += 30_000_000
    after = ledger.reserve("shop", {}, 10, "next")
    assert after.lapsed == ((held.key, 0),)
    assert ledger.balance("shop") == (10, 0)


def test_a_lapsed_reservation_that_may_be_billed_is_booked(ledger, clock):
    set_limit(ledger.store, "shop", "tenant", "total", 10)
    held = ledger.reserve("shop", {"agent": "w"}, 6, "dead", lease_s=30, if_lost="book")
    clock["us"] += 30_000_000
    assert ledger.lapse("shop") == (("dead", 6),)
    assert ledger.balance("shop") == (0, 6)
    with pytest.raises(BudgetError):
        ledger.reserve("shop", {}, 5, "next")
    ledger.commit(held, 2)  # it was only slow: the truth replaces the bound
    assert ledger.balance("shop") == ledger.balance("shop", "agent:w") == (0, 2)


def test_a_late_truth_is_booked_even_beyond_a_limit(ledger, clock):
    set_limit(ledger.store, "shop", "tenant", "total", 10)
    slow = ledger.reserve("shop", {}, 10, "slow", lease_s=1)
    clock["us"] += 2_000_000
    ledger.commit(ledger.reserve("shop", {}, 10, "other"), 10)
    ledger.commit(slow, 3)
    assert ledger.balance("shop") == (0, 13)


def test_limits_can_be_read_changed_and_cleared(store):
    set_limit(store, "shop", "tenant", "day", 5)
    set_limit(store, "shop", "tenant", "day", 6)
    set_limit(store, "shop", "run", "total", 1)
    assert limits_of(store, "shop") == [Limit("run", "total", 1), Limit("tenant", "day", 6)]
    assert clear_limit(store, "shop", "tenant", "day")
    assert not clear_limit(store, "shop", "tenant", "day")
    assert limits_of(store, "shop") == [Limit("run", "total", 1)]


@pytest.mark.parametrize("amount", [-1, 1.5, True, "7", 2**53])
def test_amounts_are_whole_micro_units(ledger, amount):
    with pytest.raises(BadInputError, match="micro-units"):
        ledger.reserve("shop", {}, amount, "a")
    with pytest.raises(BadInputError, match="micro-units"):
        set_limit(ledger.store, "shop", "tenant", "day", amount)


@pytest.mark.parametrize(
    "scopes", [{"tenant": "x"}, {"Agent": "x"}, {"agent": "a b"}, {"agent": "a/2026"}, {"run": ""}]
)
def test_a_scope_is_a_word_and_a_name(ledger, scopes):
    with pytest.raises(BadInputError, match="scope"):
        ledger.reserve("shop", scopes, 1, "a")


def test_names_do_not_collide_with_periods():
    assert len(set(accounts({"agent": "2026-11", "run": "2026-11-21"}, 0))) == 9


def test_many_threads_reach_a_limit_exactly(ledger):
    set_limit(ledger.store, "shop", "tenant", "total", 50)
    granted, refused = [], []

    def work(name):
        for i in range(10):
            try:
                held = ledger.reserve("shop", {"agent": name}, 1, f"{name}-{i}")
            except BudgetError:
                refused.append(name)
            else:
                granted.append(ledger.commit(held, 1))

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(granted), len(refused)) == (50, 30)
    assert ledger.balance("shop") == (0, 50)
