"""After a rotation the new key seals everything, and everything still opens."""

import pytest
import sqlalchemy as sa

from growthbench.base.errors import ConflictError
from growthbench.base.settings import Settings
from growthbench.operations.backup import back_up
from growthbench.operations.restore import restore
from growthbench.operations.rotation import SEALED, rotate
from growthbench.people.directory import Ident
from growthbench.people.export import export_person
from growthbench.people.quarantine import Quarantine
from growthbench.store.keyring import Keyring, fresh_key
from growthbench.store.keys import Keys
from growthbench.store.members import Members
from growthbench.store.message_tables import webhooks


@pytest.fixture
def sealed_everywhere(town):
    """A member with a second factor and a webhook, beside what the town has."""
    from growthbench.serving.webhooks import about_secret

    members = Members(town.store, town.keyring)
    member = members.create("local", "ann@example.org", "a long pass phrase 1", "admin")
    members.enable_totp("local", member["member_id"])
    secret = town.keyring.seal(b"[]", about_secret("local", "w1"))
    row = {"tenant_id": "local", "webhook_id": "w1", "url": "https://x", "topics": "scores", "secret": secret}
    with town.store.writing() as connection:
        connection.execute(sa.insert(webhooks).values(**row, created_at=1))
    return town


def keys_of(town):
    with town.store.reading() as connection:
        return {s.name: {Keyring.key_of(row[2]) for row in s.page(connection, None, 1000)} for s in SEALED}


def test_everything_is_sealed_anew_and_opens(sealed_everywhere):
    town = sealed_everywhere
    before = export_person(town.store, town.keyring, "local", Ident("user", "bob"))
    old = town.keyring.key_ids[0]
    done = rotate(town.store, town.keyring, town.home)
    assert done.key_id != old
    assert keys_of(town) == {s.name: {done.key_id} for s in SEALED}
    assert all(done.resealed.values())
    assert (done.older, done.idle) == ({}, [old])
    fresh = Keyring.open(town.home)
    again = export_person(town.store, fresh, "local", Ident("user", "bob"))
    assert again | {"exported_at": ""} == before | {"exported_at": ""}
    assert Quarantine(town.store, fresh, "local").count() == len(Quarantine(town.store, fresh, "local").listing()) == 3
    assert rotate(town.store, fresh, town.home, new_key=False).resealed == {s.name: 0 for s in SEALED}


def test_backups_from_before_a_rotation_can_be_restored_after_it(town):
    settings = Settings(town.home, town.url, "", town.home)
    made = back_up(settings)
    rotate(town.store, town.keyring, town.home)
    restore(settings, made.path, force=True)
    told = export_person(town.store, Keyring.open(town.home), "local", Ident("user", "bob"))
    assert told["events"][0]["sent"]["traits"]["plan"] == "pro"


def test_a_ring_of_the_environment_is_rotated_by_its_owner(town, monkeypatch):
    import base64

    inside = town.keyring._secrets
    text = ",".join(f"{k}:{base64.b64encode(v).decode()}" for k, v in inside.items())
    look = town.keyring.path.read_text()
    import json

    lookup = "lookup:" + json.loads(look)["lookup"]
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"{text},{lookup}")
    with pytest.raises(ConflictError, match="GROWTHBENCH_KEYRING"):
        rotate(town.store, Keyring.open(town.home), town.home)
    monkeypatch.setenv("GROWTHBENCH_KEYRING", f"{fresh_key()},{text},{lookup}")
    ring = Keyring.open(town.home)
    done = rotate(town.store, ring, town.home, new_key=False)
    assert done.idle == list(inside)
    assert keys_of(town)["people.sealed_key"] == {ring.key_ids[0]}


def test_keys_of_callers_work_across_a_rotation(town):
    keys = Keys(town.store, town.keyring)
    made = keys.create("local", "secret")
    rotate(town.store, town.keyring, town.home)
    assert Keys(town.store, Keyring.open(town.home)).find(made.key).tenant == "local"
