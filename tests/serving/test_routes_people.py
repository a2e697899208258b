"""Profiles, merges and unmerges as their routes answer, over a real store and its writing thread."""

import json

import pytest

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.base.settings import Settings
from growthbench.events.segment import read_message
from growthbench.people.directory import Directory
from growthbench.people.intake import Batch, Intake
from growthbench.serving import routes_people
from growthbench.serving.http import Call, Router
from growthbench.serving.settings import DoorSettings
from growthbench.serving.state import State
from growthbench.store.audit import Audit
from growthbench.store.callers import Caller
from growthbench.store.engine import open_store
from growthbench.store.group_commit import GroupCommit
from growthbench.store.keyring import Keyring

SECRET = Caller("local", "key", "key_1", "service")


@pytest.fixture
def state(tmp_path, store_url):
    """What these routes work with; they touch nothing else of the Door."""
    settings = Settings(tmp_path / "home", store_url, "", tmp_path)
    store, keyring = open_store(store_url), Keyring.open(settings.home)
    opened: list[State] = []
    intake = Intake(lambda tenant: opened[0].directory(tenant))
    commits = GroupCommit(store, {"events": intake.write})
    nothing = dict.fromkeys(("auth", "limits", "metrics", "bus", "make_scorer", "tenants"))
    state = State(
        settings=settings, door=DoorSettings(), store=store, keyring=keyring, commits=commits, intake=intake,
        make_directory=lambda tenant: Directory(store, keyring, tenant), **nothing,
    )  # fmt: skip
    opened.append(state)
    state.closing.append(commits.close)
    yield state
    state.close()


@pytest.fixture
def ask(state):
    """Answers a request as the Door's entrance would: the JSON."""
    router = Router(routes_people.routes(state))

    def call(method, path, body=None, caller=SECRET):
        methods, params = router.find(path)
        raw = b"" if body is None else json.dumps(body).encode()
        assert caller.may(methods[method].permission)
        made = Call(method, path, params, b"", [], raw, caller, "req_1", "here", now_us())
        reply = methods[method].handler(made)
        assert reply.status == 200
        return json.loads(reply.body)

    return call


@pytest.fixture
def send(state):
    """Sends Segment messages of tenant ``local`` through the intake."""

    def sent(*messages, tenant="local"):
        read = [
            read_message(json.dumps({"type": "track", "event": "login", **m}).encode(), None, now_us())
            for m in messages
        ]
        return state.commits.submit("events", Batch(tenant, read)).result(10)

    return sent


def test_a_profile_follows_every_event(ask, send):
    send({"userId": "ann/1"}, {"type": "identify", "userId": "ann/1", "traits": {"plan": "free", "é": [1]}})
    send({"type": "identify", "userId": "ann/1", "traits": {"plan": "pro"}})
    told = ask("GET", "/api/v1/users/ann%2F1/profile")
    assert (told["user_id"], told["traits"]) == ("ann/1", {"plan": "pro", "é": [1]})
    assert (told["session"]["events"], told["session"]["active"]) == (3, True)
    assert "per_" not in json.dumps(told)


def test_an_identify_joins_the_visitor_and_an_unmerge_takes_them_apart(ask, send, state):
    send({"anonymousId": "c1"}, {"anonymousId": "c1", "event": "purchase"})
    before = ask("GET", "/api/v1/users/anonymous:c1/profile")
    assert (before["user_id"], before["anonymous_ids"]) == (None, ["c1"])
    send({"type": "identify", "userId": "ann", "anonymousId": "c1"})
    one = ask("GET", "/api/v1/users/anonymous:c1/profile")
    assert one == ask("GET", "/api/v1/users/ann/profile")
    assert (one["user_id"], one["anonymous_ids"], one["session"]["events"]) == ("ann", ["c1"], 3)
    assert ask("POST", "/api/v1/users/unmerge", {"into": "ann", "member": "anonymous:c1"})["members"] == 0
    assert ask("GET", "/api/v1/users/anonymous:c1/profile") == before
    send({"userId": "ann", "anonymousId": "c1"})  # what somebody took apart, events do not join
    assert ask("GET", "/api/v1/users/anonymous:c1/profile") == before


def test_merges_are_audited_without_ids(ask, send, state):
    send({"userId": "ann"}, {"userId": "bob"})
    told = ask("POST", "/api/v1/users/merge", {"into": "ann", "member": "bob", "reason": "same address"})
    assert (told["into"], told["member"], told["members"]) == ("ann", "bob", 1)
    (row,) = Audit(state.store).rows("local", action="people.")
    assert (row.action, row.actor) == ("people.merged", "key_1")
    assert row.target.startswith("per_")
    assert row.detail["member"].startswith("per_")
    assert not any(word in str(row) for word in ("ann", "bob", "address"))
    assert ask("GET", "/api/v1/users/bob/profile")["links"] == {"user_ids": ["ann", "bob"], "members": ["bob"]}


def test_what_cannot_be_is_refused(ask, send):
    send({"userId": "ann"}, {"userId": "bob"})
    with pytest.raises(NotFoundError):
        ask("GET", "/api/v1/users/nobody/profile")
    with pytest.raises(NotFoundError, match="member"):
        ask("POST", "/api/v1/users/merge", {"into": "ann", "member": "nobody"})
    with pytest.raises(ConflictError):
        ask("POST", "/api/v1/users/unmerge", {"into": "ann", "member": "bob"})
    for body, field in (
        ({"into": "ann", "member": "ann"}, "member"),
        ({"into": "ann", "member": "anonymous:"}, "member"),
        ({"into": "", "member": "bob"}, "into"),
        ({"into": "ann"}, "member"),
        ({"into": "ann", "member": "b\x00b"}, "member"),
        ({"into": "ann", "member": "bob", "x": 1}, "x"),
    ):
        with pytest.raises(BadInputError) as caught:
            ask("POST", "/api/v1/users/merge", body)
        assert caught.value.field == field


def test_another_tenant_sees_nothing(ask, send):
    send({"userId": "ann"}, {"userId": "bob"})
    other = Caller("other", "key", "key_2", "service")
    with pytest.raises(NotFoundError):
        ask("GET", "/api/v1/users/ann/profile", caller=other)
    with pytest.raises(NotFoundError):
        ask("POST", "/api/v1/users/merge", {"into": "ann", "member": "bob"}, caller=other)
