import hashlib
import re

import pytest
import sqlalchemy as sa

from growthbench.base.errors import AccessError, BadInputError, ConflictError, NotFoundError, UnknownNameError
from growthbench.store import keys as module
from growthbench.store.callers import Caller
from growthbench.store.keys import Keys
from growthbench.store.tenant_tables import api_keys


@pytest.fixture
def keys(tenants):
    return tenants.keys


def test_a_key_says_whose_it_is_and_what_it_may(keys):
    write, secret = keys.create("shop", "write", "site"), keys.create("shop", "secret")
    assert re.fullmatch(r"gbw_[0-9a-f]{24}_[A-Za-z0-9_-]{43}", write.key)
    assert secret.key.startswith(f"gbs_{secret.key_id}_")
    assert keys.find(write.key) == Caller("shop", "key", write.key_id, "sender", "free")
    assert keys.find(secret.key) == Caller("shop", "key", secret.key_id, "service", "free")
    assert not keys.find(write.key).may("scores:read")


def test_only_the_hash_and_a_sealed_secret_are_kept(keys, store):
    new = keys.create("shop", "secret")
    with store.reading() as connection:
        row = connection.execute(sa.select(api_keys)).mappings().one()
    kept = " ".join(str(v) for v in row.values())
    assert new.key.rsplit("_", 1)[1] not in kept
    assert new.signing_secret not in kept
    assert row["hash"] == hashlib.sha256(new.key.encode()).hexdigest()
    assert (
        keys.look(new.key).signing_secret == keys.look_by_id(new.key_id).signing_secret == new.signing_secret.encode()
    )


def test_a_key_with_another_secret_is_refused_like_an_unknown_one(keys):
    one, two = keys.create("shop", "secret"), keys.create("shop", "secret")
    forged = one.key[:29] + two.key[29:]
    words = set()
    for text in (forged, "gbs_" + "0" * 24 + one.key[28:], one.key.replace("gbs", "gbw")):
        with pytest.raises(AccessError) as caught:
            keys.find(text)
        words.add(str(caught.value))
    assert len(words) == 1


@pytest.mark.parametrize("text", ["", "gbs_", "x" * 72, "gbs_\x00", "gbx_" + "0" * 24 + "_" + "a" * 43])
def test_what_is_no_key_is_refused(keys, text):
    with pytest.raises(AccessError, match="not a key"):
        keys.find(text)


def test_a_revoked_key_counts_no_more(keys):
    new = keys.create("shop", "write")
    keys.revoke("shop", new.key_id)
    for look, given in ((keys.find, new.key), (keys.look_by_id, new.key_id)):
        with pytest.raises(AccessError):
            look(given)
    keys.revoke("shop", new.key_id)
    assert [row.action for row in keys.audit.rows("shop", limit=2)] == ["key.revoked", "key.created"]


def test_a_rotated_key_lives_on_for_its_grace(keys, monkeypatch):
    old = keys.create("shop", "write", "site")
    new = keys.rotate("shop", old.key_id, grace_s=60)
    assert (new.kind, new.label) == ("write", "site")
    assert keys.find(old.key)
    assert keys.find(new.key)
    assert keys.look(old.key).until == keys.list("shop")[0]["revoked_at"]
    assert keys.list("shop")[1]["replaces"] == old.key_id
    now = module.now_us()
    monkeypatch.setattr(module, "now_us", lambda: now + 61_000_000)
    assert keys.find(new.key)
    with pytest.raises(AccessError):
        keys.find(old.key)


def test_a_rotation_without_grace_ends_the_old_key_now(keys):
    old = keys.create("shop", "write")
    keys.rotate("shop", old.key_id, grace_s=0)
    with pytest.raises(AccessError):
        keys.find(old.key)
    with pytest.raises(ConflictError, match="already"):
        keys.rotate("shop", old.key_id)


def test_a_rotated_key_can_still_be_revoked_at_once(keys):
    old = keys.create("shop", "write")
    keys.rotate("shop", old.key_id)
    keys.revoke("shop", old.key_id)
    with pytest.raises(AccessError):
        keys.find(old.key)


@pytest.mark.parametrize("act", [Keys.rotate, Keys.revoke])
def test_another_tenants_key_is_not_there(keys, act):
    new = keys.create("shop", "write")
    for tenant, key_id in (("other", new.key_id), ("shop", "0" * 24), ("shop", "\x00")):
        with pytest.raises(NotFoundError, match="no key"):
            act(keys, tenant, key_id)
    assert keys.find(new.key)
    assert keys.list("other") == []


def test_what_cannot_be_is_refused(keys):
    with pytest.raises(UnknownNameError, match="kind of key"):
        keys.create("shop", "admin")
    with pytest.raises(BadInputError, match="label"):
        keys.create("shop", "write", "x" * 201)
    with pytest.raises(BadInputError, match="control characters"):
        keys.create("shop", "write", "a\x00")
    with pytest.raises(NotFoundError, match="tenant"):
        keys.create("nobody", "write")
    with pytest.raises(BadInputError, match="grace_s"):
        keys.rotate("shop", keys.create("shop", "write").key_id, grace_s=-1)


def test_the_list_tells_nothing_secret(keys):
    keys.create("shop", "write", "site")
    (told,) = keys.list("shop")
    assert set(told) == {"key_id", "kind", "label", "created_at", "revoked_at", "replaces"}


def test_the_audit_is_whole_after_everything(keys):
    new = keys.create("shop", "write", actor="member_1")
    keys.revoke("shop", keys.rotate("shop", new.key_id).key_id)
    assert keys.audit.verify("shop") is None
    assert keys.audit.rows("shop", action="key.created")[-1].actor == "member_1"
