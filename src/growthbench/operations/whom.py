"""Whom an erasure is about: every key of the person, and everything that they are called."""

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, select

from growthbench.base.clock import to_iso
from growthbench.base.errors import GoneError, NotFoundError
from growthbench.events.tables import events
from growthbench.operations.receipts import erased_before
from growthbench.people.cluster import cluster
from growthbench.people.directory import Directory, Ident
from growthbench.people.erasure import ids_of, ids_told


def whom(connection: Connection, directory: Directory, ident: Ident) -> tuple[list[str], set[tuple[str, str]]]:
    """Person keys, the root first, and ``(kind, id)`` of all ids and addresses.

    In logs from before there were person keys, an id may be one itself.

    Raises
    ------
    NotFoundError
        Nothing is known of them.
    GoneError
        They were erased before and have not come back.
    """
    tenant = directory.tenant
    persons = _persons(connection, directory, ident)
    ids = _ids(connection, directory, persons, ident)
    plain = {value for kind, value in ids if kind in ("user", "anonymous") and _in_log(connection, tenant, value)}
    return [*persons, *sorted(plain - set(persons))], ids


def _persons(connection: Connection, directory: Directory, ident: Ident) -> list[str]:
    tenant = directory.tenant
    (person,) = directory.find([ident], connection)
    if person is not None:
        return cluster(connection, tenant, person)
    if _in_log(connection, tenant, ident.value):
        return cluster(connection, tenant, ident.value)
    if (before := erased_before(connection, tenant, {directory.keyring.lookup(tenant, *ident)})) is not None:
        raise GoneError(f"erased on {to_iso(before.requested_at)[:10]}, receipt {before.receipt_id}")
    raise NotFoundError(f"nothing is known of {str(ident)!r}")


def _in_log(connection: Connection, tenant: str, person: str) -> bool:
    mine = (events.c.tenant_id == tenant, events.c.person == person)
    return connection.execute(select(events.c.seq).where(*mine).limit(1)).first() is not None


def _ids(connection: Connection, directory: Directory, persons: Sequence[str], ident: Ident) -> set[tuple[str, str]]:
    """The id that was given, those found beside it, addresses told in traits and events; e-mail in lower case, too."""
    tenant, keys = directory.tenant, directory.keys(connection, persons)
    query = select(events.c.person, events.c.sealed, events.c.properties)
    mine = (events.c.tenant_id == tenant, events.c.person.in_(persons))
    told: list[dict] = []
    for person, sealed, plain in connection.execute(query.where(*mine)):
        if sealed is not None and person in keys:
            told += _told(keys[person].unseal(sealed))
        if plain:
            told += _told(plain.encode())
    found = {(ident.kind, ident.value)} | ids_of(connection, tenant, persons, keys) | set(ids_told(told))
    return found | {(kind, value.lower()) for kind, value in found if "@" in value}


def _told(raw: bytes) -> Iterator[dict]:
    """The objects of an event that may tell an address: its properties, its traits, or itself."""
    try:
        value = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return
    if not isinstance(value, dict):
        return
    context = value.get("context") if isinstance(value.get("context"), dict) else {}
    for part in (value, value.get("traits"), value.get("properties"), context.get("traits")):
        if isinstance(part, dict):
            yield part
