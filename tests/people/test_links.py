"""Merges and unmerges: guarded, flat, reversible."""

import pytest
import sqlalchemy as sa

from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.events.heads import lock_head, read_head
from growthbench.events.live import Event
from growthbench.events.log import EventLog
from growthbench.people import links
from growthbench.people.directory import Directory, Ident
from growthbench.people.tables import links as table
from growthbench.people.tables import people

USERS = {name: Ident("user", name) for name in ("ann", "bob", "eve")}
COOKIES = {name: Ident("anonymous", name) for name in ("c1", "c2", "c3")}
IDS = USERS | COOKIES


@pytest.fixture
def persons(directory):
    """Person of each name."""
    with directory.store.writing() as connection:
        lock_head(connection, "local")
        return dict(zip(IDS, directory.resolve(connection, list(IDS.values()), 1)))


@pytest.fixture
def merge(store, keyring):
    return lambda into, member: links.merge(store, keyring, "local", IDS[into], IDS[member])


@pytest.fixture
def unmerge(store, keyring):
    return lambda into, member: links.unmerge(store, keyring, "local", IDS[into], IDS[member])


def by_event(store, person, member, tenant="local"):
    with store.writing() as connection:
        head = lock_head(connection, tenant)
        return links.merge_in(connection, tenant, person, member, head.seq, head.received_at, "identify")


def roots(store, keyring, persons):
    names = {person: name for name, person in persons.items()}
    found = Directory(store, keyring).roots(list(persons.values()))
    return {name: names[root] for name, root in zip(persons, found)}


def open_links(store):
    with store.reading() as connection:
        rows = connection.execute(sa.select(table.c.person, table.c.member).where(table.c.until_seq.is_(None)))
        return sorted(tuple(r) for r in rows)


def state(store):
    with store.reading() as connection:
        whose = connection.execute(sa.select(people.c.person, people.c.merged_into).order_by(people.c.person)).all()
    return open_links(store), whose


def test_a_merge_has_a_number_and_tells_everybody(store, merge, persons):
    EventLog(store).append([Event(person="x", name="login", timestamp=5)])
    with store.reading() as connection:
        before = read_head(connection, "local")
    assert merge("ann", "c1") == {"into": "ann", "member": "anonymous:c1", "members": 1, "seq": 2}
    with store.reading() as connection:
        after = read_head(connection, "local")
        (row,) = connection.execute(sa.select(table)).all()
    assert (row.person, row.member, row.seq) == (persons["ann"], persons["c1"], 2)
    assert after.seq == 2
    assert after.received_at == row.received_at >= before.received_at
    assert after.people_version > before.people_version
    assert EventLog(store).append([Event(person="x", name="login", timestamp=6)]).horizon == 3


def test_members_of_a_member_move_along_and_back(store, keyring, merge, unmerge, persons):
    merge("eve", "c1")
    merge("eve", "c2")
    before = state(store)
    merge("ann", "eve")
    assert set(roots(store, keyring, persons).values()) == {"ann", "bob", "c3"}
    assert len(open_links(store)) == 2 + 3
    assert unmerge("ann", "eve")["members"] == 0
    assert state(store) == before
    assert roots(store, keyring, persons) == {"ann": "ann", "bob": "bob", "eve": "eve", "c1": "eve", "c2": "eve",
                                              "c3": "c3"}  # fmt: skip


def test_one_of_a_members_members_leaves_both(store, keyring, merge, unmerge, persons):
    merge("eve", "c1")
    merge("ann", "eve")
    unmerge("ann", "c1")
    assert open_links(store) == [(persons["ann"], persons["eve"])]
    assert roots(store, keyring, persons)["c1"] == "c1"


def test_an_event_never_makes_two_users_one(store, persons, merge):
    assert not by_event(store, persons["ann"], persons["bob"])
    assert by_event(store, persons["bob"], persons["c1"])
    assert not by_event(store, persons["ann"], persons["c1"])
    assert not by_event(store, persons["bob"], persons["c1"])
    assert open_links(store) == [(persons["bob"], persons["c1"])]
    merge("ann", "bob")  # asked for by somebody who may
    assert by_event(store, persons["c1"], persons["c2"])  # by their roots
    assert (persons["ann"], persons["c2"]) in open_links(store)


def test_what_was_taken_apart_is_not_joined_by_events(store, persons, merge, unmerge):
    assert by_event(store, persons["ann"], persons["c1"])
    unmerge("ann", "c1")
    assert not by_event(store, persons["ann"], persons["c1"])
    assert by_event(store, persons["bob"], persons["c1"])
    unmerge("bob", "c1")
    merge("ann", "c1")
    assert open_links(store) == [(persons["ann"], persons["c1"])]


def test_a_person_has_a_limit_of_members(store, directory, persons, monkeypatch, merge):
    monkeypatch.setattr(links, "MOST_MEMBERS", 2)
    merge("bob", "c3")
    assert by_event(store, persons["ann"], persons["c1"])
    assert not by_event(store, persons["ann"], persons["bob"])
    merge("ann", "c2")
    with pytest.raises(ConflictError, match="at most 2"):
        merge("ann", "bob")


@pytest.mark.parametrize(
    ("into", "member", "error"),
    [
        ("ann", "ann", BadInputError),
        ("ann", "c1", ConflictError),
        ("c1", "ann", ConflictError),
    ],
)
def test_senseless_merges_are_refused(merge, persons, into, member, error):
    merge("ann", "c1")
    with pytest.raises(error):
        merge(into, member)


def test_unmerging_what_is_not_merged_is_refused(merge, unmerge, persons):
    merge("ann", "c1")
    for pair in (("ann", "c2"), ("c1", "ann"), ("bob", "c1")):
        with pytest.raises(ConflictError):
            unmerge(*pair)


def test_ids_that_nobody_has_are_refused(store, keyring, persons):
    with pytest.raises(NotFoundError, match="member"):
        links.merge(store, keyring, "local", IDS["ann"], Ident("anonymous", "nobody"))
    with pytest.raises(NotFoundError, match="into"):
        links.merge(store, keyring, "other", IDS["ann"], IDS["c1"])


def test_an_attached_id_cannot_be_taken_off(store, keyring, directory, persons):
    with store.writing() as connection:
        lock_head(connection, "local")
        directory.attach(connection, [(Ident("anonymous", "own"), persons["ann"])], 1)
    with pytest.raises(ConflictError, match="no merge"):
        links.unmerge(store, keyring, "local", IDS["ann"], Ident("anonymous", "own"))


def test_people_of_a_log_without_ids_are_merged_by_their_keys(store, keyring):
    EventLog(store).append([Event(person=p, name="login", timestamp=5) for p in ("x", "y")])
    links.merge(store, keyring, "local", Ident("user", "x"), Ident("user", "y"))
    assert Directory(store, keyring).roots(["y", "x"]) == ["x", "x"]
    links.unmerge(store, keyring, "local", Ident("user", "x"), Ident("user", "y"))
    assert Directory(store, keyring).roots(["y", "x"]) == ["y", "x"]
