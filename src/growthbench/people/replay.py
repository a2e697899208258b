"""Profiles computed at one go from everything there is: another program than `people.tail`, to hold it against."""

import itertools
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from growthbench.events.tables import events
from growthbench.people.directory import Directory
from growthbench.people.profile import current, traits_of
from growthbench.people.sessions import IDLE_US
from growthbench.people.tables import people
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring


def replay(store: Store, keyring: Keyring, tenant: str, idle_us: int = IDLE_US) -> dict[str, dict[str, Any]]:
    """Profile of every root, in memory: first and last seen, session, number of events, traits."""
    directory = Directory(store, keyring, tenant)
    with store.reading() as connection:
        roots = _roots(connection, tenant)
        log = select(events).where(events.c.tenant_id == tenant)
        rows = [dict(row) for row in connection.execute(log).mappings()]
        keys = directory.keys(connection, {row["person"] for row in rows})
    by_root: dict[str, list[dict]] = {}
    for row in rows:
        by_root.setdefault(roots.get(row["person"], row["person"]), []).append(row)
    return {root: _profile(mine, keys, idle_us) for root, mine in by_root.items()}


def kept(store: Store, keyring: Keyring, tenant: str) -> dict[str, dict[str, Any]]:
    """The same as `read_profile` would tell it: what the tail kept, brought up to the log's end."""
    directory = Directory(store, keyring, tenant)
    with store.reading() as connection:
        roots = _roots(connection, tenant)
        persons = connection.execute(select(events.c.person).where(events.c.tenant_id == tenant).distinct()).scalars()
        found = {root: current(connection, directory, root) for root in {roots.get(p, p) for p in persons}}
    return {
        root: {
            "first_seen": facts.first_seen,
            "last_seen": facts.last_seen,
            "session": (facts.session_start, facts.session_events),
            "events": facts.events,
            "seq": facts.seq,
            "traits": {name: msgspec.json.decode(value) for name, (_, _, value) in traits.items()},
        }
        for root, (facts, traits) in found.items()
    }


def _roots(connection: Connection, tenant: str) -> dict[str, str]:
    merged = select(people.c.person, people.c.merged_into).where(
        people.c.tenant_id == tenant, people.c.merged_into.is_not(None)
    )
    return {row.person: row.merged_into for row in connection.execute(merged)}


def _profile(rows: list[dict], keys, idle_us: int) -> dict[str, Any]:
    rows = sorted(rows, key=lambda row: (row["timestamp"], row["seq"]))
    times = [row["timestamp"] for row in rows]
    starts = [0, *(i + 1 for i, (a, b) in enumerate(itertools.pairwise(times)) if b - a > idle_us)]
    traits: dict[str, Any] = {}
    for row in rows:
        if row["name"] == "identify" and (row["sealed"] is not None or row["properties"] is not None):
            traits |= traits_of(keys.get(row["person"]), row["sealed"], row["properties"])
    return {
        "first_seen": times[0],
        "last_seen": times[-1],
        "session": (times[starts[-1]], len(times) - starts[-1]),
        "events": len(times),
        "seq": max(row["seq"] for row in rows),
        "traits": traits,
    }
