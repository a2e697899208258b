"""Tenants, keys, members, sessions, usage and audit over HTTP, through the whole entrance, on both databases."""

import base64
import time
from contextlib import contextmanager
from types import SimpleNamespace

import jwt
import pyotp
import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from growthbench.base.settings import Settings
from growthbench.serving import routes_tenants
from growthbench.serving.auth import Auth
from growthbench.serving.entrance import Entrance, Lobby
from growthbench.serving.limits import Limits, quota_backend
from growthbench.serving.metrics import Metrics
from growthbench.serving.routes_tenants import routes
from growthbench.serving.settings import DoorSettings
from growthbench.serving.throttle import Throttle
from growthbench.store import passwords
from growthbench.store.callers import PERMISSIONS, ROLES
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.members import Members
from growthbench.store.tenants import Tenants

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    monkeypatch.setattr(routes_tenants, "session_routes", _without_brakes(routes_tenants.session_routes))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


def _without_brakes(made):
    from growthbench.serving import routes_sessions

    def session_routes(state):
        before = routes_sessions.TRIES_AT_ONCE
        routes_sessions.TRIES_AT_ONCE = 10_000
        try:
            return made(state)
        finally:
            routes_sessions.TRIES_AT_ONCE = before

    return session_routes


@pytest.fixture
def store(store_url):
    """Both databases, one after the other."""
    with open_store(store_url) as opened:
        yield opened


@contextmanager
def _opened(store, home):
    """The state that these routes need, and the application around it."""
    keyring = Keyring.open(home)
    tenants = Tenants(store, keyring)
    tenants.ensure("local")
    metrics = Metrics()
    state = SimpleNamespace(
        settings=Settings.read(home), door=DoorSettings(), store=store, keyring=keyring, tenants=tenants,
        auth=Auth(store, keyring, tenants), limits=Limits(quota_backend(store), tenants, 1), metrics=metrics,
    )  # fmt: skip
    lobby = Lobby()
    lobby.open(state, routes(state))
    state.app = Entrance(None, 1_000_000, lobby)
    yield state
    lobby.close()
    state.limits.close()
    state.auth.close()


