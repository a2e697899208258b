"""What the topics hold, as a reader may see it: ids and properties only for those who may see people."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from growthbench.base.clock import to_iso
from growthbench.events.tables import events, log_heads
from growthbench.store.message_tables import channel_messages

if TYPE_CHECKING:
    from growthbench.people.directory import Directory

Told = dict[str, Any]
"""``{"type": "message", "topic", "seq", "at", "body"}``."""


def read_events(
    connection: Connection, directory: "Directory", after: int, limit: int, whole: bool, until: int | None = None
) -> list[Told]:
    """Events of the log behind a number, in its order.

    Parameters
    ----------
    directory : Directory
        Of the tenant.
    after : int
        The last number the reader has.
    whole : bool
        With the user's id, properties and traits.
    until : int, optional
        The last number to read.
    """
    c = events.c
    query = (
        select(c.seq, c.person, c.event_id, c.name, c.timestamp, c.received_at, c.session_id, c.properties, c.sealed)
        .where(c.tenant_id == directory.tenant, c.seq > after)
        .order_by(c.seq)
        .limit(limit)
    )
    rows = connection.execute(query if until is None else query.where(c.seq <= until)).all()
    names = _names(connection, directory, [r.person for r in rows]) if whole else {}
    keys = directory.keys(connection, dict.fromkeys(r.person for r in rows if r.sealed is not None)) if whole else {}
    return [_event(row, whole, names, keys) for row in rows]


def _event(row: Row, whole: bool, names: dict[str, str], keys: dict) -> Told:
    body = {
        "event_id": row.event_id,
        "name": row.name,
        "timestamp": to_iso(row.timestamp),
        "session_id": row.session_id,
        "person": row.person,
    }
    if whole:
        body["user_id"] = names.get(row.person)
        body |= _said(row, keys)
    return _told("events", row.seq, row.received_at, body)


def _said(row: Row, keys: dict) -> dict[str, Any]:
    """Properties and traits: from the message under the person's key, or from an imported event."""
    if row.sealed is None:
        return {"properties": msgspec.json.decode(row.properties) if row.properties else {}}
    if (key := keys.get(row.person)) is None:  # erased between two statements
        return {"properties": {}}
    raw = msgspec.json.decode(key.unseal(row.sealed))
    return {"properties": raw.get("properties") or {}} | ({"traits": raw["traits"]} if raw.get("traits") else {})


def read_messages(
    connection: Connection,
    directory: "Directory",
    after: int,
    limit: int,
    whole: bool,
    topics: Sequence[str] | None = None,
) -> list[Told]:
    """Messages of the other topics behind a number, in their order; parameters as of `read_events`."""
    c = channel_messages.c
    query = select(c.seq, c.topic, c.body, c.person, c.created_at).where(c.tenant_id == directory.tenant, c.seq > after)
    if topics is not None:
        query = query.where(c.topic.in_(topics))
    rows = connection.execute(query.order_by(c.seq).limit(limit)).all()
    names = _names(connection, directory, [r.person for r in rows if r.person]) if whole else {}
    return [message_told(r.topic, r.seq, r.created_at, r.body, r.person, names if whole else None) for r in rows]


def message_told(topic: str, seq: int, at: int, body: str, person: str | None, names: dict[str, str] | None) -> Told:
    """One message as it is told; ``names`` are user ids by person, None for a reader who may not see them."""
    content = msgspec.json.decode(body)
    if person is not None:
        content["person"] = person
        if names is not None:
            content["user_id"] = names.get(person)
    return _told(topic, seq, at, content)


def names_of(connection: Connection, directory: "Directory", persons: Iterable[str]) -> dict[str, str]:
    """User ids by person, of those who have one still."""
    return _names(connection, directory, list(persons))


def oldest_message(connection: Connection, tenant: str) -> int | None:
    """Number of the oldest message that is kept."""
    query = select(func.min(channel_messages.c.seq)).where(channel_messages.c.tenant_id == tenant)
    return connection.execute(query).scalar()


def _names(connection: Connection, directory: "Directory", persons: list[str]) -> dict[str, str]:
    if not persons:
        return {}
    version = select(log_heads.c.people_version).where(log_heads.c.tenant_id == directory.tenant)
    directory.check(connection.execute(version).scalar() or 0)
    persons = list(dict.fromkeys(persons))
    return {p: name for p, name in zip(persons, directory.user_ids(persons, connection)) if name is not None}


def _told(topic: str, seq: int, at: int, body: dict[str, Any]) -> Told:
    return {"type": "message", "topic": topic, "seq": seq, "at": to_iso(at), "body": body}
