import dataclasses
import gzip
import json
import time

import pytest
from refusing import refused

from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys
from growthbench.store.tenants import Tenants

ROW = {"row": {"x": 1.0, "kind": "a"}}
SCORES = "/api/v1/scores/intent"


@pytest.fixture
def tenants(store, settings):
    """Tenants of this home."""
    return Tenants(store, Keyring.open(settings.home))


def test_nobody_unknown_gets_in(filled, start, keys):
    client = start(key=None)
    told = refused(client.post(SCORES, json=ROW), 401)
    assert "x: 1.0" not in json.dumps(told)
    assert client.post(SCORES, json=ROW).headers["www-authenticate"].startswith("Bearer")
    for wrong in ("Bearer nonsense", "Bearer gbs_0_0", f"Bearer {keys['secret']}x", "Basic !!!", "Digest x"):
        refused(client.post(SCORES, json=ROW, headers={"authorization": wrong}), 401)
    refused(client.post("/score", json={"task": "intent", **ROW}), 401)
    refused(client.post("/explain", json={"prediction_id": "pred_0"}), 401)


def test_a_key_is_taken_as_bearer_basic_or_header(filled, start, keys):
    client = start(key=None)
    assert client.post(SCORES, json=ROW, headers={"authorization": f"Bearer {keys['secret']}"}).status_code == 200
    assert client.post(SCORES, json=ROW, headers={"x-api-key": keys["secret"]}).status_code == 200
    assert client.post(SCORES, json=ROW, auth=(keys["secret"], "")).status_code == 200


def test_a_write_key_may_send_events_and_nothing_else(filled, start, keys):
    client = start(key=keys["write"])
    told = refused(client.post(SCORES, json=ROW), 403)
    assert "score people and rows" in told["detail"]
    refused(client.get("/api/v1/models/intent"), 403)
    sent = client.post("/api/v1/events/track", json={"user_id": "u1", "event": "login"})
    assert sent.status_code == 200, sent.text


def test_a_write_key_may_stand_in_the_body_of_an_event_and_only_there(filled, start, keys):
    client = start(key=None)
    event = {"userId": "u1", "event": "login", "writeKey": keys["write"]}
    assert client.post("/v1/track", json=event).status_code == 200
    refused(client.post("/v1/track", json=event | {"writeKey": "gbw_0_0"}), 401)
    refused(client.post("/v1/track", json={"userId": "u1", "event": "login"}), 401)
    refused(client.post(SCORES, json=ROW | {"writeKey": keys["secret"]}), 401)


def test_open_routes_need_no_key(filled, start):
    client = start(key=None)
    for path in ("/livez", "/readyz", "/metrics", "/docs.json"):
        assert client.get(path).status_code == 200, path


def test_limits_are_kept_and_told(filled, start, store, settings, tenants):
    made = tenants.create("small", plan="free", tenant_id="small", limits={"calls_a_day": 3, "burst_per_s": None})
    key = Keys(store, Keyring.open(settings.home)).create(made.tenant_id, "secret").key
    client = start(key=key)
    answers = [client.get("/api/v1/models/churn") for _ in range(5)]
    assert [a.status_code for a in answers] == [503, 503, 503, 429, 429]
    assert '"calls";q=3;w=86400' in answers[0].headers["ratelimit-policy"]
    assert '"calls";r=0' in answers[3].headers["ratelimit"]
    assert 0 < int(answers[3].headers["retry-after"]) <= 86_400
    refused(answers[4], 429)


def test_one_tenant_sees_nothing_of_another(client, store, settings, tenants, people):
    theirs = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    tenants.create("other", plan="pro", tenant_id="other")
    key = Keys(store, Keyring.open(settings.home)).create("other", "secret").key
    client.headers["authorization"] = f"Bearer {key}"
    refused(client.get(f"/api/v1/scores/churn/{people[0]}"), 503, None, "no champion for churn")
    refused(client.get(f"/api/v1/explain/{theirs['prediction_id']}"), 404)
    refused(client.post("/api/v1/models/churn/rollback"), 403)
    refused(client.post(SCORES, json=ROW), 503, None, "no champion")


def test_bodies_are_unzipped_within_the_same_limit(client):
    zipped = {"content-encoding": "gzip"}
    assert client.post(SCORES, content=gzip.compress(json.dumps(ROW).encode()), headers=zipped).status_code == 200
    refused(client.post(SCORES, content=gzip.compress(bytes(5_000_000)), headers=zipped), 413)
    refused(client.post(SCORES, content=b"plain", headers=zipped), 400, None, "not gzip")
    refused(client.post(SCORES, content=b"x", headers={"content-encoding": "br"}), 415)


@pytest.mark.parametrize("path", [SCORES, "/score"])
def test_multipart_forms_are_an_unsupported_media_type_whole_or_broken(client, path):
    refused(client.post(path, files={"row": b"{}"}), 415, None, "multipart")
    broken = {"content-type": "multipart/form-data"}
    refused(client.post(path, content=b"--x\r\nrubbish", headers=broken), 415, None, "multipart")


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        (b'{"task": "intent", "row": {"x": NaN, "kind": "a"}}', None, "not JSON"),
        (b'{"task": "intent", "row": {"x": 1, "kind": "a"}, "colour": 1}', "colour", "unknown"),
        (b'{"task": "intent", "row": {"x": 1e999, "kind": "a"}}', "row", "range"),
    ],
)
def test_native_endpoints_take_no_unknown_fields_and_no_nan(client, body, field, detail):
    refused(client.post("/score", content=body), 400, field, detail)


def test_a_page_of_any_origin_may_send_events_but_not_read(client):
    page = {"origin": "https://shop.example"}
    asked = client.options(
        "/v1/track",
        headers=page | {"access-control-request-method": "POST", "access-control-request-headers": "content-type, x-y"},
    )
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == "content-type, x-y"
    sent = client.post("/v1/track", json={"userId": "u", "event": "e"}, headers=page)
    assert sent.headers["access-control-allow-origin"] == "*"
    bad = client.post("/v1/track", content=b"{", headers=page)
    assert (bad.status_code, bad.headers["access-control-allow-origin"]) == (400, "*")
    assert "access-control-allow-origin" not in client.post(SCORES, json=ROW, headers=page).headers
    assert "access-control-allow-origin" not in client.options(SCORES, headers=page).headers


def test_head_is_answered_like_get_without_a_body(client):
    answer = client.head("/api/v1/models/intent")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


def test_requests_are_counted_by_route_not_by_what_callers_write(client, people):
    client.get(f"/api/v1/scores/churn/{people[0]}")
    client.get("/a/path/that/nobody/knows")
    client.request("BREW", "/api/v1/models/intent")
    told = client.get("/metrics").text
    assert '/api/v1/scores/{task}/{user_id:path}"' in told
    assert people[0] not in told
    assert "nobody/knows" not in told
    assert "BREW" not in told


def test_a_websocket_nobody_answers_is_closed(client):
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/nothing"):
        pass


def test_a_handler_that_takes_too_long_is_given_up(client, monkeypatch):
    from growthbench.serving.entrance import LOBBY
    from growthbench.serving.handlers import Handlers

    monkeypatch.setattr(Handlers, "model", lambda self, task: time.sleep(0.6))
    monkeypatch.setattr(LOBBY.state, "door", dataclasses.replace(LOBBY.state.door, timeout_s=0.2))
    refused(client.get("/api/v1/models/intent"), 504, None, "longer")