@pytest.fixture
def state(store, tmp_path):
    with _opened(store, tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def client(state):
    return TestClient(state.app, raise_server_exceptions=False)


class People:
    """Tenants ``local`` (the operator's), ``shop`` and ``other``, each with an admin; tokens by name."""

    def __init__(self, state):
        self.members = Members(state.store, state.keyring)
        self.ids, self.tokens = {}, {}
        for tenant in ("shop", "other"):
            state.tenants.create(tenant, "free", tenant, limits={"burst_per_s": None})
        for tenant in ("local", "shop", "other"):
            self.add(tenant, "admin", tenant)

    def add(self, tenant, role, name):
        made = self.members.create(tenant, f"{name}@shop.example", name, role, PASSWORD)
        self.ids[name] = made["member_id"]
        self.tokens[name] = self.members.login(tenant, f"{name}@shop.example", PASSWORD)["access_token"]


@pytest.fixture
def people(state):
    return People(state)


@pytest.fixture
def ask(client, people):
    """Ask as somebody: ``ask("shop", "GET", path)``; the answer's JSON, and its status held against ``is_``."""

    def asked(who, method, path, body=None, is_=200, **more):
        token = people.tokens.get(who, who)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = client.request(method, path, json=body, headers=headers | more.pop("headers", {}), **more)
        assert answer.status_code == is_, (method, path, answer.status_code, answer.text)
        assert (answer.headers["content-type"] == "application/problem+json") == (is_ >= 400)
        return answer.json()

    return asked


# ---- sessions


def test_login_refresh_logout(client, ask, people):
    answer = client.post(
        "/api/v1/auth/login", json={"tenant": "shop", "email": "shop@shop.example", "password": PASSWORD}
    )
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    session = answer.json()
    assert (session["token_type"], session["expires_in"]) == ("Bearer", 900)
    me = ask(session["access_token"], "GET", "/api/v1/auth/me")
    assert (me["tenant"], me["kind"], me["role"], me["caller_id"]) == ("shop", "member", "admin", people.ids["shop"])
    assert set(me["permissions"]) == set(PERMISSIONS)
    again = ask(None, "POST", "/api/v1/auth/refresh", {"refresh_token": session["refresh_token"]})
    ended = ask(again["access_token"], "POST", "/api/v1/auth/logout", {"refresh_token": again["refresh_token"]})
    assert ended == {"ended": 2}
    ask(again["access_token"], "GET", "/api/v1/auth/me", is_=401)
    ask(None, "POST", "/api/v1/auth/refresh", {"refresh_token": again["refresh_token"]}, is_=401)
    assert ask(None, "POST", "/api/v1/auth/logout") == {"ended": 0}


def test_the_first_tenant_need_not_be_named(ask):
    assert ask(None, "POST", "/api/v1/auth/login", {"email": "local@shop.example", "password": PASSWORD})


def test_a_login_that_fails_says_the_same_whatever_is_wrong(ask, people):
    told = set()
    for tenant, email, password in (
        ("shop", "shop@shop.example", "wrong"),
        ("shop", "nobody@shop.example", PASSWORD),
        ("nobody", "shop@shop.example", PASSWORD),
        ("other", "shop@shop.example", PASSWORD),
    ):
        body = {"tenant": tenant, "email": email, "password": password}
        told.add(ask(None, "POST", "/api/v1/auth/login", body, is_=401)["detail"])
    assert len(told) == 1


def test_who_fails_too_often_is_told_when_to_try_again(client, people):
    body = {"tenant": "shop", "email": "shop@shop.example", "password": "wrong"}
    for _ in range(5):
        assert client.post("/api/v1/auth/login", json=body).status_code == 401
    answer = client.post("/api/v1/auth/login", json=body | {"password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    "body", [None, {}, [], {"email": 1, "password": "x"}, {"email": "x", "password": "y", "more": 1}, {"email": "x"}]
)
def test_a_login_of_another_shape_is_refused(ask, body):
    ask(None, "POST", "/api/v1/auth/login", body, is_=400)


def test_a_second_factor_over_http(ask, people):
    begun = ask("shop", "POST", "/api/v1/auth/totp", {})
    totp = pyotp.parse_uri(begun["address"])
    ask("shop", "POST", "/api/v1/auth/totp", {"code": "nothing"}, is_=401)
    confirmed = ask("shop", "POST", "/api/v1/auth/totp", {"code": totp.at(time.time() - 30)})
    assert confirmed == {"second_factor": "on"}
    body = {"tenant": "shop", "email": "shop@shop.example", "password": PASSWORD}
    assert "second factor" in ask(None, "POST", "/api/v1/auth/login", body, is_=401)["detail"]
    code = totp.now()
    assert ask(None, "POST", "/api/v1/auth/login", body | {"code": code})
    ask(None, "POST", "/api/v1/auth/login", body | {"code": code}, is_=401)
    ask("shop", "POST", "/api/v1/auth/totp", {}, is_=409)
    assert (
        ask("shop", "PATCH", f"/api/v1/members/{people.ids['shop']}", {"second_factor": "none"})["second_factor"]
        == "none"
    )


def test_ones_own_password(ask):
    new = {"old": PASSWORD, "new": "another horse battery"}
    ask("shop", "POST", "/api/v1/auth/password", {**new, "old": "wrong"}, is_=401)
    ask("shop", "POST", "/api/v1/auth/password", {**new, "new": "short"}, is_=400)
    assert ask("shop", "POST", "/api/v1/auth/password", new) == {"changed": True}
    ask("shop", "GET", "/api/v1/auth/me", is_=401)
    ask(None, "POST", "/api/v1/auth/login", {"tenant": "shop", "email": "shop@shop.example", "password": new["new"]})


def test_a_key_has_no_password(ask, state):
    key = state.tenants.keys.create("shop", "secret").key
    ask(key, "POST", "/api/v1/auth/password", {"old": "x", "new": PASSWORD}, is_=403)
    ask(key, "POST", "/api/v1/auth/totp", {}, is_=403)
    assert ask(key, "GET", "/api/v1/auth/me")["permissions"] == sorted(ROLES["service"])


# ---- OAuth


def test_a_key_is_traded_for_a_token(client, ask, state):
    new = state.tenants.keys.create("shop", "secret")
    form = {"grant_type": "client_credentials", "client_id": new.key_id, "client_secret": new.key}
    basic = {"authorization": "Basic " + base64.b64encode(f"{new.key_id}:{new.key}".encode()).decode()}
    answers = [
        client.post("/oauth/token", data=form),
        client.post("/oauth/token", json=form),
        client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        token = answer.json()["access_token"]
        assert "refresh_token" not in answer.json()
        me = ask(token, "GET", "/api/v1/auth/me")
        assert (me["tenant"], me["caller_id"], me["role"]) == ("shop", new.key_id, "service")
    assert jwt.decode(token, options={"verify_signature": False})["kin"] == "key"
    state.tenants.keys.revoke("shop", new.key_id)
    state.auth.forget()
    ask(token, "GET", "/api/v1/auth/me", is_=401)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"grant_type": "client_credentials"}, 401),
        ({"grant_type": "client_credentials", "client_secret": "gbs_x"}, 401),
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "KEY"}, 401),
        ({"grant_type": "password"}, 400),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 401),
        ({"grant_type": "refresh_token"}, 401),
        ({}, 400),
    ],
)
def test_a_trade_that_cannot_be_is_refused(client, state, people, form, status):
    key = state.tenants.keys.create("shop", "secret").key
    form = {n: key if v == "KEY" else v for n, v in form.items()}
    assert client.post("/oauth/token", data=form).status_code == status


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"a" * 100, b"&".join([b"a=1"] * 50)])
def test_a_form_of_rubbish_is_refused(client, body):
    assert client.post("/oauth/token", content=body).status_code == 400


