import io
import json
import time

import pyotp
import pytest
from argon2 import PasswordHasher

from growthbench.base.settings import Settings
from growthbench.cli.app import main
from growthbench.store import passwords
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.members import Members
from growthbench.store.tenants import Tenants


@pytest.fixture(autouse=True)
def _quick_hashing(monkeypatch):
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def call(capsys):
    """Call the command line; what it printed as JSON, or its exit code and error."""

    def made(*argv, fails=False):
        code = main([*map(str, argv), *([] if fails else ["--json"])])
        out = capsys.readouterr()
        if fails:
            assert code == 2
            assert out.err.count("\n") == 1
            return out.err
        assert code == 0, out.err
        return json.loads(out.out.splitlines()[-1])

    return made


@pytest.fixture
def home():
    """The store and key ring of this test's home."""
    here = Settings.read()
    with open_store(here.database_url) as store:
        yield store, Keyring.open(here.home)


def test_a_key_is_made_in_a_fresh_home_and_counts(call, home):
    made = call("keys", "create", "--kind", "write", "--label", "site")
    assert set(made) == {"key", "key_id", "kind", "label", "tenant", "signing_secret"}
    caller = Tenants(*home).keys.find(made["key"])
    assert (caller.tenant, caller.role, caller.plan) == ("local", "sender", "local")


def test_keys_are_listed_rotated_and_revoked(call, home):
    first = call("keys", "create", "--kind", "secret")
    second = call("keys", "rotate", first["key_id"], "--grace", "0")
    assert [k["key_id"] for k in call("keys", "list")["keys"]] == [first["key_id"], second["key_id"]]
    assert call("keys", "revoke", second["key_id"]) == {"key_id": second["key_id"], "revoked": True}
    assert all(k["revoked_at"] for k in call("keys", "list")["keys"])
    assert "key" not in call("keys", "list")["keys"][0]
    assert "no key" in call("keys", "revoke", "nothing", fails=True)
    assert "kind" in call("keys", "create", "--kind", "admin", fails=True)


def test_for_people_the_key_is_shown_with_a_warning(capsys):
    assert main(["keys", "create", "--kind", "write"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("gbw_")
    assert "shown this once" in out


def test_looking_makes_nothing(call, home):
    for verb in (("keys", "list"), ("members", "list"), ("audit", "show"), ("audit", "verify")):
        assert "no tenant 'local'" in call(*verb, fails=True)
    assert call("tenants", "list") == {"tenants": []}
    assert Tenants(*home).ensure_first()[1] is not None  # the service still makes and prints the first keys


def test_tenants_are_made_shown_and_changed(call):
    made = call(
        "tenants", "create", "The Shop", "--id", "shop", "--limit", "calls_a_day=5000", "--limit", "burst_per_s=none"
    )
    assert made["allowed"] == {"calls_a_day": 5_000, "events_a_day": 100_000, "burst_per_s": None}
    changed = call("tenants", "set", "shop", "--plan", "pro", "--limit", "calls_a_day=", "--domain", "shop.example.com",
                   "--config", '{"branding": {"name": "Shop"}}')  # fmt: skip
    assert (changed["plan"], changed["limits"], changed["domain"]) == ("pro", {"burst_per_s": None}, "shop.example.com")
    shown = call("tenants", "show", "shop")
    assert shown["config"] == {"branding": {"name": "Shop"}}
    assert shown["used_today"] == {"calls": 0, "events": 0}
    assert [t["tenant_id"] for t in call("tenants", "list")["tenants"]] == ["shop"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("tenants", "show", "nobody"), "no tenant 'nobody'"),
        (("tenants", "set", "shop"), "nothing to change"),
        (("tenants", "set", "shop", "--limit", "calls_a_day=many"), "NAME=NUMBER"),
        (("tenants", "set", "shop", "--config", "[]"), "JSON object"),
        (("tenants", "set", "shop", "--config", '{"x": NaN}'), "JSON object"),
        (("tenants", "set", "shop", "--plan", "gold"), "unknown plan 'gold'"),
        (("tenants", "create", "again", "--id", "shop"), "already"),
        (("keys", "create", "--kind", "write", "--tenant", "nobody"), "no tenant 'nobody'"),
        (("members", "create", "x", "--name", "X", "--role", "viewer", "--tenant", "shop"), "no e-mail address"),
        (("members", "password", "x@y.example", "--tenant", "shop"), "no member"),
        (("members", "totp", "x", "--off", "--code", "1", "--tenant", "shop"), "not both"),
        (("members", "set", "x", "--tenant", "shop"), "nothing to change"),
        (("audit", "verify", "--head", "x", "--tenant", "shop"), "NUMBER:DIGEST"),
    ],
)
def test_mistakes_end_in_one_line(call, argv, told):
    call("tenants", "create", "The Shop", "--id", "shop")
    assert told in call(*argv, fails=True)


