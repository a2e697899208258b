"""One document with everything about a person, unsealed, and nothing about anybody else."""

import json

import pytest

from growthbench.base.clock import now_us
from growthbench.base.errors import NotFoundError
from growthbench.events.segment import read_message
from growthbench.people import links
from growthbench.people.consent import ConsentLedger
from growthbench.people.directory import Directory, Ident
from growthbench.people.export import export_person
from growthbench.people.intake import Batch, Intake
from growthbench.people.quarantine import refused

ANN = Ident("user", "ann@example.org")


@pytest.fixture
def send(store, keyring):
    def write(*messages, wrong=()):
        read = [read_message(json.dumps(m).encode(), None, now_us()) for m in messages]
        with store.writing() as connection:
            Intake(lambda tenant: Directory(store, keyring, tenant)).write(
                connection, [Batch("local", read, list(wrong))]
            )

    return write


@pytest.fixture
def ann(store, keyring, send):
    """Ann, who was a cookie first; and Bob, about whom nothing may be told."""
    raw = json.dumps({"userId": ANN.value, "event": None}).encode()
    others = json.dumps({"userId": "bob"}).encode()
    bad = [refused(keyring, "local", r, "no event", "event", "track", now_us()) for r in (raw, others)]
    send({"type": "page", "anonymousId": "c1", "messageId": "e1", "properties": {"path": "/a", "secret": "blue"}})
    send(
        {"type": "identify", "userId": ANN.value, "anonymousId": "c1", "messageId": "e2", "traits": {"plan": "pro"}},
        {"type": "track", "event": "bought", "userId": "bob", "messageId": "b1", "properties": {"secret": "of bob"}},
        wrong=bad,
    )
    (person,) = Directory(store, keyring).find([ANN])
    ConsentLedger(store).record("local", person, "marketing", "granted", "email")
    return person


def test_everything_is_in_the_export(store, keyring, ann):
    asked = []

    def predictions(connection, tenant, persons):
        asked.append((tenant, persons))
        return [{"prediction_id": "p1"}]

    told = export_person(store, keyring, "local", ANN, {"predictions": predictions})
    assert told["person"] == ann
    assert told["ids"] == ["anonymous:c1", f"user:{ANN.value}"]
    assert [e["event_id"] for e in told["events"]] == ["e1", "e2"]
    assert told["events"][0]["sent"]["properties"] == {"path": "/a", "secret": "blue"}
    assert told["events"][1]["values"] == {"plan": "pro"}
    assert told["traits"]["plan"]["value"] == "pro"
    assert told["profile"]["events"] == 2
    assert [c["purpose"] for c in told["consents"]] == ["marketing"]
    assert [q["message"] for q in told["quarantine"]] == [{"userId": ANN.value, "event": None}]
    assert told["predictions"] == [{"prediction_id": "p1"}]
    assert asked[0][0] == "local"
    assert "of bob" not in json.dumps(told)
    assert json.loads(json.dumps(told)) == told


def test_any_id_of_hers_gives_the_same(store, keyring, ann):
    by_cookie = export_person(store, keyring, "local", Ident("anonymous", "c1"))
    assert by_cookie | {"exported_at": ""} == export_person(store, keyring, "local", ANN) | {"exported_at": ""}


def test_merges_are_told(store, keyring, ann, send):
    send({"type": "track", "event": "x", "userId": "ann-2", "messageId": "a2"})
    links.merge(store, keyring, "local", ANN, Ident("user", "ann-2"))
    told = export_person(store, keyring, "local", Ident("user", "ann-2"))
    assert told["person"] == ann
    assert "a2" in [e["event_id"] for e in told["events"]]
    assert told["links"][-1]["person"] == ann


def test_nobody_is_no_empty_document(store, keyring, ann):
    with pytest.raises(NotFoundError, match="nothing is known"):
        export_person(store, keyring, "local", Ident("user", "eve"))
    with pytest.raises(NotFoundError):
        export_person(store, keyring, "other", ANN)


def test_people_of_a_log_without_keys_are_exported_by_their_id(store, keyring):
    from growthbench.events.live import Event
    from growthbench.events.log import EventLog

    EventLog(store).append([Event(person="old-9", name="x", timestamp=now_us(), properties={"a": 1})])
    told = export_person(store, keyring, "local", Ident("user", "old-9"))
    assert (told["ids"], told["events"][0]["properties"]) == ([], {"a": 1})
