"""The log's tables in the operational store, made from the fields of `schema`."""

from sqlalchemy import Column, Index, Table

from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS, Field
from growthbench.store.tables import BYTES, INT, TEXT, metadata


def _table(name: str, fields: tuple[Field, ...], key: tuple[str, ...]) -> Table:
    # Clustered by person and time, so that one person's history is one short scan (SQLite WITHOUT ROWID).
    types = {"text": TEXT, "int": INT}
    columns = [
        Column(f.name, types[f.kind], nullable=f.nullable, primary_key=f.name in key, autoincrement=False)
        for f in sorted(fields, key=lambda f: key.index(f.name) if f.name in key else len(key))
    ]
    return Table(name, metadata, *columns, sqlite_with_rowid=False)


events = _table("events", EVENT_FIELDS, ("tenant_id", "person", "timestamp", "event_id"))
events.append_column(Column("sealed", BYTES))  # properties under the person's own key; never leaves the store
Index("events_by_event_id", events.c.tenant_id, events.c.event_id, unique=True)
Index("events_by_seq", events.c.tenant_id, events.c.seq, unique=True)

event_values = _table("event_values", VALUE_FIELDS, ("tenant_id", "person", "timestamp", "event_id", "key"))
Index("event_values_by_seq", event_values.c.tenant_id, event_values.c.seq)

log_heads = Table(
    "log_heads",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("seq", INT, nullable=False),
    Column("received_at", INT, nullable=False),
    Column("people_version", INT, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""One row per tenant: the last ``seq`` and the last ``received_at`` that the log gave. ``people_version`` grows when
whom an id means changes (a merge, an erasure), so that whoever remembers it knows when to ask again."""
