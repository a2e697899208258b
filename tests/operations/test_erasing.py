"""After an erasure nothing anywhere finds the person, everybody else is as before, and the receipt proves it later."""

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from small_town import COOKIE, JANE, MAIL, NEEDLES

from growthbench.base.errors import GoneError, NotFoundError
from growthbench.events.lake import Lake
from growthbench.events.tables import events, log_heads
from growthbench.operations.erasing import Eraser, finish_all
from growthbench.people.directory import Ident
from growthbench.people.tables import erased_predictions
from growthbench.store.audit import Audit


@pytest.fixture
def eraser(town):
    return Eraser(town.store, town.home, town.keyring)


def test_no_byte_of_her_ids_is_left_in_any_store(town, eraser):
    assert any(town.bytes_anywhere(needle) for needle in NEEDLES)
    receipt = eraser.erase(Ident("user", JANE))
    assert {needle: town.bytes_anywhere(needle) for needle in NEEDLES} == {needle: [] for needle in NEEDLES}
    for person in ("jane", "cookie"):
        key = town.persons[person].encode()
        left = [f for f in town.bytes_anywhere(key) if not f.endswith((".db", ".db-wal", "pg_dump"))]
        assert left == []  # in the database the receipt alone names the key, which names nobody
    assert receipt.done
    assert receipt.left == ()


def test_everybody_else_is_as_before_but_for_masked_mentions(town, eraser):
    before = town.counts()
    receipt = eraser.erase(Ident("user", JANE))
    after = town.counts()
    removed = {"events": 12, "predictions": 3, "channel_messages": 2, "webhook_deliveries": 1, "people": 2,
               "identities": 2, "consents": 1, "quarantine": 2}  # fmt: skip
    assert {name: before[name] - after[name] for name in removed} == removed
    assert {name: receipt.stores[name] for name in ("events", "people", "quarantine")} == {
        "events": 12, "people": 2, "quarantine": 2}  # fmt: skip
    with town.store.reading() as connection:
        query = sa.select(events.c.event_id, events.c.item_id).where(events.c.person == town.persons["bob"])
        items = dict(connection.execute(query).all())
    assert items["b9"] == "to [erased]"
    assert items["b10"] == "/u/[erased]/wall"
    assert town.find("bob") == [town.persons["bob"]]


def test_lake_and_files_hold_everybody_else(town, eraser):
    lake = Lake(town.home / "lakes" / "store-local")
    assert lake.count() == 20
    eraser.erase(Ident("user", JANE))
    assert set(lake.read()["person"].to_pylist()) == {town.persons["bob"]}
    assert lake.count() == 8
    (evaluation,) = town.home.rglob("evaluation.parquet")
    assert pq.read_table(evaluation)["key"].to_pylist() == [f"{town.persons['bob']}@2026-01-01T00:00"]
    assert "bob" in (town.home / "quarantine" / "crm.jsonl").read_text()


def test_a_receipt_verifies_itself_later_and_notices_what_came_back(town, eraser):
    receipt = eraser.erase(Ident("anonymous", COOKIE))  # any of her ids will do
    assert eraser.verify(receipt.receipt_id).holds
    assert eraser.verify(receipt.receipt_id, ids=[JANE, MAIL, COOKIE]).holds
    town.send({"type": "track", "event": "x", "userId": JANE, "messageId": "new", "properties": {"email": MAIL}})
    assert eraser.verify(receipt.receipt_id).holds  # she came back by herself: that is somebody new
    with town.store.writing() as connection:
        connection.execute(sa.update(events).where(events.c.event_id == "b3").values(item_id=f"from {MAIL.lower()}"))
    again = eraser.verify(receipt.receipt_id)
    assert not again.holds
    assert {name: n for name, n in again.found.items() if n} == {"mentions": 1}


def test_a_changed_receipt_does_not_hold(town, eraser):
    from growthbench.people.tables import erasures

    receipt = eraser.erase(Ident("user", JANE))
    with town.store.writing() as connection:
        connection.execute(sa.update(erasures).values(done_at=receipt.done_at - 1))
    assert not eraser.verify(receipt.receipt_id).holds


