"""Events find their people, are sealed, and land once."""

import json

import pytest
import sqlalchemy as sa

from growthbench.base.clock import now_us
from growthbench.events.log import EventLog
from growthbench.events.segment import read_message
from growthbench.events.tables import events
from growthbench.people.directory import Directory, Ident
from growthbench.people.intake import Batch, Intake
from growthbench.people.quarantine import Quarantine, refused
from growthbench.store.group_commit import GroupCommit
from growthbench.store.keyring import Keyring
from growthbench.store.tenants import Tenants


@pytest.fixture
def keyring(tmp_path):
    return Keyring.open(tmp_path / "home")


@pytest.fixture
def directory(store, keyring):
    return Directory(store, keyring, "acme")


@pytest.fixture
def intake(directory):
    return Intake({"acme": directory}.__getitem__)


def message(event="x", message_id=None, **more):
    given = {"type": more.pop("type", "track"), "event": event, "messageId": message_id} | more
    return read_message(json.dumps({k: v for k, v in given.items() if v is not None}).encode(), None, now_us())


def send(store, intake, *messages, wrong=()):
    with store.writing() as connection:
        return intake.write(connection, [Batch("acme", list(messages), list(wrong))])[0]


def rows(store):
    with store.reading() as connection:
        return connection.execute(sa.select(events).order_by(events.c.seq)).mappings().all()


def test_an_event_lands_once_whoever_repeats_it(store, intake):
    first = send(store, intake, message(message_id="a", userId="u"), message(message_id="a", userId="u"))
    again = send(store, intake, message(message_id="a", userId="u"), message(message_id="b", userId="u"))
    assert (first.new, first.duplicates, again.new, again.duplicates) == (1, 1, 1, 1)
    assert [r["seq"] for r in rows(store)] == [1, 2]


def test_nothing_in_the_log_names_the_person_or_tells_their_properties(store, intake, directory):
    send(store, intake, message(userId="ann@example.com", properties={"note": "call 555-0199"}, message_id="m"))
    (row,) = rows(store)
    everything = " ".join(str(value) for value in row.values())
    assert "ann" not in everything
    assert "0199" not in everything
    with store.reading() as connection:
        opened = json.loads(directory.key(connection, row["person"]).unseal(row["sealed"]))
    assert opened["properties"] == {"note": "call 555-0199"}
    assert directory.find([Ident("user", "ann@example.com")]) == [row["person"]]


def test_an_anonymous_visitor_who_becomes_known_is_linked(store, intake, directory):
    send(store, intake, message(anonymousId="a1"), message(anonymousId="a1"))
    send(store, intake, message(type="identify", userId="u1", anonymousId="a1", traits={"plan": "pro"}))
    anonymous, known = directory.find([Ident("anonymous", "a1"), Ident("user", "u1")])
    assert anonymous != known
    assert directory.roots([anonymous, known]) == [known, known]
    send(store, intake, message(anonymousId="a1"))
    assert [r["person"] for r in rows(store)] == [anonymous, anonymous, known, anonymous]


def test_an_anonymous_id_first_seen_beside_a_user_is_that_users(store, intake, directory):
    send(store, intake, message(userId="u1", anonymousId="a1"), message(anonymousId="a1"))
    anonymous, known = directory.find([Ident("anonymous", "a1"), Ident("user", "u1")])
    assert anonymous == known
    assert {r["person"] for r in rows(store)} == {known}


def test_a_shared_device_does_not_make_two_users_one(store, intake, directory):
    send(store, intake, message(userId="u1", anonymousId="kiosk"))
    send(store, intake, message(userId="u2", anonymousId="kiosk"))
    one, two = directory.find([Ident("user", "u1"), Ident("user", "u2")])
    assert directory.roots([one, two]) == [one, two]
    assert [r["person"] for r in rows(store)] == [one, two]


def test_an_alias_joins_what_was_before(store, intake, directory):
    send(store, intake, message(anonymousId="old"))
    send(store, intake, message(type="alias", userId="u1", previousId="old"))
    old, known = directory.find([Ident("anonymous", "old"), Ident("user", "u1")])
    assert directory.roots([old]) == [known]


def test_a_rolled_back_transaction_makes_nobody(store, intake, directory):
    with pytest.raises(RuntimeError), store.writing() as connection:
        intake.write(connection, [Batch("acme", [message(userId="u1")])])
        raise RuntimeError
    assert directory.find([Ident("user", "u1")]) == [None]
    send(store, intake, message(userId="u1"))
    (row,) = rows(store)
    assert directory.find([Ident("user", "u1")]) == [row["person"]]


def test_events_get_the_names_of_the_tenants_configuration(store, intake, keyring):
    tenants = Tenants(store, keyring)
    tenants.create("Acme", tenant_id="acme", config={"event_names": {"Order Completed": "purchase"}})
    send(store, intake, message("Order Completed", userId="u"), message("Other", userId="u"))
    assert [r["name"] for r in rows(store)] == ["purchase", "Other"]


def test_the_group_commit_gives_each_request_its_own_counts(store, intake):
    commits = GroupCommit(store, {"events": intake.write})
    batches = [Batch("acme", [message(message_id=f"m{i // 2}", userId="u")]) for i in range(40)]
    taken = [commits.submit("events", b) for b in batches]
    found = [(t.result(20).new, t.result(20).duplicates) for t in taken]
    commits.close()
    assert found == [(1, 0), (0, 1)] * 20
    assert EventLog(store, "acme").count() == 20


def test_refused_events_wait_sealed_and_come_in_once_mended(store, intake, keyring):
    raw = json.dumps({"type": "track", "event": "x", "userId": "secret-id", "properties": {"amount": "much"}}).encode()
    send(store, intake, wrong=[refused(keyring, "acme", raw, "amount must be a number", "amount", "batch", 5)])
    quarantine = Quarantine(store, keyring, "acme")
    (kept,) = quarantine.listing()
    assert (kept["reason"], kept["field"], kept["message"]["userId"]) == (
        "amount must be a number", "amount", "secret-id",
    )  # fmt: skip
    taken = []
    assert quarantine.replay(lambda raw, source, at: "still wrong") == {"replayed": 0, "refused": 1}
    assert quarantine.replay(lambda raw, source, at: taken.append((raw, source, at))) == {"replayed": 1, "refused": 0}
    assert json.loads(taken[0][0])["messageId"] == kept["quarantine_id"]
    assert (taken[0][1:], quarantine.count()) == (("batch", 5), 0)
