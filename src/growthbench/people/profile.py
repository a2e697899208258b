"""What is known about a person at a glance: ids, traits, first and last seen, the current session.

A profile is a pure function of the person's events and links, whatever order they came in. It is kept by `people.tail`
as far as that has read, and brought up to the last event whenever it is asked for; nobody ever sees an old one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import NotFoundError
from growthbench.events.heads import Head, read_head
from growthbench.people.bulk import each_with, rows_of, rows_with
from growthbench.people.directory import Directory, Ident, called
from growthbench.people.sessions import IDLE_US, last_session, session_id
from growthbench.people.vault import PersonKey
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring, KeyringError

READER = "profile"
"""Name of the reader in ``tail_heads`` that keeps the profiles."""
_LONGEST_NAME = 200


class Facts(NamedTuple):
    """What the times of a person's events tell; times in UTC µs, ``seq`` of the newest entry of the log among them."""

    first_seen: int
    last_seen: int
    session_start: int
    session_events: int
    events: int
    seq: int


@dataclass(slots=True)
class Told:
    """New events of one person: ``times``, the highest ``seq``, and of each trait the newest (timestamp, seq, JSON)."""

    times: list[int] = field(default_factory=list)
    seq: int = 0
    traits: dict[str, tuple[int, int, bytes]] = field(default_factory=dict)


Event = tuple[str, int, int, bytes | None, str | None]
"""A row of the log as profiles read it: person, timestamp, seq, and for an ``identify`` sealed and plain properties."""


def advanced(facts: Facts | None, told: Told, read: Callable[[], Iterable[int]], idle_us: int = IDLE_US) -> Facts:
    """Facts after some more events, which may have happened at any time.

    Parameters
    ----------
    facts : Facts, optional
        Before them; None for somebody without events.
    read : callable
        Gives the times of all events, these included, newest first; asked only when a late event may have joined the
        current session to an earlier one.
    """
    times = told.times
    if len(times) > 1:
        times = sorted(times)
    if facts is None:
        start, events = last_session(reversed(times), idle_us)
        return Facts(times[0], times[-1], start, events, len(times), told.seq)
    last, start, events, joined = facts.last_seen, facts.session_start, facts.session_events, False
    for time in times:
        if time > last + idle_us:
            start, events, joined = time, 1, False
        elif time >= start:
            events += 1
        elif time >= start - idle_us:
            joined = True
        last = max(last, time)
    if joined:
        start, events = last_session(read(), idle_us)
    first, total = min(facts.first_seen, times[0]), facts.events + len(times)
    return Facts(first, last, start, events, total, max(facts.seq, told.seq))


def gathered(rows: Iterable[Event], roots: dict[str, str], keys: dict[str, PersonKey]) -> dict[str, Told]:
    """Events by the root of their person."""
    found: dict[str, Told] = {}
    for person, timestamp, seq, sealed, properties in rows:
        root = roots[person]
        told = found.get(root)
        if told is None:
            told = found[root] = Told()
        told.times.append(timestamp)
        if seq > told.seq:
            told.seq = seq
        if sealed is not None or properties is not None:
            for name, value in traits_of(keys.get(person), sealed, properties).items():
                known = told.traits.get(name)
                if known is None or (timestamp, seq) > known[:2]:
                    told.traits[name] = (timestamp, seq, msgspec.json.encode(value))
    return found


