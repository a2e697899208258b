"""Everything that is held about one person, in one JSON document."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import NotFoundError
from growthbench.events.schema import EVENT_FIELDS
from growthbench.events.tables import event_values, events
from growthbench.people.cluster import cluster
from growthbench.people.consent import ConsentLedger
from growthbench.people.directory import Directory, Ident
from growthbench.people.erasure import ids_of
from growthbench.people.profile import current
from growthbench.people.quarantine import Quarantine
from growthbench.people.tables import links, people, quarantine
from growthbench.people.vault import PersonKey
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring

Provider = Callable[[Connection, str, Sequence[str]], list[dict[str, Any]]]
"""Gives what a higher floor holds about people: (connection, tenant, person keys) -> plain JSON."""

_TIMES = ("timestamp", "received_at", "until_received_at", "created_at", "first_seen", "last_seen", "session_start")
_LEFT_OUT = ("tenant_id", "sealed", "day", "properties", "person")


def export_person(
    store: Store, keyring: Keyring, tenant: str, ident: Ident, more: Mapping[str, Provider] | None = None
) -> dict[str, Any]:
    """Everything about a person, whichever of their ids is given, with what is sealed unsealed.

    Parameters
    ----------
    ident : Ident
    more : mapping of str to Provider
        Further chapters, such as ``predictions``; read in the same snapshot.

    Returns
    -------
    dict
        ``person ids profile traits events consents links quarantine`` and the further chapters; times are
        ISO 8601, UTC.

    Raises
    ------
    NotFoundError
        Nothing is known of them.
    """
    directory = Directory(store, keyring, tenant)
    with store.reading() as connection:
        (person,) = directory.find([ident], connection)
        if person is None:
            if current(connection, directory, ident.value) is None:
                raise NotFoundError(f"nothing is known of {str(ident)!r}")
            person = ident.value  # logs whose people have no ids name them by their keys
        persons = cluster(connection, tenant, person)
        keys = directory.keys(connection, persons)
        told = {
            "exported_at": to_iso(now_us()),
            "tenant": tenant,
            "person": persons[0],
            "ids": sorted({f"{kind}:{value}" for kind, value in ids_of(connection, tenant, persons, keys)}),
            **_profile(connection, directory, persons[0]),
            "events": _events(connection, tenant, persons, keys),
            "consents": [e.told() for e in ConsentLedger(store).history(tenant, person, connection)],
            "links": _links(connection, tenant, persons),
            "known_since": _known_since(connection, tenant, persons),
            **{name: provider(connection, tenant, persons) for name, provider in (more or {}).items()},
        }
        lookups = {keyring.lookup(tenant, kind, value) for kind, value in ids_of(connection, tenant, persons, keys)}
    told["quarantine"] = _quarantined(Quarantine(store, keyring, tenant), lookups)
    return told


def _readable(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in row.items() if k not in _LEFT_OUT}
    return {k: to_iso(v) if k in _TIMES and v is not None else v for k, v in kept.items()}


def _known_since(connection: Connection, tenant: str, persons: Sequence[str]) -> str | None:
    query = select(func.min(people.c.created_at)).where(people.c.tenant_id == tenant, people.c.person.in_(persons))
    first = connection.execute(query).scalar_one()
    return None if first is None else to_iso(first)


def _profile(connection: Connection, directory: Directory, root: str) -> dict[str, Any]:
    """Facts and traits of the person, up to the last event; without any there are none."""
    facts, traits = current(connection, directory, root) or (None, {})
    return {
        "profile": None if facts is None else _readable(facts._asdict()),
        "traits": {
            name: {"value": msgspec.json.decode(value), "timestamp": to_iso(timestamp)}
            for name, (timestamp, _, value) in sorted(traits.items())
        },
    }


def _events(
    connection: Connection, tenant: str, persons: Sequence[str], keys: Mapping[str, PersonKey]
) -> list[dict[str, Any]]:
    """Events in the order in which they happened, with what their clients sent."""
    mine = (events.c.tenant_id == tenant, events.c.person.in_(persons))
    columns = [events.c[f.name] for f in EVENT_FIELDS]
    found = connection.execute(
        select(*columns, events.c.sealed).where(*mine).order_by(events.c.timestamp, events.c.seq)
    )
    values = _values(connection, tenant, persons)
    told = []
    for row in found.mappings():
        event = {k: v for k, v in _readable(row).items() if v is not None}
        if row["properties"]:
            event["properties"] = msgspec.json.decode(row["properties"])
        if row["sealed"] is not None and row["person"] in keys:
            event["sent"] = msgspec.json.decode(keys[row["person"]].unseal(row["sealed"]))
        if row["event_id"] in values:
            event["values"] = values[row["event_id"]]
        told.append(event)
    return told


def _values(connection: Connection, tenant: str, persons: Sequence[str]) -> dict[str, dict[str, Any]]:
    mine = (event_values.c.tenant_id == tenant, event_values.c.person.in_(persons))
    names = ("event_id", "key", "text_value", "int_value")
    found: dict[str, dict[str, Any]] = {}
    for event_id, key, text, number in connection.execute(select(*(event_values.c[n] for n in names)).where(*mine)):
        found.setdefault(event_id, {})[key] = number if text is None else text
    return found


def _links(connection: Connection, tenant: str, persons: Sequence[str]) -> list[dict[str, Any]]:
    either = links.c.person.in_(persons) | links.c.member.in_(persons)
    query = select(links).where(links.c.tenant_id == tenant, either).order_by(links.c.seq)
    return [_readable(row) | {"person": row["person"]} for row in connection.execute(query).mappings()]


def _quarantined(kept: Quarantine, lookups: set[str]) -> list[dict[str, Any]]:
    """Refused events that name one of the person's ids."""
    fitting = (quarantine.c.lookups.contains(digest, autoescape=True) for digest in sorted(lookups))
    ids: set[str] = set()
    with kept.store.reading() as connection:
        for condition in fitting:
            query = select(quarantine.c.quarantine_id).where(quarantine.c.tenant_id == kept.tenant, condition)
            ids |= set(connection.execute(query).scalars())
    return [
        {"quarantine_id": row["quarantine_id"], "reason": row["reason"], "received_at": to_iso(row["received_at"]),
         "message": message}
        for quarantine_id in sorted(ids)
        for row, message in kept.raw(limit=1, after=_before(quarantine_id))
    ]  # fmt: skip


def _before(quarantine_id: str) -> str:
    """The text just before an id in byte order, as far as ids go."""
    return quarantine_id[:-1] + chr(ord(quarantine_id[-1]) - 1) + "~"