# ---- tenants


def test_everybody_sees_their_tenant_and_the_operator_all(ask):
    assert [t["tenant_id"] for t in ask("shop", "GET", "/api/v1/tenants")["tenants"]] == ["shop"]
    assert [t["tenant_id"] for t in ask("local", "GET", "/api/v1/tenants")["tenants"]] == ["local", "other", "shop"]
    assert ask("shop", "GET", "/api/v1/tenants/shop")["allowed"]["calls_a_day"] == 1_000
    assert ask("local", "GET", "/api/v1/tenants/shop")["plan"] == "free"


def test_only_an_admin_of_the_first_tenant_is_the_operator(ask, people, state):
    people.add("local", "viewer", "val")
    secret = state.tenants.keys.create("local", "secret").key
    for who in ("val", secret):
        assert [t["tenant_id"] for t in ask(who, "GET", "/api/v1/tenants")["tenants"]] == ["local"]
        ask(who, "GET", "/api/v1/tenants/shop", is_=404)
        ask(who, "POST", "/api/v1/tenants", {"name": "x"}, is_=403)


def test_the_operator_makes_a_tenant_with_keys_and_an_admin(ask, people):
    admin = {"email": "new@shop.example", "name": "New", "password": PASSWORD}
    made = ask("local", "POST", "/api/v1/tenants", {"name": "New", "tenant_id": "new", "admin": admin}, is_=201)
    assert (made["tenant"]["plan"], made["admin"]["role"]) == ("free", "admin")
    assert [k["kind"] for k in made["keys"]] == ["write", "secret"]
    assert ask(made["keys"][1]["key"], "GET", "/api/v1/auth/me")["tenant"] == "new"
    assert ask(None, "POST", "/api/v1/auth/login", {"tenant": "new", "email": admin["email"], "password": PASSWORD})
    ask("local", "POST", "/api/v1/tenants", {"name": "New", "tenant_id": "new"}, is_=409)
    ask("shop", "POST", "/api/v1/tenants", {"name": "Mine", "plan": "local"}, is_=403)