def traits_of(key: PersonKey | None, sealed: bytes | None, properties: str | None) -> dict[str, Any]:
    """Traits that an ``identify`` tells; none where nothing can be read (any more)."""
    try:
        if sealed is not None:
            message = msgspec.json.decode(key.unseal(sealed)) if key is not None else {}
            given = message.get("traits") if isinstance(message, dict) else None
        else:
            given = msgspec.json.decode(properties)
    except (KeyringError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return {k: v for k, v in given.items() if _may_be_a_name(k)} if isinstance(given, dict) else {}


def _may_be_a_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_NAME and "\x00" not in text and text.isprintable()


def read_profile(
    store: Store, keyring: Keyring, tenant: str, ident: Ident, directory: Directory | None = None
) -> dict[str, Any]:
    """The profile of whoever has an id, up to the last event of the log.

    Raises
    ------
    NotFoundError
        Nobody has the id, or nothing was ever heard of them.
    """
    directory = directory or Directory(store, keyring, tenant)
    with store.reading() as connection:
        directory.check((read_head(connection, tenant) or Head()).people_version)
        (root,) = called(directory, [str(ident)], connection)
        found = current(connection, directory, root)
        if found is None:
            raise NotFoundError(f"nothing is known of {str(ident)!r}")
        facts, traits = found
        ids, members = _ids(connection, directory, root)
    shown = {name: msgspec.json.decode(traits[name][2]) for name in sorted(traits)}
    shown = {name: value for name, value in shown.items() if value is not None}  # told to be forgotten
    return {
        "user_id": ids["user"][0] if ids["user"] else None if ids["anonymous"] else root,
        "anonymous_ids": ids["anonymous"],
        "traits": shown,
        "first_seen": to_iso(facts.first_seen),
        "last_seen": to_iso(facts.last_seen),
        "session": {
            "session_id": session_id(root, facts.session_start),
            "started_at": to_iso(facts.session_start),
            "events": facts.session_events,
            "active": now_us() - facts.last_seen <= IDLE_US,
        },
        "segment": shown.get("segment"),
        "links": {"user_ids": ids["user"], "members": members},
    }


def current(
    connection: Connection, directory: Directory, root: str
) -> tuple[Facts, dict[str, tuple[int, int, bytes]]] | None:
    """Facts and traits of a root as of the transaction's snapshot: as kept, and what has been heard since."""
    tenant = directory.tenant
    kept = kept_facts(connection, tenant, [root]).get(root)
    traits = kept_traits(connection, directory, [root]).get(root, {}) if kept else {}
    persons = [root, *members_of(connection, tenant, [root])]
    rows = events_of(connection, tenant, persons, tail_head(connection, tenant) if kept else 0)
    if not rows:
        return (kept, traits) if kept else None
    told = gathered(rows, dict.fromkeys(persons, root), directory.keys(connection, persons))[root]
    facts = advanced(kept, told, lambda: times_of(connection, tenant, persons))
    return facts, newest(traits, told.traits)


def newest(one: dict, other: dict) -> dict[str, tuple[int, int, bytes]]:
    """Of each trait the newest of two by (timestamp, seq)."""
    found = dict(one)
    for name, value in other.items():
        if name not in found or value[:2] > found[name][:2]:
            found[name] = value
    return found


def kept_facts(connection: Connection, tenant: str, roots: Sequence[str]) -> dict[str, Facts]:
    """Facts as the tail left them."""
    rows = rows_of(connection, _FACTS, tenant, roots)
    return {row[0]: Facts._make(row[1:]) for row in rows}


def kept_traits(connection: Connection, directory: Directory, roots: Sequence[str]) -> dict[str, dict]:
    """Traits as the tail left them."""
    keys = directory.keys(connection, roots)
    found: dict[str, dict] = {}
    for person, trait, value, timestamp, seq in rows_of(connection, _TRAITS, directory.tenant, roots):
        if person in keys:
            found.setdefault(person, {})[trait] = (timestamp, seq, keys[person].unseal(value))
    return found


def tail_head(connection: Connection, tenant: str) -> int:
    """The last ``seq`` that the tail has read."""
    rows = rows_with(connection, _HEAD, tenant, READER)
    return rows[0][0] if rows else 0


def members_of(connection: Connection, tenant: str, roots: Sequence[str]) -> dict[str, str]:
    """Root of each person that belongs to one of the roots, without themselves."""
    return dict(rows_of(connection, _MEMBERS, tenant, roots))


def events_of(connection: Connection, tenant: str, persons: Sequence[str], after: int) -> list[Event]:
    """Events of people with a higher ``seq``."""
    return rows_of(connection, _OF_PEOPLE, tenant, persons, after)


def heard_before(connection: Connection, tenant: str, persons: Sequence[str], seq: int) -> list[str]:
    """Those of some people who have events up to a number."""
    return [row[0] for row in rows_of(connection, _HEARD, tenant, persons, seq)]


def times_of(connection: Connection, tenant: str, persons: Sequence[str], upto: int = 2**62) -> Iterator[int]:
    """Times of people's events, newest first; of one person no more is read than is taken."""
    if len(persons) == 1:
        return (row[0] for row in each_with(connection, _TIMES_OF_ONE, tenant, upto, persons[0]))
    return (row[0] for row in rows_of(connection, _TIMES, tenant, persons, upto))


def _ids(connection: Connection, directory: Directory, root: str) -> tuple[dict[str, list[str]], list[str]]:
    """User and anonymous ids of a root and its members, in the order they became known; how members are called."""
    members = sorted(members_of(connection, directory.tenant, [root]))
    persons = [root, *members]
    keys, ids = directory.keys(connection, persons), {"user": [], "anonymous": []}
    rows = rows_of(connection, _IDS, directory.tenant, persons)
    for person, kind, sealed, *_ in sorted(rows, key=lambda r: (r[0] != root, r[3], r[4])):
        if person in keys and kind in ids:
            ids[kind].append(keys[person].unseal(sealed).decode())
    names = directory.user_ids(members, connection)
    return ids, [name or member for name, member in zip(names, members)]


EVENT = (
    "e.person, e.timestamp, e.seq, CASE WHEN e.name = 'identify' THEN e.sealed END, "
    "CASE WHEN e.name = 'identify' THEN e.properties END"
)
"""Columns of `Event`."""
_HEAD = "SELECT seq FROM tail_heads WHERE tenant_id = {tenant} AND reader = {given}"
_FACTS = (
    "SELECT person, first_seen, last_seen, session_start, session_events, events, seq FROM profiles "
    "WHERE tenant_id = {tenant} AND person {among}"
)
_TRAITS = (
    "SELECT person, trait, value, timestamp, seq FROM profile_traits WHERE tenant_id = {tenant} AND person {among}"
)
_MEMBERS = "SELECT person, merged_into FROM people WHERE tenant_id = {tenant} AND merged_into {among}"
# +seq: by person, never by number, which would read the whole log.
_OF_PEOPLE = (
    f"SELECT {EVENT} FROM events AS e WHERE e.tenant_id = {{tenant}} AND +e.seq > {{given}} AND e.person {{among}}"
)
_TIMES = (
    "SELECT timestamp FROM events WHERE tenant_id = {tenant} AND +seq <= {given} AND person {among} "
    "ORDER BY timestamp DESC"
)
_TIMES_OF_ONE = (
    "SELECT timestamp FROM events WHERE tenant_id = {tenant} AND +seq <= {given} AND person = {given} "
    "ORDER BY timestamp DESC"
)
_HEARD = "SELECT DISTINCT person FROM events WHERE tenant_id = {tenant} AND +seq <= {given} AND person {among}"
_IDS = "SELECT person, kind, sealed, seq, lookup FROM identities WHERE tenant_id = {tenant} AND person {among}"
