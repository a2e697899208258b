"""Nobody reaches another tenant, by any route of the table: the walk is made from it, so none can be left out."""

import json
import re
import time
from urllib.parse import quote, urlencode

import pytest

from growthbench.predictions.deployments import deploy
from growthbench.serving.desk.process import DeskProcess
from growthbench.serving.entrance import LOBBY
from growthbench.serving.table import all_routes, all_sockets
from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys
from growthbench.store.members import Members
from growthbench.store.tenants import Tenants

MARK = "quaggamark"
"""In everything of the victim that an attacker does not send: wherever it turns up in an answer, something leaked."""
PASSWORD = "correct horse battery staple"
LIMITS = {"calls_a_day": 100_000, "events_a_day": 100_000, "burst_per_s": None}

CHANGING = {
    "/api/v1/audit", "/api/v1/audit/verify",  # grow when the victim looks at its own
    "/api/v1/usage", "/metrics", "/health", "/api/health", "/api/agents/system/status",  # count, and take the time
    "/api/v1/users/{user_id}/export",  # lists the predictions that looking made
}  # fmt: skip
CONVERSING = {"/api/v1/chat", "/api/v1/chat/stream"}
"""Whose bodies may name a conversation."""
VOLATILE = {"prediction_id", "request_id", "age_s", "cached", "last_login"}


class Side:
    """One tenant: its callers, and the ids of what it has."""

    def __init__(self, client, store, keyring, tenant):
        self.client, self.tenant = client, tenant
        made = Tenants(store, keyring).create(f"{tenant} inc", "pro", tenant, limits=LIMITS)
        keys = {kind: Keys(store, keyring).create(tenant, kind, f"{tenant} label") for kind in ("write", "secret")}
        admin = Members(store, keyring).create(tenant, f"boss@{tenant}.example", "Boss", "admin", PASSWORD)
        body = {"tenant": made.tenant_id, "email": f"boss@{tenant}.example", "password": PASSWORD}
        session = client.post("/api/v1/auth/login", json=body).json()["access_token"]
        self.shown = {"admin": session, "secret": keys["secret"].key, "write": keys["write"].key}
        self.ids = {"tenant_id": tenant, "key_id": keys["secret"].key_id, "member_id": admin["member_id"]}

    def ask(self, method, path, body=None, who="admin"):
        headers = {"authorization": f"Bearer {self.shown[who]}"} if who else {}
        return self.client.request(method, path, json=body, headers=headers)


def furnish(victim):
    """Give the victim one of everything, each with the mark in it."""
    ask, ids = victim.ask, victim.ids
    user, gone = "u-of-the-victim", "u-erased"
    mark = {"traits": {"email": f"{MARK}@example.com", "plan": "pro", "note": MARK}}
    for name in (user, gone):
        assert ask("POST", "/v1/identify", {"userId": name, **mark}, "write").status_code == 200
        told = ask("POST", "/v1/track", {"userId": name, "event": MARK, "properties": {"x": MARK}}, "write")
        assert told.json()["accepted"] == 1
    assert ask("POST", "/v1/track", {"userId": user, "event": 5, "properties": {"x": MARK}}, "write").status_code == 400
    hook = ask("POST", "/api/v1/webhooks", {"url": f"https://{MARK}.example.com/x", "topics": ["alerts"]})
    assert hook.status_code == 201, hook.text
    consent = {"purpose": "marketing", "state": "granted", "detail": MARK}
    assert ask("POST", f"/api/v1/users/{user}/consent", consent).status_code == 201
    told = {"name": MARK, "config": {"branding": {"name": MARK}}}
    assert ask("PATCH", f"/api/v1/tenants/{victim.tenant}", told).status_code == 200
    assert ask("POST", "/api/v1/keys", {"kind": "write", "label": MARK}).status_code == 201
    member = {"email": f"{MARK}@shop.example", "name": MARK, "role": "viewer"}
    assert ask("POST", "/api/v1/members", member).status_code == 201
    score = ask("GET", f"/api/v1/scores/churn/{user}")
    assert score.status_code == 200, score.text
    assert ask("GET", f"/api/v1/scores/churn/{user}?reasons=1").status_code == 200  # logged when it is answered
    erased = ask("DELETE", f"/api/v1/users/{gone}")
    assert erased.status_code in (200, 202), erased.text
    ids |= {
        "webhook_id": hook.json()["webhook_id"],
        "user_id": user,
        "prediction_id": score.json()["prediction_id"],
        "receipt_id": erased.json()["receipt_id"],
        "delivery_id": "whd_0",
    }


