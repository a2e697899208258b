import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import (
    AccessError,
    BadInputError,
    ConflictError,
    LimitError,
    NotFoundError,
    UnknownNameError,
)
from growthbench.store import attempts, passwords
from growthbench.store.attempts import ATTEMPTS
from growthbench.store.members import Members
from growthbench.store.passwords import code_number
from growthbench.store.tenant_tables import members as table
from growthbench.store.tenant_tables import quotas

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.usefixtures("quick_hashing")


@pytest.fixture
def members(tenants, store, keyring):
    return Members(store, keyring)


@pytest.fixture
def ann(members):
    return members.create("shop", "Ann@Shop.example ", "Ann", "admin", PASSWORD)["member_id"]


def _seed(address):
    return pyotp.parse_uri(address).secret


def _with_second_factor(members, member_id):
    totp = pyotp.TOTP(_seed(members.enable_totp("shop", member_id)))
    members.confirm_totp("shop", member_id, totp.at(time.time() - 30))
    return totp


def test_a_member_logs_in(members, ann):
    session = members.login("shop", " ANN@shop.example", PASSWORD)
    caller = members.tokens.verify(session["access_token"]).caller
    assert (caller.tenant, caller.kind, caller.caller_id, caller.role) == ("shop", "member", ann, "admin")
    assert members.get("shop", ann)["last_login"] is not None


def test_the_password_is_kept_as_argon2_and_told_nobody(members, ann, store):
    with store.reading() as connection:
        row = connection.execute(sa.select(table)).one()
    assert row.password.startswith("$argon2id$")
    assert PASSWORD not in str(row)
    assert "password" not in members.list("shop")[0]
    assert members.list("shop")[0]["has_password"]


@pytest.mark.parametrize(
    ("tenant", "email", "password"),
    [
        ("shop", "ann@shop.example", "wrong horse battery"),
        ("shop", "bob@shop.example", PASSWORD),
        ("other", "ann@shop.example", PASSWORD),
        ("nobody", "ann@shop.example", PASSWORD),
        ("shop", "\x00", PASSWORD),
        ("\x00", "ann@shop.example", PASSWORD),
        ("shop", "ann@shop.example", "\ud800"),
        ("shop", "ann@shop.example", "x" * 100_000),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(members, ann, tenant, email, password):
    with pytest.raises(AccessError) as caught:
        members.login(tenant, email, password)
    assert str(caught.value) == "e-mail, password or code is wrong"


def test_who_has_no_password_cannot_log_in(members):
    made = members.create("shop", "bob@shop.example", "Bob", "viewer")
    for guess in ("", "!", PASSWORD):
        with pytest.raises(AccessError):
            members.login("shop", "bob@shop.example", guess)
    members.set_password("shop", made["member_id"], PASSWORD)
    assert members.login("shop", "bob@shop.example", PASSWORD)


def test_who_fails_too_often_is_locked_out_with_the_right_password_too(members, ann):
    for _ in range(ATTEMPTS):
        with pytest.raises(AccessError):
            members.login("shop", "ann@shop.example", "wrong")
    with pytest.raises(LimitError) as caught:
        members.login("shop", "ann@shop.example", PASSWORD)
    assert 0 < caught.value.retry_after <= attempts.WINDOW_S
    failed = members.audit.rows("shop", action="member.login.failed")
    assert [row.target for row in failed] == [ann] * ATTEMPTS


def test_an_address_that_nobody_has_is_locked_out_alike(members):
    for _ in range(ATTEMPTS):
        with pytest.raises(AccessError):
            members.login("nobody", "x@shop.example", "wrong")
    with pytest.raises(LimitError):
        members.login("nobody", "x@shop.example", "wrong")
    with pytest.raises(AccessError):
        members.login("shop", "x@shop.example", "wrong")


def test_guesses_at_once_are_counted_each(members, ann):
    def guess(number):
        try:
            members.login("shop", "ann@shop.example", f"wrong {number}")
        except LimitError:
            return "locked"
        except AccessError:
            return "wrong"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(24)))
    assert outcomes.count("wrong") == ATTEMPTS