def test_a_member_is_made_and_logs_in_with_a_second_factor(call, home, monkeypatch):
    call("tenants", "create", "The Shop", "--id", "shop")
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    made = call("members", "create", "Ann@shop.example", "--name", "Ann", "--role", "admin", "--tenant", "shop",
                "--password-stdin")  # fmt: skip
    assert (made["email"], made["role"], made["has_password"]) == ("ann@shop.example", "admin", True)
    begun = call("members", "totp", "ann@shop.example", "--tenant", "shop")
    totp = pyotp.parse_uri(begun["address"])
    done = call("members", "totp", made["member_id"], "--code", totp.at(time.time() - 30), "--tenant", "shop")
    assert done["second_factor"] == "on"
    assert Members(*home).login("shop", "ann@shop.example", "correct horse battery", totp.now())
    assert call("members", "totp", "ann@shop.example", "--off", "--tenant", "shop")["second_factor"] == "none"
    assert Members(*home).login("shop", "ann@shop.example", "correct horse battery")


def test_members_are_changed_and_get_new_passwords(call, home, monkeypatch):
    for name in ("ann", "bob"):
        call("members", "create", f"{name}@shop.example", "--name", name, "--role", "admin", "--no-password")
    told = call("members", "set", "bob@shop.example", "--role", "viewer", "--team", "Growth", "--disable")
    assert (told["role"], told["team"], told["disabled_at"] is None) == ("viewer", "Growth", False)
    assert call("members", "set", "bob@shop.example", "--enable")["disabled_at"] is None
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    call("members", "password", "bob@shop.example", "--password-stdin")
    assert Members(*home).login("local", "bob@shop.example", "correct horse battery")
    assert [m["name"] for m in call("members", "list")["members"]] == ["ann", "bob"]
    assert "last admin" in call("members", "set", "ann@shop.example", "--disable", fails=True)


def test_the_audit_is_shown_and_verified(call, home):
    import sqlalchemy as sa

    from growthbench.store.tenant_tables import audit

    for label in ("a", "b", "c"):
        call("keys", "create", "--kind", "write", "--label", label)
    shown = call("audit", "show", "--limit", "2", "--action", "key.")
    assert [row["detail"]["label"] for row in shown["rows"]] == ["c", "b"]
    whole = call("audit", "verify")
    assert whole["whole"] and whole["head"] == shown["head"]  # noqa: PT018
    head = f"{whole['head']['number']}:{whole['head']['digest']}"
    assert call("audit", "verify", "--head", head)["rows"] == 4
    with home[0].writing() as connection:
        connection.execute(sa.update(audit).where(audit.c.number == 3).values(actor="somebody"))
    assert "broken at row 3" in call("audit", "verify", fails=True)


def test_a_verb_of_verbs_tells_what_they_are(capsys):
    for verb in ("keys", "tenants", "members", "audit"):
        assert main([verb]) == 0
        assert f"Usage: growthbench {verb}" in capsys.readouterr().out