def test_half_a_tenant_is_never_made(ask, state):
    ask(
        "local",
        "POST",
        "/api/v1/tenants",
        {"name": "x", "tenant_id": "x", "admin": {"email": "-", "name": "x"}},
        is_=400,
    )
    assert "x" not in [t.tenant_id for t in state.tenants.list()]


def test_branding_and_configuration(ask):
    config = {"branding": {"name": "Shop", "colour": "#1b6ef3"}, "events": ["a"]}
    changed = ask("shop", "PATCH", "/api/v1/tenants/shop", {"config": config, "domain": "shop.example.com"})
    assert (changed["config"], changed["domain"]) == (config, "shop.example.com")
    assert ask("shop", "PATCH", "/api/v1/tenants/shop", {"domain": None})["domain"] is None
    problem = ask("shop", "PATCH", "/api/v1/tenants/shop", {"config": {"branding": {"colour": "red"}}}, is_=400)
    assert problem["field"] == "config.branding.colour"


def test_plans_and_limits_are_the_operators(ask):
    for change in ({"plan": "local"}, {"limits": {}}):
        ask("shop", "PATCH", "/api/v1/tenants/shop", change, is_=403)
    assert ask("local", "PATCH", "/api/v1/tenants/shop", {"plan": "pro"})["allowed"]["events_a_day"] == 10_000_000


# ---- keys and members


def test_keys_over_http(ask, state):
    made = ask("shop", "POST", "/api/v1/keys", {"kind": "secret", "label": "back end"}, is_=201)
    assert ask(made["key"], "GET", "/api/v1/auth/me")["caller_id"] == made["key_id"]
    rotated = ask("shop", "POST", f"/api/v1/keys/{made['key_id']}/rotate", {"grace_s": 0}, is_=201)
    ask(made["key"], "GET", "/api/v1/auth/me", is_=401)
    ask("shop", "POST", f"/api/v1/keys/{made['key_id']}/rotate", is_=409)
    assert ask("shop", "DELETE", f"/api/v1/keys/{rotated['key_id']}")["revoked"]
    ask(rotated["key"], "GET", "/api/v1/auth/me", is_=401)
    listed = ask("shop", "GET", "/api/v1/keys")["keys"]
    assert [k["replaces"] for k in listed] == [None, made["key_id"]]
    assert made["key"] not in str(listed)
    ask("shop", "POST", "/api/v1/keys", {"kind": "admin"}, is_=400)


def test_members_over_http(ask, people):
    body = {"email": "ann@shop.example", "name": "Ann", "role": "analyst", "password": PASSWORD, "team": "Growth"}
    ann = ask("shop", "POST", "/api/v1/members", body, is_=201)
    assert "password" not in ann
    ask("shop", "POST", "/api/v1/members", body, is_=409)
    where = f"/api/v1/members/{ann['member_id']}"
    assert ask("shop", "PATCH", where, {"role": "viewer", "team": None})["team"] is None
    assert ask("shop", "PATCH", where, {"disabled": True})["disabled_at"] is not None
    ask("shop", "PATCH", where, {"password": "another horse battery", "disabled": False})
    assert ask(None, "POST", "/api/v1/auth/login",
               {"tenant": "shop", "email": body["email"], "password": "another horse battery"})  # fmt: skip
    ask("shop", "PATCH", f"/api/v1/members/{people.ids['shop']}", {"role": "viewer"}, is_=409)
    assert len(ask("shop", "GET", "/api/v1/members")["members"]) == 2
    ask("shop", "PATCH", where, {"role": "king"}, is_=400)


def test_a_new_role_is_followed_at_once_in_this_worker(ask, people):
    people.add("shop", "admin", "ann")
    ask("ann", "GET", "/api/v1/keys")
    ask("shop", "PATCH", f"/api/v1/members/{people.ids['ann']}", {"role": "viewer"})
    ask("ann", "GET", "/api/v1/keys", is_=403)


# ---- who may what