def test_the_lock_opens_with_the_next_window(members, ann, monkeypatch, store):
    for _ in range(ATTEMPTS):
        with pytest.raises(AccessError):
            members.login("shop", "ann@shop.example", "wrong")
    now = attempts.now_us()
    monkeypatch.setattr(attempts, "now_us", lambda: now + attempts.WINDOW_S * 1_000_000)
    assert members.login("shop", "ann@shop.example", PASSWORD)
    with store.reading() as connection:  # and old counters are gone
        assert connection.execute(sa.select(sa.func.count()).select_from(quotas)).scalar() == 0


def test_a_success_begins_the_count_anew(members, ann):
    for _ in range(3):
        for _ in range(ATTEMPTS - 1):
            with pytest.raises(AccessError):
                members.login("shop", "ann@shop.example", "wrong")
        assert members.login("shop", "ann@shop.example", PASSWORD)


def test_a_disabled_member_does_not_get_in(members, ann):
    bob = members.create("shop", "bob@shop.example", "Bob", "viewer", PASSWORD)["member_id"]
    assert members.update("shop", bob, disabled=True)["disabled_at"] is not None
    with pytest.raises(AccessError, match="is wrong"):
        members.login("shop", "bob@shop.example", PASSWORD)
    assert members.update("shop", bob, disabled=False)["disabled_at"] is None
    assert members.login("shop", "bob@shop.example", PASSWORD)


def test_a_new_password_ends_all_sessions(members, ann):
    session = members.login("shop", "ann@shop.example", PASSWORD)
    members.set_password("shop", ann, "another horse battery")
    with pytest.raises(AccessError):
        members.tokens.verify(session["access_token"])
    with pytest.raises(AccessError):
        members.login("shop", "ann@shop.example", PASSWORD)
    assert members.login("shop", "ann@shop.example", "another horse battery")


def test_members_change_their_password_by_proving_the_old_one(members, ann):
    with pytest.raises(AccessError):
        members.change_password("shop", ann, "wrong", "another horse battery")
    members.change_password("shop", ann, PASSWORD, "another horse battery")
    assert members.login("shop", "ann@shop.example", "another horse battery")
    for _ in range(ATTEMPTS):
        with pytest.raises(AccessError):
            members.change_password("shop", ann, "wrong", PASSWORD)
    with pytest.raises(LimitError):
        members.change_password("shop", ann, "another horse battery", PASSWORD)


_BAD = ("short", "x" * 1_001, "aaaaaaaaaaaaaaaa", "my-Password-2026", "annabelle 2026 !", "abcdefghijkl\ud800")


@pytest.mark.parametrize("bad", _BAD)
def test_a_password_that_would_be_guessed_is_refused(members, bad):
    with pytest.raises(BadInputError) as caught:
        members.create("shop", "Annabelle@shop.example", "Anna", "admin", bad)
    assert caught.value.field == "password"
    assert members.list("shop") == []


def test_one_password_on_two_keyboards(members, ann):
    members.set_password("shop", ann, "gru\u0308ne Wiese im Mai")
    assert members.login("shop", "ann@shop.example", "gr\u00fcne Wiese im Mai")


def test_a_hash_of_older_parameters_is_made_anew_at_login(members, ann, monkeypatch, store):
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    assert members.login("shop", "ann@shop.example", PASSWORD)
    with store.reading() as connection:
        assert "t=2" in connection.execute(sa.select(table.c.password)).scalar()
    assert members.login("shop", "ann@shop.example", PASSWORD)


# ---- second factor