def furnish_desk(victim):
    """Give the victim one of everything that the Desk keeps, each with the mark in it."""
    ask, user = victim.ask, victim.ids["user_id"]
    text = (
        f"# {MARK}\n\n{MARK} costs EUR 199 a month. The forecast of {MARK} is made of the estimates of its boards. " * 3
    )
    document = {"text": text, "title": MARK, "collection": "product_docs", "document_id": "d-of-the-victim"}
    assert ask("POST", "/api/v1/knowledge/documents", document).status_code == 201
    question = {"question": f"What does {MARK} cost a month?", "keep": True}
    assert ask("POST", "/api/v1/knowledge/answer", question).status_code == 200
    said = ask("POST", "/api/v1/chat", {"text": question["question"], "user_id": user})
    assert said.status_code == 200, said.text
    made = ask("POST", "/api/v1/content/generate?async=true", {"brief": {"kind": "email", "topic": MARK}})
    assert made.status_code == 202, made.text
    while ask("GET", f"/api/v1/jobs/{made.json()['job_id']}").json()["ended_at"] is None:
        time.sleep(0.1)
    library = ask("GET", "/api/v1/content").json()["content"]
    victim.ids |= {
        "document_id": "d-of-the-victim",
        "conversation_id": said.json()["conversation_id"],
        "reply_id": said.json()["reply_id"],
        "job_id": made.json()["job_id"],
        "content_id": library[0]["content_id"] if library else "cnt_0",
    }


@pytest.fixture
def sides(filled, start, store, settings, artifacts):
    """The victim, who has one of everything, and a rival with a model of its own."""
    client, keyring = start(None), Keyring.open(settings.home)
    for tenant, model, run in (("victim", "churn", MARK), ("rival", "churn_2", "run-rival")):
        deploy(store, settings.home, tenant, "churn", artifacts[model], run_id=run)
    victim, rival = (Side(client, store, keyring, tenant) for tenant in ("victim", "rival"))
    furnish(victim)
    return victim, rival


@pytest.fixture
def sides_with_desk(sides, settings, tmp_path):
    """The same, with a Desk behind the Door."""
    with DeskProcess(settings, log=tmp_path / "desk.log", within_s=240):
        furnish_desk(sides[0])
        yield sides


SAME_WORDS = {"userId": "user_id", "into": "user_id", "member": "user_id", "previousId": "user_id"}
"""Members of bodies that name what a path calls otherwise."""


def asked(route, ids):
    """Path and body of a request for a route with these ids; and whether it names any of them."""
    named = set(re.findall(r"\{(\w+)", route.path)) - {"task"}
    assert named <= set(ids), f"{route.path}: say in this test what {named - set(ids)} of the victim is"
    path = re.sub(r"\{(\w+)(:path)?\}", lambda m: quote({"task": "churn", **ids}[m[1]], safe=""), route.path)
    query = {"tenant": "victim", "tenant_id": "victim"}
    query |= {name: ids[name] for name in route.query if name in ids}
    query |= {"max_age_s": "3600"} if "max_age_s" in route.query else {}
    assert route.body is None or route.example is not None, f"{route.path} has no example to ask with"
    body, changed = replaced(route.example, ids) if route.body is not None else (None, False)
    if route.path in CONVERSING:
        body, changed = body | {"conversation_id": ids["conversation_id"]}, True
    return f"{path}?{urlencode(query)}", body, bool(named) or changed


def replaced(value, ids, name=""):
    """An example with the ids in the place of its own."""
    if isinstance(value, dict):
        pairs = {key: replaced(inner, ids, key) for key, inner in value.items()}
        return {key: inner for key, (inner, _) in pairs.items()}, any(changed for _, changed in pairs.values())
    if isinstance(value, list):
        several = [replaced(inner, ids, name.removesuffix("s")) for inner in value]
        return [inner for inner, _ in several], any(changed for _, changed in several)
    word = SAME_WORDS.get(name, name)
    return (ids[word], True) if word in ids and isinstance(value, str) else (value, False)