def test_every_role_may_what_it_may_and_nothing_else(ask, people, state, client):
    people.add("shop", "viewer", "val")
    people.add("shop", "analyst", "ana")
    people.add("shop", "marketer", "mar")
    key = {kind: state.tenants.keys.create("shop", kind).key for kind in ("write", "secret")}
    whose = {"val": "viewer", "ana": "analyst", "mar": "marketer", "shop": "admin", key["secret"]: "service",
             key["write"]: "sender"}  # fmt: skip
    for route in routes(state):
        if route.permission is None or route.method != "GET":
            continue
        path = route.path.replace("{tenant_id}", "shop")
        for who, role in whose.items():
            ask(who, "GET", path, is_=200 if route.permission in ROLES[role] else 403)
        ask(None, "GET", path, is_=401)
        ask("rubbish", "GET", path, is_=401)


def test_changing_anything_needs_the_permission(ask, people, state):
    people.add("shop", "marketer", "mar")
    key = state.tenants.keys.create("shop", "secret").key
    for route in routes(state):
        if route.permission in (None, "tenant:read") or route.method == "GET":
            continue
        path = route.path.replace("{tenant_id}", "shop").replace("{key_id}", "x").replace("{member_id}", "x")
        for who in ("mar", key):
            ask(who, route.method, path, {}, is_=403)


# ---- across tenants


def test_nothing_of_another_tenant_is_seen_or_changed(ask, people, state):
    theirs = state.tenants.keys.create("other", "secret")
    before = _everything(ask)
    other_member, other_key = people.ids["other"], theirs.key_id
    attacks = [
        ("GET", "/api/v1/tenants/other", None),
        ("PATCH", "/api/v1/tenants/other", {"name": "taken"}),
        ("GET", "/api/v1/tenants/local", None),
        ("POST", f"/api/v1/keys/{other_key}/rotate", {"grace_s": 0}),
        ("DELETE", f"/api/v1/keys/{other_key}", None),
        ("PATCH", f"/api/v1/members/{other_member}", {"role": "viewer"}),
        ("PATCH", f"/api/v1/members/{other_member}", {"password": "taken over by us"}),
        ("PATCH", f"/api/v1/members/{other_member}", {"second_factor": "none"}),
        ("PATCH", f"/api/v1/members/{other_member}", {}),
    ]
    for method, path, body in attacks:
        told = ask("shop", method, path, body, is_=404)
        unknown = ask("shop", method, path.replace("other", "nobody").replace(other_key, "0" * 24)
                      .replace(other_member, "member_0"), body, is_=404)  # fmt: skip
        assert set(told) == set(unknown)  # that it is there shows in nothing
    for query in ("?tenant=other", "?tenant_id=other"):
        for path in ("/api/v1/keys", "/api/v1/members", "/api/v1/audit", "/api/v1/usage", "/api/v1/tenants"):
            assert "other" not in str(ask("shop", "GET", path + query)).replace("another", "")
    assert _everything(ask) == before
    assert ask(theirs.key, "GET", "/api/v1/auth/me")["tenant"] == "other"


def _everything(ask):
    return {path: ask("other", "GET", path) for path in
            ("/api/v1/tenants", "/api/v1/keys", "/api/v1/members", "/api/v1/audit")}  # fmt: skip


def test_a_token_cannot_be_turned_to_another_tenant(ask, people, state):
    claims = jwt.decode(people.tokens["shop"], options={"verify_signature": False})
    header = jwt.get_unverified_header(people.tokens["shop"])
    for change in ({"ten": "other"}, {"ten": "other", "sub": people.ids["other"]}):
        forged = jwt.encode(claims | change, "guessed" * 8, "HS256", headers=header)
        ask(forged, "GET", "/api/v1/auth/me", is_=401)
    body = {"tenant": "other", "email": "shop@shop.example", "password": PASSWORD}
    ask(None, "POST", "/api/v1/auth/login", body, is_=401)


