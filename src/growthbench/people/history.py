"""What somebody did, as those may read it who know the person by an id."""

from typing import Any

import msgspec
from sqlalchemy import select

from growthbench.events.heads import Head, read_head
from growthbench.events.schema import EVENT_FIELDS
from growthbench.events.tables import events
from growthbench.people.directory import Directory, called
from growthbench.people.profile import members_of
from growthbench.people.vault import PersonKey
from growthbench.store.keyring import KeyringError


def history(directory: Directory, name: str, limit: int | None = None) -> list[dict[str, Any]]:
    """Events of a person and of everybody merged into them, newest first.

    Parameters
    ----------
    directory : Directory
    name : str
        A user id, ``anonymous:ID``, or a person of a log without ids.
    limit : int, optional

    Returns
    -------
    list of dict
        ``EVENT_FIELDS`` with ``properties`` unsealed and ``person`` by the name that it came in with.
    """
    with directory.store.reading() as connection:
        directory.check((read_head(connection, directory.tenant) or Head()).people_version)
        (root,) = called(directory, [name], connection)
        persons = [root, *members_of(connection, directory.tenant, [root])]
        query = (
            select(*(events.c[f.name] for f in EVENT_FIELDS), events.c.sealed)
            .where(events.c.tenant_id == directory.tenant, events.c.person.in_(persons))
            .order_by(events.c.timestamp.desc(), events.c.event_id.desc())
            .limit(limit)
        )
        rows = [dict(row) for row in connection.execute(query).mappings()]
        keys, names = directory.keys(connection, persons), dict(zip(persons, directory.user_ids(persons, connection)))
    for row in rows:
        row["properties"] = properties_of(keys.get(row["person"]), row.pop("sealed"), row["properties"])
        row["person"] = names[row["person"]] or row["person"]
    return rows


def properties_of(key: PersonKey | None, sealed: bytes | None, plain: str | None) -> dict[str, Any]:
    """Properties (or traits) of an event; empty where there are none, or none can be read any more."""
    if sealed is None:
        return msgspec.json.decode(plain) if plain else {}
    if key is None:
        return {}
    try:
        message = msgspec.json.decode(key.unseal(sealed))
    except (KeyringError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return message.get("properties") or message.get("traits") or {} if isinstance(message, dict) else {}
