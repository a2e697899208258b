"""Consent, export and erasure as their routes answer, over a real store and its writing thread."""

import json
from pathlib import Path

import pytest

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, GoneError, NotFoundError
from growthbench.base.settings import Settings
from growthbench.events.segment import read_message
from growthbench.operations.erasing import Eraser
from growthbench.people.directory import Directory, Ident
from growthbench.people.intake import Batch, Intake
from growthbench.serving import routes_privacy
from growthbench.serving.http import Call, Router
from growthbench.serving.settings import DoorSettings
from growthbench.serving.state import State
from growthbench.store.audit import Audit
from growthbench.store.callers import Caller
from growthbench.store.engine import open_store
from growthbench.store.group_commit import GroupCommit
from growthbench.store.keyring import Keyring
from growthbench.store.tenants import Tenants

SECRET = Caller("local", "key", "key_1", "service")


@pytest.fixture
def state(tmp_path, store_url):
    """What the routes of privacy work with; they touch nothing else of the Door."""
    settings = Settings(tmp_path / "home", store_url, "", tmp_path)
    store, keyring = open_store(store_url), Keyring.open(settings.home)
    tenants = Tenants(store, keyring)
    tenants.ensure_first("local")
    opened: list[State] = []
    intake = Intake(lambda tenant: opened[0].directory(tenant))
    commits = GroupCommit(store, {"events": intake.write})
    nothing = dict.fromkeys(("auth", "limits", "metrics", "bus", "make_scorer"))
    state = State(
        settings=settings, door=DoorSettings(), store=store, keyring=keyring, commits=commits, tenants=tenants,
        intake=intake, make_directory=lambda tenant: Directory(store, keyring, tenant), **nothing,
    )  # fmt: skip
    opened.append(state)
    state.closing.append(commits.close)
    yield state
    state.close()


@pytest.fixture
def ask(state):
    """Answers a request as the Door's entrance would: (status, JSON)."""
    router = Router(routes_privacy.routes(state))

    def call(method, path, body=None, caller=SECRET):
        path, _, query = path.partition("?")
        methods, params = router.find(path)
        raw = b"" if body is None else json.dumps(body).encode()
        assert caller.may(methods[method].permission)
        made = Call(method, path, params, query.encode(), [], raw, caller, "req_1", "here", now_us())
        reply = methods[method].handler(made)
        return reply.status, json.loads(reply.body)

    return call


def send(state, user, event="login", **more):
    raw = json.dumps({"type": "track", "event": event, "userId": user, **more}).encode()
    state.commits.submit("events", Batch("local", [read_message(raw, None, now_us())])).result(10)


def test_consent_is_recorded_and_read_back_also_for_somebody_new(ask, state):
    given = {"purpose": "marketing", "state": "granted", "channel": "email", "source": "form"}
    status, told = ask("POST", "/api/v1/users/new%2Fid/consent", given)
    assert (status, told["user_id"], told["entries"][0]["state"]) == (201, "new/id", "granted")
    _, told = ask("GET", "/api/v1/users/new%2Fid/consent?purpose=marketing&channel=email")
    assert (told["allowed"], told["why"], len(told["entries"])) == (True, "marketing granted for channel email", 1)
    _, told = ask("GET", "/api/v1/users/new%2Fid/consent?purpose=marketing&channel=email&as_of=2020-01-01T00:00:00Z")
    assert told["allowed"] is False
    row = Audit(state.store).rows("local", action="consent.")[0]
    assert (row.actor, row.target.startswith("per_")) == ("key_1", True)
    assert "new/id" not in str(row)
    send(state, "new/id")  # the event is the same person's
    assert ask("GET", "/api/v1/users/new%2Fid/export")[1]["events"][0]["name"] == "login"


def test_bad_consent_is_refused_by_field_and_makes_nobody(ask, state):
    for body, field in (
        ({"purpose": "marketing", "state": "perhaps"}, "state"),
        ({"purpose": "marketing", "state": "granted", "at": "soon"}, "at"),
        ({"purpose": "marketing", "state": "granted", "extra": 1}, "extra"),
    ):
        with pytest.raises(BadInputError) as caught:
            ask("POST", "/api/v1/users/eve/consent", body)
        assert caught.value.field == field
    for path in ("/api/v1/users/eve/consent", "/api/v1/users/eve/export"):
        with pytest.raises(NotFoundError):
            ask("GET", path)
    with pytest.raises(BadInputError):
        ask("GET", "/api/v1/users/anonymous:/consent")


def test_a_person_is_erased_and_the_receipt_answers_for_it(ask, state):
    send(state, "jane-4711", properties={"mail": "j@example.org"})
    send(state, "bob")
    directory = state.directory("local")
    assert directory.find([Ident("user", "jane-4711")]) != [None]
    status, receipt = ask("DELETE", "/api/v1/users/jane-4711")
    assert (status, receipt["state"]) == (200, "done")
    assert {"store": "events", "removed": 1} in receipt["stores"]
    assert directory.find([Ident("user", "jane-4711")]) == [None]  # nobody remembers her
    where = f"/api/v1/erasures/{receipt['receipt_id']}"
    assert ask("GET", where) == (200, receipt)
    for asked in ("verify", "verify?user_id=jane-4711&email=j@example.org&deep=true"):
        assert ask("GET", f"{where}/{asked}")[1]["holds"] is True
    with pytest.raises(GoneError, match=receipt["receipt_id"]):
        ask("DELETE", "/api/v1/users/jane-4711")
    assert ask("GET", "/api/v1/users/bob/export")[1]["ids"] == ["user:bob"]


def test_another_tenant_sees_neither_person_nor_receipt(ask, state):
    send(state, "jane-4711")
    other = Caller("other", "key", "key_2", "service")
    for method, path in (("DELETE", ""), ("GET", "/export"), ("GET", "/consent")):
        with pytest.raises(NotFoundError):
            ask(method, f"/api/v1/users/jane-4711{path}", caller=other)
    _, receipt = ask("DELETE", "/api/v1/users/jane-4711")
    for path in ("", "/verify"):
        with pytest.raises(NotFoundError):
            ask("GET", f"/api/v1/erasures/{receipt['receipt_id']}{path}", caller=other)


def test_what_an_earlier_process_left_is_finished_at_the_start(state):
    send(state, "jane-4711")
    receipt = Eraser(state.store, state.settings.home, state.keyring).begin(Ident("user", "jane-4711"))
    routes_privacy.routes(state)
    state.closing[-1]()  # the cleaner does what it has and stops
    done = Eraser(state.store, state.settings.home, state.keyring).receipt(receipt.receipt_id)
    assert done.done
    assert Path(state.settings.home / "erasures.jsonl").is_file()


def test_many_at_once_are_each_finished(ask, state):
    from concurrent.futures import ThreadPoolExecutor

    users = [f"user-{i:04d}" for i in range(8)]
    for user in users:
        send(state, user)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda user: ask("DELETE", f"/api/v1/users/{user}"), users))
    assert {status for status, _ in answers} <= {200, 202}
    state.closing[-1]()
    for _, receipt in answers:
        assert Eraser(state.store, state.settings.home, state.keyring).verify(receipt["receipt_id"]).holds