def test_a_second_factor_is_asked_for_once_it_is_confirmed(members, ann):
    address = members.enable_totp("shop", ann)
    assert address.startswith("otpauth://totp/")
    assert members.login("shop", "ann@shop.example", PASSWORD)  # not yet confirmed
    assert members.get("shop", ann)["second_factor"] == "waiting"
    members.confirm_totp("shop", ann, pyotp.TOTP(_seed(address)).now())
    assert members.get("shop", ann)["second_factor"] == "on"
    with pytest.raises(AccessError, match="second factor"):
        members.login("shop", "ann@shop.example", PASSWORD)
    with pytest.raises(ConflictError):
        members.enable_totp("shop", ann)


def test_a_code_lets_in_once(members, ann):
    totp = _with_second_factor(members, ann)
    code = totp.now()
    assert members.login("shop", "ann@shop.example", PASSWORD, code)
    with pytest.raises(AccessError, match="is wrong"):
        members.login("shop", "ann@shop.example", PASSWORD, code)
    with pytest.raises(AccessError):  # nor does one before it
        members.login("shop", "ann@shop.example", PASSWORD, totp.at(time.time() - 30))


def test_a_code_that_comes_twice_at_once_lets_in_once(members, ann):
    code = _with_second_factor(members, ann).now()

    def login(_):
        try:
            return bool(members.login("shop", "ann@shop.example", PASSWORD, code))
        except AccessError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(login, range(ATTEMPTS - 1))) == 1


def test_the_confirming_code_does_not_log_in(members, ann):
    totp = pyotp.TOTP(_seed(members.enable_totp("shop", ann)))
    code = totp.now()
    members.confirm_totp("shop", ann, code)
    with pytest.raises(AccessError):
        members.login("shop", "ann@shop.example", PASSWORD, code)


def test_codes_cannot_be_guessed_by_asking_without_one_in_between(members, ann):
    _with_second_factor(members, ann)
    for _ in range(ATTEMPTS):
        with pytest.raises(AccessError, match="second factor is needed"):
            members.login("shop", "ann@shop.example", PASSWORD)
        with pytest.raises(AccessError, match="is wrong"):
            members.login("shop", "ann@shop.example", PASSWORD, "000000x")
    with pytest.raises(LimitError):
        members.login("shop", "ann@shop.example", PASSWORD, "000000x")


def test_a_lost_second_factor_is_taken_away(members, ann):
    totp = _with_second_factor(members, ann)
    session = members.login("shop", "ann@shop.example", PASSWORD, totp.now())
    members.disable_totp("shop", ann)
    with pytest.raises(AccessError):
        members.tokens.verify(session["access_token"])
    assert members.login("shop", "ann@shop.example", PASSWORD)


def test_the_seed_is_sealed_for_its_member(members, ann, store):
    seed = _seed(members.enable_totp("shop", ann))
    with store.reading() as connection:
        assert seed.encode() not in bytes(connection.execute(sa.select(table.c.totp)).scalar())


@given(seconds=st.integers(300, 10**10), offset=st.integers(-200, 200), behind=st.integers(0, 3))
def test_a_code_counts_in_its_period_and_the_ones_beside_it_and_only_after_the_last(seconds, offset, behind):
    seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    period, code_period = seconds // 30, max(0, seconds + offset) // 30
    found = code_number(seed, pyotp.TOTP(seed).generate_otp(code_period), period - behind, seconds)
    if abs(code_period - period) <= 1 and code_period > period - behind:
        assert found is not None
        assert period - behind < found <= period + 1
    elif abs(code_period - period) > 1:
        assert found is None or pyotp.TOTP(seed).generate_otp(found) == pyotp.TOTP(seed).generate_otp(code_period)


@pytest.mark.parametrize("code", ["", "12345", "é" * 6, "1234567", "\x00"])
def test_what_is_no_code_is_wrong(code):
    assert code_number("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", code, 0) is None


# ---- who is a member


