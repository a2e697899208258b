"""A log with the links between its people, brought into a lake."""

import pyarrow as pa
from sqlalchemy import select

from growthbench.events.lake import LINK_SCHEMA, Lake
from growthbench.events.log import EventLog
from growthbench.people.tables import links


def export(log: EventLog, lake: Lake) -> int:
    """Bring a lake up to the log's horizon: new files of events, and all links; returns the number of events added."""
    added = log.export(lake)
    columns = [links.c[name] for name in LINK_SCHEMA.names]
    query = (
        select(*columns).where(links.c.tenant_id == log.tenant).order_by(links.c.seq, links.c.person, links.c.member)
    )
    with log.store.reading() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    lake.write_links(pa.Table.from_pylist(rows, schema=LINK_SCHEMA))
    return added