def table():
    return [route for route in all_routes(LOBBY.state) if route.method != "OPTIONS"]


def without(told):
    """An answer without what differs each time."""
    if isinstance(told, dict):
        return {key: without(value) for key, value in told.items() if key not in VOLATILE}
    return [without(value) for value in told] if isinstance(told, list) else told


def seen(side, routes):
    """What a tenant sees of its own by every route that only reads."""
    found = {}
    for route in routes:
        if route.method == "GET" and route.path not in CHANGING:
            answer = side.ask("GET", asked(route, side.ids)[0])
            is_json = answer.headers.get("content-type", "").startswith("application/json")
            found[route.path] = (answer.status_code, without(answer.json()) if is_json else "")
    return found


def test_no_route_gives_a_rival_anything_or_lets_it_change_anything(sides_with_desk):
    victim, rival = sides_with_desk
    routes = table()
    before = seen(victim, routes)
    shown = [path for path, told in before.items() if MARK in json.dumps(told)]
    assert len(shown) >= 8, f"the victim itself sees its mark only at {shown}: this test would notice no leak"
    used = victim.ask("GET", "/api/v1/usage").json()["days"][0]
    nobodys = {name: re.sub(r"[0-9a-z](?=[^_-]*$)", "0", value) for name, value in victim.ids.items()}
    assert not set(nobodys.values()) & set(victim.ids.values()) - {"whd_0"}
    for who in ("secret", "write", "admin"):
        for route in routes:
            if route.permission is None and who != "secret":
                continue  # open routes see no key; one walk is enough, and logins are counted
            path, body, names_some = asked(route, victim.ids)
            answer = rival.ask(route.method, path, body, who)
            leak = f"{who} {route.method} {path} -> {answer.status_code} {answer.text[:300]}"
            assert answer.status_code < 500 or route.path.startswith("/api/agents"), leak
            assert MARK not in answer.text, leak
            assert MARK not in str(answer.headers), leak
            if names_some:  # that the victim has it shows in nothing
                path, body, _ = asked(route, nobodys)
                other = rival.ask(route.method, path, body, who)
                assert answer.status_code == other.status_code, (leak, other.text)
                assert set(answer.json() if answer.content else ()) == set(other.json() if other.content else ()), leak
    after = victim.ask("GET", "/api/v1/usage").json()["days"][0]
    assert (after["calls"] - used["calls"], after["events"] - used["events"]) == (1, 0)  # its own question
    assert seen(victim, routes) == before
    whose = rival.ask("GET", "/api/v1/auth/me").json()["caller_id"]
    assert whose not in victim.ask("GET", "/api/v1/audit?limit=1000").text


def test_no_socket_tells_a_rival_anything(sides):
    victim, rival = sides
    assert set(all_sockets()) == {"/ws/realtime"}, "a new socket: attack it here, too"
    headers = {"authorization": f"Bearer {rival.shown['secret']}"}
    with rival.client.websocket_connect("/ws/realtime?tenant=victim&tenant_id=victim", headers=headers) as socket:
        assert socket.receive_json()["tenant"] == "rival"
        topics = ["events", "scores", "campaigns", "alerts"]
        socket.send_json({"type": "subscribe", "topics": topics, "from": dict.fromkeys(topics, 0), "tenant": "victim"})
        victim.ask("POST", "/v1/track", {"userId": "u-of-the-victim", "event": MARK}, "write")
        assert victim.ask("GET", "/api/v1/scores/churn/u-of-the-victim").status_code == 200
        rival.ask("POST", "/v1/track", {"userId": "u-rival", "event": "the_last"}, "write")
        heard = []
        while "the_last" not in (heard[-1] if heard else ""):
            heard.append(json.dumps(socket.receive_json()))
    assert not [told for told in heard if MARK in told or "u-of-the-victim" in told]
    assert any('"type": "message"' in told for told in heard)