def test_an_address_is_one_member_of_a_tenant_and_may_be_one_of_another(members, ann):
    with pytest.raises(ConflictError, match="already"):
        members.create("shop", "ANN@shop.example", "Ann", "viewer")
    assert members.create("other", "ann@shop.example", "Ann", "viewer")["role"] == "viewer"


def test_one_address_made_at_once_is_made_once(members):
    def make(_):
        try:
            return bool(members.create("shop", "bob@shop.example", "Bob", "viewer"))
        except ConflictError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(make, range(8))) == 1


def test_another_tenants_member_is_not_there(members, ann):
    for act in (
        lambda t, m: members.get(t, m),
        lambda t, m: members.update(t, m, role="viewer"),
        lambda t, m: members.set_password(t, m, PASSWORD),
        lambda t, m: members.change_password(t, m, PASSWORD, PASSWORD),
        lambda t, m: members.enable_totp(t, m),
        lambda t, m: members.disable_totp(t, m),
        lambda t, m: members.confirm_totp(t, m, "123456"),
    ):
        for tenant, member_id in (("other", ann), ("shop", "nobody"), ("shop", "\x00")):
            with pytest.raises(NotFoundError):
                act(tenant, member_id)
    assert members.list("other") == []
    with pytest.raises(NotFoundError):
        members.find("other", "ann@shop.example")


def test_the_last_admin_stays(members, ann):
    for change in ({"role": "viewer"}, {"disabled": True}):
        with pytest.raises(ConflictError, match="last admin"):
            members.update("shop", ann, **change)
    bob = members.create("shop", "bob@shop.example", "Bob", "admin")["member_id"]
    assert members.update("shop", ann, role="viewer")["role"] == "viewer"
    with pytest.raises(ConflictError, match="last admin"):
        members.update("shop", bob, disabled=True)


def test_two_admins_do_not_leave_at_once(members, ann):
    bob = members.create("shop", "bob@shop.example", "Bob", "admin")["member_id"]

    def leave(member_id):
        try:
            return bool(members.update("shop", member_id, role="viewer"))
        except ConflictError:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(leave, [ann, bob])) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "ann"}, "email"),
        ({"email": "a b@c"}, "email"),
        ({"email": "a@b\x00"}, "email"),
        ({"name": ""}, "name"),
        ({"role": "king"}, "role"),
        ({"role": "sender"}, "role"),
        ({"team": ""}, "team"),
        ({"password": "short"}, "password"),
    ],
)
def test_what_cannot_be_is_refused(members, given, field):
    with pytest.raises(BadInputError) as caught:
        members.create("shop", **({"email": "bob@shop.example", "name": "Bob", "role": "viewer"} | given))
    assert caught.value.field == field
    assert members.list("shop") == []


def test_changes_are_told_in_the_audit_without_names(members, ann):
    members.update("shop", ann, name="Ann Example", team="Growth", actor="operator")
    with pytest.raises(UnknownNameError):
        members.update("shop", ann, email="x@y")
    rows = members.audit.rows("shop")
    assert rows[0].detail == {"changed": ["name", "team"]}
    assert not any("ann" in str(row.detail).lower() for row in rows)
    assert members.audit.verify("shop") is None


@pytest.mark.parametrize("known_first", [True, False])
def test_a_stranger_waits_as_long_as_a_member(tenants, store, keyring, monkeypatch, known_first):
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=16_384))
    monkeypatch.setattr(attempts, "ATTEMPTS", 10_000)
    passwords._nobodys.cache_clear()
    members = Members(store, keyring)
    members.create("shop", "ann@shop.example", "Ann", "admin", PASSWORD)
    took = {"ann@shop.example": [], "bob@shop.example": []}
    for _ in range(15):
        for email in sorted(took, reverse=known_first):
            begun = time.perf_counter()
            with pytest.raises(AccessError):
                members.login("shop", email, "wrong")
            took[email].append(time.perf_counter() - begun)
    known, stranger = (statistics.median(took[email]) for email in sorted(took))
    assert 0.6 < stranger / known < 1.6
