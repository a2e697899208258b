import base64
import json

import jwt
import pytest

from growthbench.base.errors import AccessError
from growthbench.store import tokens as module
from growthbench.store.callers import Caller
from growthbench.store.members import Members
from growthbench.store.tokens import ACCESS_S, REFRESH_S, SESSION_S, Tokens


@pytest.fixture
def tokens(store, keyring):
    return Tokens(store, keyring)


@pytest.fixture
def ann(tenants, store, keyring):
    made = Members(store, keyring).create("shop", "ann@shop.example", "Ann", "analyst")
    return Caller("shop", "member", made["member_id"], "analyst", "free")


def _later(monkeypatch, seconds):
    now = module.now_us()
    monkeypatch.setattr(module, "now_us", lambda: now + int(seconds * 1_000_000))


def _claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def _forged(token, keyring, header=None, **claims):
    """The token with other claims, signed with the right key."""
    content = {k: v for k, v in (_claims(token) | claims).items() if v is not None}
    return jwt.encode(content, keyring.derived("tokens"), "HS256", headers=header or {"kid": keyring.key_ids[0]})


def test_a_token_says_whose_it_is(tokens, ann):
    found = tokens.verify(tokens.issue(ann))
    assert found.caller == ann
    assert 0 < found.until - module.now_us() <= ACCESS_S * 1_000_000


def test_the_role_and_plan_are_those_of_now(tokens, ann, store, keyring, tenants):
    token = tokens.issue(Caller("shop", "member", ann.caller_id, "admin", "local"))
    assert tokens.verify(token).caller == ann
    Members(store, keyring).update("shop", ann.caller_id, role="viewer")
    tenants.update("shop", plan="pro")
    assert tokens.verify(token).caller == Caller("shop", "member", ann.caller_id, "viewer", "pro")


def test_every_altered_part_is_noticed(tokens, ann):
    token = tokens.issue(ann)
    for part in range(3):
        parts = token.split(".")
        raw = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
        raw[len(raw) // 2] ^= 1
        parts[part] = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
        with pytest.raises(AccessError):
            tokens.verify(".".join(parts))


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_the_algorithm_is_ours_whatever_a_token_says(tokens, ann, keyring, algorithm):
    claims = _claims(tokens.issue(ann))
    key = None if algorithm == "none" else keyring.derived("tokens").ljust(64, b"\0")
    forged = jwt.encode(claims, key, algorithm, headers={"kid": keyring.key_ids[0]})
    with pytest.raises(AccessError):
        tokens.verify(forged)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "refresh"}, {"aud": ["access"]}, {"iss": "other"}, {"exp": 1}, {"ten": "other"}, {"sub": "member_0"},
        {"kin": "key"}, {"jti": None}, {"exp": None}, {"sub": None}, {"iss": None}, {"aud": None}, {"iat": None},
        {"iat": 4_000_000_000},
    ],
)  # fmt: skip
def test_a_token_with_other_claims_is_refused_even_if_signed(tokens, ann, keyring, claims):
    token = tokens.issue(ann)
    assert tokens.verify(_forged(token, keyring)).caller == ann
    with pytest.raises(AccessError):
        tokens.verify(_forged(token, keyring, **claims))


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "é", "\x00", "e30.e30.", ".." * 9])
def test_rubbish_is_refused(tokens, text):
    with pytest.raises(AccessError):
        tokens.verify(text)


@pytest.mark.parametrize("header", [{}, {"kid": "nobody"}, {"kid": 7}])
def test_a_token_must_name_a_key_of_the_ring(tokens, ann, keyring, header):
    body = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT", **header}).encode()).rstrip(b"=").decode()
    with pytest.raises(AccessError):
        tokens.verify(".".join([body, *tokens.issue(ann).split(".")[1:]]))


def test_a_token_outlives_the_rotation_of_the_ring(tokens, ann, keyring):
    token = tokens.issue(ann)
    new_id = keyring.rotate()
    assert tokens.verify(token).caller == ann
    assert jwt.get_unverified_header(tokens.issue(ann))["kid"] == new_id


def test_a_revoked_token_counts_no_more_and_others_do(tokens, ann):
    one, two = tokens.issue(ann), tokens.issue(ann)
    assert tokens.revoke(one).caller_id == ann.caller_id
    with pytest.raises(AccessError):
        tokens.verify(one)
    assert tokens.verify(two).caller == ann
    assert tokens.revoke(one) is None
    assert tokens.revoke("rubbish") is None


def test_everything_of_a_member_can_be_revoked_and_what_comes_after_counts(tokens, ann, store):
    old = tokens.issue(ann)
    with store.writing() as connection:
        tokens.revoke_all_in(connection, "shop", "member", ann.caller_id)
    with pytest.raises(AccessError):
        tokens.verify(old)
    assert tokens.verify(tokens.issue(ann)).caller == ann


def test_a_session_is_refreshed_once_by_each_token(tokens, ann):
    first = tokens.session(ann)
    second = tokens.refresh(first["refresh_token"])
    assert tokens.verify(second["access_token"]).caller == ann
    with pytest.raises(AccessError):
        tokens.refresh(first["refresh_token"])
    for token in (first["access_token"], second["access_token"]):  # it was copied: everybody must log in again
        with pytest.raises(AccessError):
            tokens.verify(token)
    with pytest.raises(AccessError):
        tokens.refresh(second["refresh_token"])


def test_an_access_token_refreshes_nothing_and_a_refresh_token_opens_nothing(tokens, ann):
    session = tokens.session(ann)
    with pytest.raises(AccessError):
        tokens.refresh(session["access_token"])
    with pytest.raises(AccessError):
        tokens.verify(session["refresh_token"])


def test_a_session_ends_however_often_it_is_refreshed(tokens, ann):
    began = module.now_us() - (SESSION_S - 100) * 1_000_000
    claims = _claims(tokens.session(ann, began)["refresh_token"])
    assert 98 <= claims["exp"] - claims["iat"] <= 100
    claims = _claims(tokens.session(ann)["refresh_token"])
    assert claims["exp"] - claims["iat"] == pytest.approx(REFRESH_S, abs=1)
    refreshed = _claims(tokens.refresh(tokens.session(ann, began)["refresh_token"])["refresh_token"])
    assert refreshed["ses"] == began


def test_a_disabled_members_tokens_end(tokens, ann, store, keyring):
    session = tokens.session(ann)
    Members(store, keyring).update("shop", ann.caller_id, disabled=True)
    with pytest.raises(AccessError):
        tokens.verify(session["access_token"])
    with pytest.raises(AccessError):
        tokens.refresh(session["refresh_token"])


def test_a_keys_token_ends_with_its_key(tokens, tenants):
    new = tenants.keys.create("shop", "write")
    token = tokens.issue(tenants.keys.find(new.key))
    assert tokens.verify(token).caller == Caller("shop", "key", new.key_id, "sender", "free")
    tenants.keys.revoke("shop", new.key_id)
    with pytest.raises(AccessError):
        tokens.verify(token)


def test_the_list_forgets_what_would_have_expired_anyway(tokens, ann, store, monkeypatch):
    import sqlalchemy as sa

    from growthbench.store.tenant_tables import revoked_tokens

    tokens.revoke(tokens.issue(ann))
    late = tokens.issue(ann, lifetime_s=7_200)
    _later(monkeypatch, ACCESS_S + 2)
    tokens.revoke(late)
    with store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(revoked_tokens)).scalar() == 1