def test_one_tenants_calls_do_not_count_for_another(ask, state):
    state.tenants.update("shop", limits={"calls_a_day": 3, "burst_per_s": None})
    for _ in range(3):
        ask("shop", "GET", "/api/v1/auth/me")
    ask("shop", "GET", "/api/v1/auth/me", is_=429)
    ask("other", "GET", "/api/v1/auth/me")
    assert ask("other", "GET", "/api/v1/usage")["days"][0]["calls"] <= 4


# ---- usage, limits, audit


def test_usage_tells_what_was_used(ask, state):
    for _ in range(4):
        ask("shop", "GET", "/api/v1/auth/me")
    told = ask("shop", "GET", "/api/v1/usage?days=2")
    assert (told["tenant"], told["plan"], told["counted"], len(told["days"])) == ("shop", "free", True, 2)
    assert told["days"][0]["calls"] == 5
    assert told["days"][1] == {"day": told["days"][1]["day"], "calls": 0, "events": 0}
    assert ask("local", "GET", "/api/v1/usage")["counted"] is False
    for days in ("0", "32", "x", "-1", "٣", "9" * 30):
        ask("shop", "GET", f"/api/v1/usage?days={days}", is_=400)


def test_a_limit_used_up_is_429_with_everything_to_go_on(client, people, state):
    state.tenants.update("shop", limits={"calls_a_day": 5, "burst_per_s": None})
    headers = {"authorization": f"Bearer {people.tokens['shop']}"}
    answers = [client.get("/api/v1/auth/me", headers=headers) for _ in range(8)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 3
    assert answers[0].headers["ratelimit-policy"] == '"calls";q=5;w=86400'
    assert answers[0].headers["ratelimit"].startswith('"calls";r=4;t=')
    assert answers[-1].headers["ratelimit"].startswith('"calls";r=0;t=')
    assert 0 < int(answers[-1].headers["retry-after"]) <= 86_400
    assert answers[-1].json()["title"] == "Too many requests"


def test_the_audit_over_http(ask, people, store):
    import sqlalchemy as sa

    from growthbench.store.tenant_tables import audit

    ask("shop", "POST", "/api/v1/keys", {"kind": "write"}, is_=201)
    page = ask("shop", "GET", "/api/v1/audit?limit=1")
    assert (page["rows"][0]["action"], page["rows"][0]["actor"]) == ("key.created", people.ids["shop"])
    assert page["rows"][0]["digest"] == page["head"]["digest"]
    assert ask("shop", "GET", f"/api/v1/audit?before={page['rows'][0]['number']}&action=member.")["rows"]
    head = page["head"]
    known = f"/api/v1/audit/verify?number={head['number']}&digest={head['digest']}"
    assert ask("shop", "GET", known) == {"whole": True, "broken_at": None, "head": head}
    assert ask("shop", "GET", known[:-1] + "x")["broken_at"] == head["number"]
    with store.writing() as connection:
        connection.execute(sa.update(audit).where(audit.c.tenant_id == "shop", audit.c.number == 2).values(target="x"))
    assert ask("shop", "GET", "/api/v1/audit/verify")["broken_at"] == 2
    assert ask("other", "GET", "/api/v1/audit/verify")["whole"]
    ask("shop", "GET", "/api/v1/audit?action=%00", is_=400)
    ask("shop", "GET", "/api/v1/audit?before=0", is_=400)


def test_no_audit_tells_an_address_a_password_or_a_key(ask, people):
    made = ask("shop", "POST", "/api/v1/keys", {"kind": "secret"}, is_=201)
    ask(
        "shop",
        "POST",
        "/api/v1/members",
        {"email": "ann@shop.example", "name": "Ann Example", "role": "viewer"},
        is_=201,
    )
    told = str(ask("shop", "GET", "/api/v1/audit"))
    for secret in ("@", "Ann", PASSWORD, made["key"], made["signing_secret"]):
        assert secret not in told


# ---- whatever comes


@pytest.mark.parametrize("name", ["%00", "a%00b", "%ff", "%ed%a0%80", "..", "x" * 500, "%27%20OR%201=1--"])
def test_ids_of_any_kind_are_not_found(ask, name):
    ask("local", "GET", f"/api/v1/tenants/{name}", is_=404)
    ask("shop", "DELETE", f"/api/v1/keys/{name}", is_=404)
    ask("shop", "PATCH", f"/api/v1/members/{name}", {"role": "viewer"}, is_=404)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/keys", {"kind": "write", "label": "a\x00b"}),
        ("/api/v1/keys", {"kind": "write", "label": "x" * 1_000}),
        ("/api/v1/members", {"email": "a\x00@b.example", "name": "A", "role": "viewer"}),
        ("/api/v1/members", {"email": "a@b.example", "name": "\x00", "role": "viewer"}),
        ("/api/v1/members", {"email": "a@b.example", "name": "A", "role": "viewer", "team": "\x00"}),
        ("/api/v1/members", {"email": "a@b.example", "name": "A", "role": "king"}),
        ("/api/v1/tenants", {"name": "\x00"}),
        ("/api/v1/tenants", {"name": "x", "plan": "gold"}),
        ("/api/v1/tenants", {"name": "x", "limits": {"calls": 1}}),
        ("/api/v1/tenants", {"name": "x", "tenant_id": "A B"}),
        ("/api/v1/tenants", {"name": "x", "limits": {"calls_a_day": -1}}),
        ("/api/v1/tenants", {"name": "x", "limits": {"calls_a_day": 2**60}}),
        ("/api/v1/tenants", {"name": "x", "config": {"x": "y" * 40_000}}),
    ],
)
def test_bodies_that_cannot_be_are_refused(ask, path, body):
    ask("local", "POST", path, body, is_=400)


