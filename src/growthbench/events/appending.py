"""Appending live events: the short way from checked rows to the store, inside the caller's transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from growthbench.base.clock import DAY_US, now_us
from growthbench.events.heads import Head, move_head
from growthbench.events.live import Row
from growthbench.store.inserting import write_tuples

_ID_CHUNK = 50_000
_EVENT = ("tenant_id", "person", "timestamp", "event_id", "name", "received_at", "seq", "day", "session_id", "item_id",
          "category", "campaign", "channel", "currency", "amount", "quantity", "properties", "sealed")  # fmt: skip
_VALUE = ("tenant_id", "person", "timestamp", "event_id", "key", "name", "received_at", "seq", "text_value",
          "int_value")  # fmt: skip


@dataclass(frozen=True)
class Appended:
    """What an append did: ``new`` and ``duplicates`` count events, ``horizon`` is the log's last ``seq`` after it."""

    new: int
    duplicates: int
    horizon: int


def append_rows(
    connection: Connection, tenant: str, rows: Sequence[Row], head: Head, known: set[str] | None = None
) -> Appended:
    """Append checked rows behind a locked head and move it; of equal ``event_id`` the first wins.

    Parameters
    ----------
    known : set of str, optional
        Ids among the rows' that the log holds (`known_ids`), if the caller asked already.
    """
    if known is None:
        known = known_ids(connection, tenant, [row.event_id for row in rows])
    seen, seq, received_at = set(known), head.seq, max(now_us(), head.received_at)
    events, values = [], []
    for r in rows:
        event_id = r.event_id
        if event_id in seen:
            continue
        seen.add(event_id)
        seq += 1
        person, timestamp, name = r.person, r.timestamp, r.name
        events.append((tenant, person, timestamp, event_id, name, received_at, seq, timestamp // DAY_US, r.session_id,
                       r.item_id, r.category, r.campaign, r.channel, r.currency, r.amount, r.quantity, r.properties,
                       r.sealed))  # fmt: skip
        for key, text_value, int_value in r.values:
            values.append((tenant, person, timestamp, event_id, key, name, received_at, seq, text_value,
                           int_value))  # fmt: skip
    if events:
        # In the order of the key SQLite inserts twice as fast. Keys differ: what stands behind them is never compared.
        events.sort()
        values.sort()
        write_tuples(connection, "events", _EVENT, events)
        write_tuples(connection, "event_values", _VALUE, values)
        move_head(connection, tenant, seq, received_at)
    return Appended(len(events), len(rows) - len(events), seq)


def known_ids(connection: Connection, tenant: str, ids: Sequence[str]) -> set[str]:
    """Those of the event ids that the log holds."""
    sqlite = connection.dialect.name == "sqlite"
    driver, query = connection.connection.driver_connection, _KNOWN[connection.dialect.name]
    known: set[str] = set()
    for start in range(0, len(ids), _ID_CHUNK):
        part = list(ids[start : start + _ID_CHUNK])
        rows = driver.execute(query, (tenant, json.dumps(part) if sqlite else part)).fetchall()
        known.update(row[0] for row in rows)
    return known


_KNOWN = {
    "sqlite": "SELECT event_id FROM events WHERE tenant_id = ? AND event_id IN (SELECT value FROM json_each(?))",
    "postgresql": "SELECT event_id FROM events WHERE tenant_id = %s AND event_id = ANY(%s::text[])",
}
