"""Ids lead to people and back; what is remembered never outlives what it was read from."""

import pytest
import sqlalchemy as sa

from growthbench.base.errors import GoneError
from growthbench.events.heads import lock_head
from growthbench.events.tables import log_heads
from growthbench.people.directory import MERGE, Directory, Ident
from growthbench.people.tables import identities, people

ANN, BOB, COOKIE = Ident("user", "ann"), Ident("user", "Bö 😀"), Ident("anonymous", "ann")


def resolve(directory, *idents):
    with directory.store.writing() as connection:
        head = lock_head(connection, directory.tenant)
        return directory.resolve(connection, idents, head.seq + 1)


def bump(store, by, tenant="local"):
    with store.writing() as connection:
        lock_head(connection, tenant)
        version = sa.update(log_heads).where(log_heads.c.tenant_id == tenant)
        connection.execute(version.values(people_version=log_heads.c.people_version + by))
        return lock_head(connection, tenant).people_version


def test_an_id_gets_one_person_for_ever(directory, keyring):
    assert directory.find([ANN, BOB]) == [None, None]
    made = resolve(directory, ANN, BOB, ANN, COOKIE)
    assert made[0] == made[2]
    assert len(set(made)) == 3
    again = Directory(directory.store, keyring)
    assert again.find([COOKIE, ANN, Ident("user", "eve"), BOB]) == [made[3], made[0], None, made[1]]
    assert resolve(again, BOB, ANN) == [made[1], made[0]]


def test_nothing_readable_lies_in_the_store(directory, store):
    (person,) = resolve(directory, BOB)
    with store.reading() as connection:
        rows = [tuple(r) for t in (identities, people) for r in connection.execute(sa.select(t))]
    assert "Bö" not in repr(rows)
    assert "B\\xc3\\xb6" not in repr(rows)
    assert person not in BOB.value


def test_outputs_call_people_by_their_user_id_else_by_their_anonymous_id(directory):
    ann, bob, cookie = resolve(directory, ANN, BOB, COOKIE)
    for _ in range(2):
        assert directory.user_ids([cookie, "plain", ann, bob]) == ["anonymous:ann", None, "ann", "Bö 😀"]
    assert [Ident.of(t) for t in ("ann", "anonymous:ann")] == [ANN, COOKIE]


def test_an_attached_id_belongs_to_its_person(directory, store):
    (ann,) = resolve(directory, ANN)
    with store.writing() as connection:
        lock_head(connection, "local")
        directory.attach(connection, [(COOKIE, ann)], 5)
        assert directory.find([COOKIE], connection) == [ann]
    assert directory.find([COOKIE]) == [ann]
    assert directory.user_ids([ann]) == ["ann"]


def test_a_rolled_back_person_is_not_remembered(directory, store):
    bump(store, 1)
    directory.check(1)
    with pytest.raises(RuntimeError), store.writing() as connection:
        lock_head(connection, "local")
        (lost,) = directory.resolve(connection, [ANN], 1)
        assert directory.find([ANN, BOB], connection) == [lost, None]
        assert directory.resolve(connection, [ANN], 1) == [lost]
        raise RuntimeError
    assert directory.find([ANN]) == [None]
    (person,) = resolve(directory, ANN)
    assert person != lost
    assert directory.find([ANN]) == [person]


def test_what_is_remembered_needs_no_store(directory, store):
    (ann,) = resolve(directory, ANN)
    directory.find([ANN])
    directory.roots([ann])
    directory.user_ids([ann])
    directory.store = None
    assert directory.find([ANN]) == [ann]
    assert directory.roots([ann]) == [ann]
    assert directory.user_ids([ann]) == ["ann"]


def test_a_merge_forgets_roots_and_an_erasure_everything(directory, store):
    ann, bob = resolve(directory, ANN, BOB)
    assert directory.roots([ann, bob, "plain"]) == [ann, bob, "plain"]
    directory.find([ANN])
    with store.writing() as connection:
        connection.execute(sa.update(people).where(people.c.person == bob).values(merged_into=ann))
    version = bump(store, MERGE)
    assert directory.roots([bob]) == [bob]  # remembered until somebody who read the head says so
    directory.check(version)
    assert directory.roots([bob]) == [ann]
    assert directory.user_ids([ann, bob]) == ["ann", "Bö 😀"]

    with store.writing() as connection:
        connection.execute(sa.delete(identities).where(identities.c.person == ann))
        directory.vault.delete(connection, [ann])
    assert directory.find([ANN]) == [ann]
    directory.check(bump(store, 1))
    assert directory.find([ANN]) == [None]
    assert directory.user_ids([ann]) == ["Bö 😀"]
    with store.reading() as connection, pytest.raises(GoneError):
        directory.key(connection, ann)


def test_what_an_old_snapshot_reads_is_not_remembered(directory, store):
    (ann,) = resolve(directory, ANN)
    with store.reading() as old:
        assert old.execute(sa.select(sa.func.count()).select_from(identities)).scalar() == 1
        with store.writing() as connection:
            connection.execute(sa.delete(identities))
        directory.check(bump(store, 1))
        assert directory.find([ANN], old) == [ann]
    assert directory.find([ANN]) == [None]


def test_tenants_share_nothing(directory, store, keyring):
    other = Directory(store, keyring, "other")
    (ann,) = resolve(directory, ANN)
    assert other.find([ANN]) == [None]
    assert resolve(other, ANN) != [ann]
    assert other.user_ids([ann]) == [None]
    with store.reading() as connection:
        assert other.keys(connection, [ann]) == {}


def test_many_ids_at_once(directory, keyring):
    idents = [Ident("user", f"u{i}") for i in range(3_000)]
    made = resolve(directory, *idents)
    assert len(set(made)) == 3_000
    again = Directory(directory.store, keyring, remember=100)
    assert again.find(idents) == made
    assert again.user_ids(made) == [i.value for i in idents]
    assert len(again._persons) <= 100


def test_a_sealed_text_opens_with_its_own_key_only(directory, store):
    from growthbench.store.keyring import KeyringError

    ann, bob = resolve(directory, ANN, BOB)
    with store.reading() as connection:
        keys = directory.keys(connection, [ann, bob])
        sealed = directory.key(connection, ann).seal(b"hello")
    assert keys[ann].unseal(sealed) == b"hello"
    with pytest.raises(KeyringError):
        keys[bob].unseal(sealed)
    with pytest.raises(KeyringError):
        keys[ann].unseal(sealed[:5])