def test_configuration_keeps_every_text(ask):
    config = {"x": "\x00 ☃ \U0001f600", "deep": {"a": [1, 2.5, None, True, 10**15]}}
    assert ask("shop", "PATCH", "/api/v1/tenants/shop", {"config": config})["config"] == config


def test_routes_are_documented(state):
    for route in routes(state):
        assert route.summary
        assert route.tag == "tenants"
        assert route.answer is not None
        assert route.answer_example is not None
        assert (route.example is None) == (route.body is None)
        assert route.permission is None or route.permission in PERMISSIONS


def test_examples_are_of_the_documented_shape(state):
    import msgspec

    for route in routes(state):
        msgspec.convert(route.answer_example, route.answer, strict=True)
        if route.body is not None:
            msgspec.convert(route.example, route.body, strict=True)


# ---- the brake of open routes


def test_an_address_is_slowed_down_and_others_are_not(store, tmp_path, monkeypatch):
    monkeypatch.undo()
    with _opened(store, tmp_path / "home") as state:
        one, two = (TestClient(state.app, client=(f"10.0.0.{n}", 1)) for n in (1, 2))
        statuses = [one.post("/api/v1/auth/refresh", json={"refresh_token": "x"}).status_code for _ in range(30)]
        assert statuses[:20] == [401] * 20
        assert 429 in statuses
        assert two.post("/api/v1/auth/refresh", json={"refresh_token": "x"}).status_code == 401


def test_a_brake_lets_so_many_through_a_second():
    from growthbench.base.errors import LimitError

    now, waits = [0.0], []
    brake = Throttle(2.0, 5, lambda: now[0])

    def through(most):
        let = 0
        for _ in range(most):
            try:
                brake.take("a")
            except LimitError as exc:
                waits.append(exc.retry_after)
                continue
            let += 1
        return let

    assert through(20) == 5
    now[0] += 1
    assert through(20) == 2
    now[0] += 100
    assert through(20) == 5
    assert 0 < min(waits) <= max(waits) <= 0.5


def test_a_brake_does_not_grow_without_end(monkeypatch):
    from growthbench.serving import throttle

    monkeypatch.setattr(throttle, "_MOST", 100)
    now = [0.0]
    brake = Throttle(1.0, 5, lambda: now[0])
    for number in range(1_000):
        brake.take(str(number))
        now[0] += 0.02
    assert len(brake._free) <= 100
