"""Events over HTTP: Segment's format and ours, quarantine and replay, limits of size, one event once."""

import base64
import gzip
import json

import pytest

from growthbench.events.log import EventLog


@pytest.fixture
def sender(start, keys):
    """A client with the write key."""
    return start(keys["write"])


@pytest.fixture
def service(sender, keys):
    """GETs with the secret key, through the same Door."""
    headers = {"authorization": f"Bearer {keys['secret']}"}
    return lambda path: sender.get(path, headers=headers).json()


def events(store):
    return sorted(e["name"] for p in EventLog(store).people() for e in EventLog(store).person(p))


@pytest.mark.parametrize("path", ["track", "t"])
def test_a_segment_message_lands(sender, store, path):
    answer = sender.post(f"/v1/{path}", json={"userId": "u1", "event": "Order Completed", "messageId": "m1"})
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "accepted": 1, "duplicates": 0, "quarantined": []}
    again = sender.post(f"/v1/{path}", json={"userId": "u1", "event": "Order Completed", "messageId": "m1"})
    assert (again.json()["accepted"], again.json()["duplicates"]) == (0, 1)
    assert events(store) == ["Order Completed"]


def test_every_kind_of_message_lands(sender, store):
    for kind, more in {
        "identify": {"traits": {"plan": "pro"}},
        "page": {"name": "Home"},
        "screen": {"name": "Basket"},
        "group": {"groupId": "acme"},
        "alias": {"previousId": "a1"},
    }.items():
        answer = sender.post(f"/v1/{kind}", json={"userId": "u1"} | more)
        assert answer.json()["accepted"] == 1, answer.text
    assert events(store) == ["alias", "group", "identify", "page_view", "screen_view"]


def test_a_bad_message_of_a_batch_waits_and_the_others_land(sender, service, store):
    batch = [{"type": "track", "event": "x", "userId": "u1"}, {"type": "track", "userId": "u1"}, 17,
             {"type": "identify", "userId": "u2"}]  # fmt: skip
    answer = sender.post("/v1/batch", json={"batch": batch}).json()
    assert (answer["accepted"], [q["index"] for q in answer["quarantined"]]) == (2, [1, 2])
    assert answer["quarantined"][0]["field"] == "event"
    assert events(store) == ["identify", "x"]
    waiting = service("/api/v1/quarantine")
    assert waiting["count"] == 2
    assert sorted((e["message"] for e in waiting["events"]), key=str) == [17, batch[1]]


def test_replay_brings_in_what_was_mended_and_never_twice(start, store, settings):
    service = start()
    bad = {"user_id": "u1", "event": "purchase", "properties": {"amount": 19.999}}
    assert service.post("/api/v1/events/track", json=bad).status_code == 400
    assert service.post("/api/v1/quarantine/replay").json() == {"replayed": 0, "refused": 1}
    # Mended: what the message says is replaced by what the client meant.
    from growthbench.people import quarantine as kept
    from growthbench.people.tables import quarantine
    from growthbench.store.keyring import Keyring

    mended = json.dumps(bad | {"properties": {"amount": 19.99}}).encode()
    with store.writing() as connection:
        connection.execute(quarantine.update().values(raw=Keyring.open(settings.home).seal(mended, kept._ABOUT)))
    assert service.post("/api/v1/quarantine/replay").json() == {"replayed": 1, "refused": 0}
    assert service.post("/api/v1/quarantine/replay").json() == {"replayed": 0, "refused": 0}
    assert events(store) == ["purchase"]


def test_a_single_bad_message_is_refused_by_its_field_and_kept(sender, service):
    answer = sender.post("/api/v1/events/track", json={"user_id": "u1", "event": "x", "timestamp": "soon"})
    assert (answer.status_code, answer.json()["field"]) == (400, "timestamp")
    (kept,) = service("/api/v1/quarantine")["events"]
    assert kept["quarantine_id"] in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/track", b"not json", 400),
        ("/v1/batch", b"not json", 400),
        ("/v1/batch", b'{"batch": []}', 400),
        ("/v1/batch", b'{"batch": {}}', 400),
        ("/v1/track", b'{"userId": "u", "event": "' + b"x" * 33_000 + b'"}', 413),
        ("/v1/batch", b'{"batch": ["' + b"x" * 600_000 + b'"]}', 413),
    ],
)
def test_what_is_no_message_is_refused(sender, store, path, body, status):
    answer = sender.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert events(store) == []


def test_keys_come_in_every_way_a_client_knows(start, keys, store):
    nobody = start(None)
    message = {"userId": "u", "event": "x"}
    basic = base64.b64encode(f"{keys['write']}:".encode()).decode()
    ways = [{"authorization": f"Basic {basic}"}, {"authorization": f"Bearer {keys['write']}"},
            {"x-api-key": keys["write"]}]  # fmt: skip
    for headers in ways:
        assert nobody.post("/v1/track", json=message, headers=headers).status_code == 200
    beacon = json.dumps({"batch": [message | {"type": "track"}], "writeKey": keys["write"]})
    assert nobody.post("/v1/batch", content=beacon, headers={"content-type": "text/plain"}).status_code == 200
    assert nobody.post("/v1/track", json=message).status_code == 401
    assert nobody.post("/v1/track", json=message, headers={"x-api-key": "gbw_nonsense"}).status_code == 401
    assert len(events(store)) == 4


def test_a_write_key_may_do_nothing_else(sender):
    for path in ("/api/v1/quarantine", "/api/v1/scores/churn/u1", "/api/v1/models/churn"):
        assert sender.get(path).status_code == 403


def test_a_gzipped_batch_lands_and_its_limit_counts_what_it_unpacks_to(sender, store):
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    body = json.dumps({"batch": [{"type": "track", "event": "x", "userId": "u"}]}).encode()
    assert sender.post("/v1/batch", content=gzip.compress(body), headers=headers).json()["accepted"] == 1
    bomb = gzip.compress(b'{"batch": ["' + b"a" * 50_000_000 + b'"]}')
    assert sender.post("/v1/batch", content=bomb, headers=headers).status_code == 413
    assert sender.post("/v1/batch", content=b"no gzip", headers=headers).status_code == 400
    assert events(store) == ["x"]


def test_a_browser_may_send_from_any_page(sender):
    origin = {"origin": "https://shop.example"}
    asked = origin | {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    preflight = sender.options("/v1/batch", headers=asked)
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] in ("*", "https://shop.example")
    answer = sender.post("/v1/track", json={"userId": "u", "event": "x"}, headers=origin)
    assert answer.headers["access-control-allow-origin"] in ("*", "https://shop.example")
