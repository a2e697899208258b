"""The log in the operational store: idempotent append, read by person, counts, export."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, func, select

from growthbench.base.errors import BadInputError
from growthbench.events.appending import Appended, append_rows, known_ids
from growthbench.events.data import EventData
from growthbench.events.heads import Head, lock_head, move_head
from growthbench.events.horizon import read_horizon
from growthbench.events.lake import Lake
from growthbench.events.live import Event, checked
from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS, arrow_schema
from growthbench.events.tables import event_values, events
from growthbench.store.engine import Store
from growthbench.store.inserting import write_tuples

_CHUNK_ROWS = 50_000
_CLUSTERED = [(name, "ascending") for name in ("person", "timestamp", "event_id")]


class EventLog:
    """One tenant's log.

    Parameters
    ----------
    store : Store
    tenant : str, default "local"
    """

    def __init__(self, store: Store, tenant: str = "local"):
        self.store = store
        self.tenant = tenant

    def append(self, batch: Sequence[Event]) -> Appended:
        """Append live events in one transaction; ``received_at`` and ``seq`` are given inside it, in commit order.

        An ``event_id`` that the log knows is counted as duplicate and changes nothing.

        Raises
        ------
        BadInputError
            An event has a bad field; nothing of the batch is written.
        """
        rows = []
        for place, event in enumerate(batch):
            try:
                rows.append(checked(event))
            except BadInputError as exc:
                raise BadInputError(f"event {place}: {exc}", field=exc.field) from exc
        with self.store.writing() as connection:
            head = lock_head(connection, self.tenant)
            return append_rows(connection, self.tenant, rows, head)

    def append_data(self, data: EventData) -> Appended:
        """Append imported events in one transaction, keeping their ``received_at``; ``seq`` is given anew."""
        with self.store.writing() as connection:
            return self.insert(connection, data, lock_head(connection, self.tenant))

    def person(self, person: str, limit: int | None = None) -> list[dict[str, Any]]:
        """Events of one person, newest first, as dicts of ``EVENT_FIELDS`` with ``properties`` read from JSON."""
        query = (
            select(*(events.c[f.name] for f in EVENT_FIELDS))
            .where(events.c.tenant_id == self.tenant, events.c.person == person)
            .order_by(events.c.timestamp.desc(), events.c.event_id.desc())
            .limit(limit)
        )
        with self.store.reading() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        for row in rows:
            row["properties"] = json.loads(row["properties"]) if row["properties"] else {}
        return rows

    def people(self, after: str = "", limit: int | None = None) -> list[str]:
        """Distinct persons in byte order, those behind ``after``; page with the last one of the page before."""
        query = (
            select(events.c.person)
            .where(events.c.tenant_id == self.tenant, events.c.person > after)
            .distinct()
            .order_by(events.c.person)
            .limit(limit)
        )
        with self.store.reading() as connection:
            return list(connection.execute(query).scalars())

    def count(self, name: str | None = None) -> int:
        """Number of events, of one name if given."""
        query = select(func.count()).select_from(events).where(events.c.tenant_id == self.tenant)
        if name is not None:
            query = query.where(events.c.name == name)
        with self.store.reading() as connection:
            return connection.execute(query).scalar_one()

    def horizon(self) -> int:
        """The last ``seq`` given, 0 for an empty log."""
        with self.store.reading() as connection:
            return read_horizon(connection, self.tenant)

    def read(self, after: int = 0, limit: int = 100_000) -> EventData:
        """Events with ``seq`` in ``(after, after + limit]``, in order of ``seq``."""
        with self.store.reading() as connection:
            parts = [
                _table(connection, table, fields, self.tenant, after, after + limit)
                for table, fields in ((events, EVENT_FIELDS), (event_values, VALUE_FIELDS))
            ]
        return EventData(*parts)

    def chunks(self, after: int = 0, rows: int = 100_000) -> Iterator[EventData]:
        """The log behind ``after`` up to today's horizon, in pieces of at most ``rows`` events."""
        horizon = self.horizon()
        for start in range(after, horizon, rows):
            yield self.read(start, min(rows, horizon - start))

    def export(self, lake: Lake) -> int:
        """Bring a lake up to the log's horizon, writing new files only; returns the number of events added."""
        added = 0
        for data in self.chunks(lake.horizon, 1_000_000):
            lake.append(data)
            added += len(data)
        return added

    def insert(self, connection: Connection, data: EventData, head: Head) -> Appended:
        """Write imported events behind a locked head; columns beside those of ``EVENT_FIELDS`` are written too."""
        ids = data.events["event_id"].to_pylist()
        known = known_ids(connection, self.tenant, ids)
        fresh = np.array([i for i, event_id in enumerate(ids) if event_id not in known], np.int64)
        seq = head.seq + np.arange(1, len(fresh) + 1)
        table = data.events.take(pa.array(fresh))
        table = _replace(table, "seq", seq)
        table = _replace(table, "tenant_id", [self.tenant] * len(fresh))
        _insert_rows(connection, events, table.sort_by(_CLUSTERED))
        if data.values.num_rows:
            numbers = dict(zip((ids[i] for i in fresh), seq.tolist()))
            of_value = [numbers.get(i) for i in data.values["event_id"].to_pylist()]
            keep = pa.array([i for i, s in enumerate(of_value) if s is not None], pa.int64())
            values = _replace(data.values.take(keep), "seq", [s for s in of_value if s is not None])
            values = _replace(values, "tenant_id", [self.tenant] * len(keep))
            _insert_rows(connection, event_values, values)
        received_at = max([head.received_at, *table["received_at"].to_pylist()])
        horizon = head.seq + len(fresh)
        move_head(connection, self.tenant, horizon, received_at)
        return Appended(new=len(fresh), duplicates=len(ids) - len(fresh), horizon=horizon)


def _replace(table: pa.Table, name: str, values: Iterable) -> pa.Table:
    index = table.schema.get_field_index(name)
    field = table.schema.field(index)
    return table.set_column(index, field, pa.array(values, field.type))


def _insert_rows(connection: Connection, target, table: pa.Table) -> None:
    """Insert an Arrow table through the driver itself: COPY on PostgreSQL, executemany on SQLite."""
    if not table.num_rows:
        return
    rows = (row for batch in table.to_batches(_CHUNK_ROWS) for row in zip(*(c.to_pylist() for c in batch.columns)))
    write_tuples(connection, target.name, table.column_names, rows)


def _table(connection: Connection, table, fields, tenant: str, after: int, upto: int) -> pa.Table:
    order = [table.c.seq, *([table.c.key] if "key" in table.c else [])]
    query = (
        select(*(table.c[f.name] for f in fields))
        .where(table.c.tenant_id == tenant, table.c.seq > after, table.c.seq <= upto)
        .order_by(*order)
    )
    columns: Mapping[str, Sequence] = dict(zip((f.name for f in fields), zip(*connection.execute(query).all())))
    schema = arrow_schema(fields)
    return pa.table([pa.array(columns.get(f.name, []), f.type) for f in schema], schema=schema)
