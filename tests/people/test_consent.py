"""The newest fitting entry holds, do_not_sell beats all of them, and nothing is ever changed."""

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError
from growthbench.events.heads import lock_head
from growthbench.people import links
from growthbench.people.consent import DO_NOT_SELL, SPARES, ConsentLedger, Entry, decide
from growthbench.people.directory import Ident
from growthbench.people.tables import consents


@pytest.fixture
def ledger(store):
    return ConsentLedger(store)


def test_without_an_entry_the_stated_default_holds(ledger):
    assert not ledger.allowed("local", "p", "marketing", "email")
    assert ledger.allowed("local", "p", "service", "email")
    assert "default" in ledger.decision("local", "p", "marketing").why


def test_the_newest_fitting_entry_holds(ledger):
    ledger.record("local", "p", "marketing", "granted", "email")
    assert ledger.allowed("local", "p", "marketing", "email")
    assert not ledger.allowed("local", "p", "marketing", "sms")
    assert not ledger.allowed("local", "p", "marketing")  # on every channel: nobody said so
    ledger.record("local", "p", "marketing", "withdrawn")
    assert not ledger.allowed("local", "p", "marketing", "email")
    ledger.record("local", "p", "marketing", "granted")
    assert ledger.allowed("local", "p", "marketing", "sms")
    assert not ledger.allowed("other", "p", "marketing", "sms")
    assert [e.state for e in ledger.history("local", "p")] == ["granted", "withdrawn", "granted"]


def test_what_was_said_counts_by_when_it_was_said(ledger):
    now = now_us()
    ledger.record("local", "p", "marketing", "denied", at=now - 10)
    ledger.record("local", "p", "marketing", "granted", at=now - 20)  # an older letter, read later
    assert not ledger.allowed("local", "p", "marketing")


def test_do_not_sell_beats_every_grant_before_and_after(ledger):
    ledger.record("local", "p", "advertising", "granted")
    ledger.record("local", "p", DO_NOT_SELL, "granted")
    ledger.record("local", "p", "sale", "granted")
    assert [ledger.allowed("local", "p", p) for p in ("advertising", "sale", "marketing")] == [False] * 3
    assert ledger.allowed("local", "p", "service")
    assert ledger.allowed("local", "p", DO_NOT_SELL)
    assert ledger.decision("local", "p", "sale").because.purpose == DO_NOT_SELL
    ledger.record("local", "p", DO_NOT_SELL, "withdrawn")
    assert ledger.allowed("local", "p", "sale")


def test_as_of_knows_only_what_was_known_then(ledger):
    before = now_us()
    entry = ledger.record("local", "p", "marketing", "granted", at=before - 1_000_000)
    assert not ledger.allowed("local", "p", "marketing", as_of=before - 1)  # said by then, but not known yet
    assert ledger.allowed("local", "p", "marketing", as_of=entry.received_at)


def test_who_is_merged_is_asked_together_and_apart_again_after(store, ledger, directory, keyring):
    ann, cookie = Ident("user", "ann"), Ident("anonymous", "c1")
    with store.writing() as connection:
        lock_head(connection, "local")
        person, member = directory.resolve(connection, [ann, cookie], 1)
    ledger.record("local", member, "analytics", "granted")
    assert not ledger.allowed("local", person, "analytics")
    links.merge(store, keyring, "local", ann, cookie)
    assert ledger.allowed("local", person, "analytics")
    assert ledger.allowed("local", member, "analytics")
    links.unmerge(store, keyring, "local", ann, cookie)
    assert not ledger.allowed("local", person, "analytics")


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("purpose", {"purpose": "Selling things"}),
        ("state", {"state": "maybe"}),
        ("channel", {"channel": ""}),
        ("channel", {"purpose": DO_NOT_SELL, "channel": "email"}),
        ("source", {"source": ""}),
        ("detail", {"detail": "x" * 2000}),
        ("at", {"at": 2**60}),
    ],
)
def test_what_is_no_consent_is_refused_and_nothing_written(store, ledger, field, wrong):
    with pytest.raises(BadInputError) as caught:
        ledger.record("local", "p", **{"purpose": "marketing", "state": "granted"} | wrong)
    assert caught.value.field == field
    with store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(consents)).scalar_one() == 0


_ENTRIES = st.lists(
    st.builds(
        Entry,
        purpose=st.sampled_from(["marketing", "sale", DO_NOT_SELL]),
        channel=st.sampled_from(["*", "email", "sms"]),
        state=st.sampled_from(["granted", "denied", "withdrawn"]),
        source=st.just("s"),
        detail=st.none(),
        at=st.integers(0, 5),
        received_at=st.integers(0, 5),
        number=st.integers(1, 99),
        person=st.just("p"),
    ),
    unique_by=lambda e: e.number,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_ENTRIES, st.randoms())
def test_a_decision_depends_on_no_order_and_no_grant_outweighs_do_not_sell(entries, random):
    shuffled = list(entries)
    random.shuffle(shuffled)
    for purpose in ("marketing", "sale", "service"):
        for channel in ("*", "email"):
            found = decide(entries, purpose, channel)
            assert found == decide(shuffled, purpose, channel)
            if decide(entries, DO_NOT_SELL).allowed and purpose not in SPARES:
                assert not found.allowed