def test_her_predictions_leave_tombstones_and_she_is_gone(town, eraser):
    receipt = eraser.erase(Ident("user", JANE))
    with town.store.reading() as connection:
        rows = connection.execute(sa.select(erased_predictions)).mappings().all()
    assert {row["prediction_id"] for row in rows} == {"pred_jane", "pred_cookie", "pred_text"}
    assert {(row["receipt_id"], row["erased_at"]) for row in rows} == {(receipt.receipt_id, receipt.requested_at)}
    with pytest.raises(GoneError, match=f"receipt {receipt.receipt_id}"):
        eraser.erase(Ident("user", JANE))
    with pytest.raises(NotFoundError, match="nothing is known"):
        eraser.erase(Ident("user", "nobody"))


def test_workers_forget_and_the_audit_tells_without_naming(town, eraser):
    with town.store.reading() as connection:
        before = connection.execute(sa.select(log_heads.c.people_version)).scalar_one()
    receipt = eraser.erase(Ident("user", JANE), actor="key_1")
    with town.store.reading() as connection:
        assert connection.execute(sa.select(log_heads.c.people_version)).scalar_one() == before + 1
    rows = Audit(town.store).rows("local", action="person.")
    assert [(r.action, r.actor, r.target) for r in rows] == [
        ("person.erased.done", "service", receipt.receipt_id),
        ("person.erased", "key_1", receipt.receipt_id),
    ]
    assert Audit(town.store).verify("local") is None


def test_a_crash_between_the_halves_is_finished_later(town, eraser):
    receipt = eraser.begin(Ident("user", JANE))
    assert eraser.receipt(receipt.receipt_id).told()["state"] == "cleaning"
    assert town.find(JANE) == [None]
    again = Eraser(town.store, town.home, town.keyring)
    assert again.unfinished() == [receipt.receipt_id]
    assert not again.verify(receipt.receipt_id).holds
    assert finish_all(again) == 1
    assert again.verify(receipt.receipt_id).holds
    assert {needle: town.bytes_anywhere(needle) for needle in NEEDLES} == {needle: [] for needle in NEEDLES}


def test_an_id_that_means_anything_is_not_searched_in_others(town, eraser):
    town.send(
        {"type": "track", "event": "x", "userId": "42", "messageId": "s1"},
        {"type": "track", "event": "x", "userId": "bob", "messageId": "s2", "properties": {"item_id": "42"}},
    )
    receipt = eraser.erase(Ident("user", "42"))
    assert (receipt.stores["events"], receipt.stores["mentions"]) == (1, 0)
    with town.store.reading() as connection:
        query = sa.select(events.c.item_id).where(events.c.event_id == "s2")
        assert connection.execute(query).scalar_one() == "42"


def test_people_of_a_log_without_keys_are_erased_by_their_id(town, eraser):
    from growthbench.base.clock import now_us
    from growthbench.events.live import Event
    from growthbench.events.log import EventLog

    old = "old-customer-9"
    seen = [Event(person=old, name="login", timestamp=now_us(), properties={"email": "old@example.org"})]
    EventLog(town.store).append([*seen, Event(person="p2", name="x", timestamp=now_us(), properties={"by": old})])
    EventLog(town.store).export(Lake(town.home / "lakes" / "store-local"))
    receipt = eraser.erase(Ident("user", old))
    assert receipt.stores["events"] == 1
    assert receipt.persons == ()
    for needle in (old, "old@example.org"):
        assert town.bytes_anywhere(needle.encode()) == []
    assert old not in str(Lake(town.home / "lakes" / "store-local").read().to_pylist())
    assert eraser.verify(receipt.receipt_id).holds


def test_another_tenants_person_of_the_same_id_stays(town, eraser):
    town.send({"type": "track", "event": "x", "userId": JANE, "messageId": "o1"}, tenant="other")
    receipt = eraser.erase(Ident("user", JANE))
    (other,) = town.find(JANE, tenant="other")
    assert other is not None
    with pytest.raises(NotFoundError):
        Eraser(town.store, town.home, town.keyring, "other").receipt(receipt.receipt_id)


def test_a_person_key_names_her_too(town, eraser):
    receipt = eraser.erase(Ident("user", town.persons["cookie"]))
    assert set(receipt.persons) == {town.persons["jane"], town.persons["cookie"]}
    assert town.find(JANE) == [None]
    assert eraser.verify(receipt.receipt_id, ids=[JANE, MAIL]).holds
