"""Profiles kept piece by piece equal a full replay, whatever came when; merging and unmerging restores them."""

import itertools
import json
import threading

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from growthbench.base.clock import MINUTE_US, now_us
from growthbench.base.errors import ConflictError, NotFoundError
from growthbench.events.appending import append_rows
from growthbench.events.heads import lock_head
from growthbench.events.live import Event, checked
from growthbench.events.log import EventLog
from growthbench.features.shipped import CATALOGUE
from growthbench.people import links
from growthbench.people.directory import Directory, Ident
from growthbench.people.profile import read_profile
from growthbench.people.replay import kept, replay
from growthbench.people.sessions import IDLE_US, last_session
from growthbench.people.tail import Tail, write_pieces
from growthbench.store.group_commit import GroupCommit

NAMES = ("ann", "bob", "anonymous:c1", "anonymous:c2", "plain")
"""``plain`` is a person of a log without ids."""
PLAN = CATALOGUE.select(["page_views_30d", "active_days_30d", "sessions_30d", "mean_gap", "last_name", "plan"]).plan()
MOMENT = now_us() + 10**9
"""After everything that these tests do."""
_TENANTS = itertools.count()
QUICK = {"suppress_health_check": list(HealthCheck), "phases": (Phase.explicit, Phase.generate)}


class World:
    """A tenant of its own, written to as the Door would."""

    def __init__(self, store, keyring):
        self.store, self.keyring, self.tenant = store, keyring, f"t{next(_TENANTS)}"
        self.directory = Directory(store, keyring, self.tenant)
        self.tail = Tail(store, keyring, self.tenant)

    def send(self, *sent):
        """Events (who, event_id, timestamp, traits or None) in one transaction; live ones are sealed."""
        with self.store.writing() as connection:
            head = lock_head(connection, self.tenant)
            self.directory.check(head.people_version)
            rows = []
            for who, event_id, timestamp, traits in sent:
                name = "login" if traits is None else "identify"
                if who == "plain":
                    event = Event(
                        person=who, name=name, timestamp=timestamp, event_id=event_id, properties=traits or {}
                    )
                    rows.append(checked(event))
                    continue
                (person,) = self.directory.resolve(connection, [Ident.of(who)], head.seq + 1)
                row = checked(Event(person=person, name=name, timestamp=timestamp, event_id=event_id))
                key = self.directory.key(connection, person)
                row.sealed = key.seal(json.dumps({"type": name, "traits": traits}).encode())
                rows.append(row)
            return append_rows(connection, self.tenant, rows, head)

    def link(self, how, into, member):
        try:
            how(self.store, self.keyring, self.tenant, Ident.of(into), Ident.of(member))
        except (ConflictError, NotFoundError):
            return False
        return True

    def kept(self):
        return kept(self.store, self.keyring, self.tenant)

    def replayed(self):
        return replay(self.store, self.keyring, self.tenant)

    def features(self):
        """Every shipped feature of everybody, as of a moment after everything."""
        log = EventLog(self.store, self.tenant)
        people = log.people()
        with self.store.reading() as connection:
            found = PLAN.fetch(connection, self.tenant, people, MOMENT, log.horizon())
        return people, found

    def profile(self, name):
        return read_profile(self.store, self.keyring, self.tenant, Ident.of(name))


@pytest.fixture
def world(store, keyring):
    return World(store, keyring)


# Pauses of exactly as long as ends no session, and one longer; few people, so that their events meet.
TIMES = (0, 1, IDLE_US, IDLE_US + 1, 2 * IDLE_US, 2 * IDLE_US + 2, 3 * IDLE_US, 10 * MINUTE_US, 40 * MINUTE_US)
times = st.one_of(
    st.sampled_from(TIMES), st.sampled_from(TIMES), st.integers(0, 30 * 24 * 60).map(lambda i: i * MINUTE_US)
)
traits = st.one_of(
    st.none(),
    st.dictionaries(st.sampled_from(["tier", "é"]), st.sampled_from(["a", 1, 2, None, [1, {"x": 2}]]), max_size=2),
)
who = st.sampled_from(("ann", "ann", "ann", *NAMES))
event = st.tuples(who, st.integers(0, 60).map(lambda i: f"e{i}"), times, traits)
send = st.tuples(st.lists(event, min_size=1, max_size=3), st.sampled_from([0, 1, 2, 100]))
pair = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda p: p[0] != p[1])
link = st.tuples(st.sampled_from([links.merge, links.merge, links.unmerge]), pair)
step = st.one_of(*[send.map(lambda what: ("send", what))] * 3, link.map(lambda what: ("link", what)))


@given(steps=st.lists(step, min_size=8, max_size=25))
@settings(max_examples=40, **QUICK)
def test_profiles_kept_piece_by_piece_equal_a_replay(store, keyring, steps):
    keeps_up(World(store, keyring), steps)


@pytest.mark.proof("replay")
@given(steps=st.lists(step, min_size=8, max_size=40))
@settings(max_examples=1_000, **QUICK)
def test_profiles_kept_piece_by_piece_equal_a_replay_a_thousand_times(store, keyring, steps):
    keeps_up(World(store, keyring), steps)


def keeps_up(world, steps):
    for kind, what in steps:
        if kind == "link":
            world.link(what[0], *what[1])
            continue
        world.send(*what[0])
        if what[1]:
            world.tail.catch_up(what[1])
    expected = world.replayed()
    assert world.kept() == expected
    while world.tail.catch_up(7):
        pass
    assert world.kept() == expected


@given(sent=st.lists(event, min_size=2, max_size=25, unique_by=lambda e: e[1]), order=st.randoms())
@settings(max_examples=30, **QUICK)
def test_the_order_of_arrival_changes_nothing(store, keyring, sent, order):
    """But for traits told at the same instant, where the one heard last counts."""
    sent = [(who, eid, t + i, traits) for i, (who, eid, t, traits) in enumerate(sent)]
    shuffled = list(sent)
    order.shuffle(shuffled)
    found = []
    for arrival in (sent, shuffled):
        world = World(store, keyring)
        for one in [*arrival, *arrival[:5]]:  # some twice
            world.send(one)
            world.tail.catch_up()
        profiles = {}
        for who in {one[0] for one in sent}:
            told = world.profile(who)
            profiles[who] = told | {"session": {k: v for k, v in told["session"].items() if k != "session_id"}}
        found.append(profiles)
    assert found[0] == found[1]


@given(sent=st.lists(event, min_size=4, max_size=30))
@settings(max_examples=25, **QUICK)
def test_merging_and_unmerging_restores_everything(store, keyring, sent):
    world = World(store, keyring)
    half = len(sent) // 2
    world.send(*sent[:half])
    world.tail.catch_up()
    before, features = world.kept(), world.features()
    merged = [
        pair for pair in (("ann", "anonymous:c1"), ("bob", "ann"), ("bob", "plain")) if world.link(links.merge, *pair)
    ]
    world.tail.catch_up()
    for into, member in reversed(merged):
        assert world.link(links.unmerge, into, member)
    assert world.kept() == before
    assert world.features() == features
    world.send(*sent[half:])
    while world.tail.catch_up():
        pass
    assert world.kept() == world.replayed()


def test_a_profile_as_it_is_told(world):
    now = now_us()
    world.send(
        ("anonymous:c1", "a", now - 100 * MINUTE_US, None), ("ann", "b", now - 50 * MINUTE_US, {"tier": "pro", "x": 1})
    )
    world.send(
        ("ann", "c", now - 5 * MINUTE_US, {"x": None, "segment": "vip"}), ("ann", "d", now - 4 * MINUTE_US, None)
    )
    told = world.profile("ann")
    assert told["traits"] == {"tier": "pro", "segment": "vip"}
    assert told["segment"] == "vip"
    assert (told["user_id"], told["anonymous_ids"]) == ("ann", [])
    assert (told["session"]["events"], told["session"]["active"]) == (2, True)
    assert len(told["session"]["session_id"]) == 16
    links.merge(world.store, world.keyring, world.tenant, Ident("user", "ann"), Ident("anonymous", "c1"))
    merged = world.profile("anonymous:c1")
    assert merged == world.profile("ann")
    assert merged["anonymous_ids"] == ["c1"]
    assert merged["links"] == {"user_ids": ["ann"], "members": ["anonymous:c1"]}
    assert merged["first_seen"] < told["first_seen"]
    assert merged["session"] == told["session"]


def test_nobody_has_no_profile(world):
    with pytest.raises(NotFoundError, match="nothing is known"):
        world.profile("nobody")


def test_a_late_event_joins_two_sessions(world):
    for minute, expected in ((0, (0, 1)), (50, (50, 1)), (25, (0, 3)), (24, (0, 4)), (200, (200, 1)), (100, (200, 1))):
        world.send(("ann", f"e{minute}", minute * MINUTE_US, None))
        world.tail.catch_up()
        (found,) = world.kept().values()
        start, events = found["session"]
        assert (start // MINUTE_US, events) == expected


def test_a_session_ends_after_a_longer_pause():
    assert last_session([3 * IDLE_US, 2 * IDLE_US, IDLE_US - 1]) == (2 * IDLE_US, 2)
    assert last_session([]) == (0, 0)


def test_hooks_hear_who_changed(world):
    heard = []
    world.tail.hooks.append(lambda tenant, roots: heard.append((tenant, sorted(roots))))
    world.send(("plain", "a", 5, None))
    assert world.tail.catch_up() == 1
    assert world.tail.catch_up() == 0
    assert heard == [(world.tenant, ["plain"])]


def test_traits_lie_sealed_and_what_cannot_be_read_is_left_out(world):
    from sqlalchemy import select

    from growthbench.people.tables import profile_traits

    world.send(("ann", "a", 5, {"city": "Springfield", "": 1, "a\x00b": 2, "x" * 300: 3}))
    world.tail.catch_up()
    with world.store.reading() as connection:
        rows = connection.execute(select(profile_traits)).mappings().all()
    mine = [r for r in rows if r["tenant_id"] == world.tenant]
    assert [r["trait"] for r in mine] == ["city"]
    assert b"Springfield" not in bytes(mine[0]["value"])
    assert world.profile("ann")["traits"] == {"city": "Springfield"}


def test_several_readers_take_each_event_once(world):
    world.send(*((NAMES[i % 5], f"e{i}", i * MINUTE_US, {"n": i} if i % 3 == 0 else None) for i in range(300)))
    taken = []
    commits = GroupCommit(world.store, {"profiles": write_pieces})

    def read(commits):
        tail = Tail(world.store, world.keyring, world.tenant, commits=commits)
        while n := tail.catch_up(20):
            taken.append(n)

    threads = [threading.Thread(target=read, args=(how,)) for how in (None, None, commits, commits)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    commits.close()
    assert sum(taken) == 300
    assert world.kept() == world.replayed()


def test_a_log_whose_people_have_no_ids_has_profiles_too(store, keyring):
    EventLog(store).append([Event(person="x", name="identify", timestamp=5, properties={"tier": "pro"})])
    tail = Tail(store, keyring)
    assert tail.catch_up() == 1
    told = read_profile(store, keyring, "local", Ident("user", "x"))
    assert (told["user_id"], told["traits"]) == ("x", {"tier": "pro"})
