"""The log as a notebook shows it: counts at a glance, rows only when asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.events.log import EventLog

if TYPE_CHECKING:
    import pandas as pd


class LogView:
    """A lazy view of a tenant's log.

    Parameters
    ----------
    log : EventLog
    lake : Path
        Folder of the lake that is brought up to date when tables are asked for.
    """

    def __init__(self, log: EventLog, lake: Path):
        self._log = log
        self._lake = lake

    def __len__(self) -> int:
        return self._log.count()

    def person(self, person: str, limit: int | None = 50) -> "pd.DataFrame":
        """Newest events of one person; times as UTC timestamps."""
        import pandas as pd

        return _readable(pd.DataFrame(self._log.person(person, limit)))

    def people(self, limit: int = 10) -> list[str]:
        """Some persons of the log, in byte order."""
        return self._log.people(limit=limit)

    def counts(self) -> "pd.DataFrame":
        """Events and persons per event name, and the time they span."""
        import pandas as pd
        import sqlalchemy as sa

        from growthbench.events.tables import events

        query = (
            sa.select(
                events.c.name,
                sa.func.count().label("events"),
                sa.func.count(events.c.person.distinct()).label("people"),
                sa.func.min(events.c.timestamp).label("first"),
                sa.func.max(events.c.timestamp).label("last"),
            )
            .where(events.c.tenant_id == self._log.tenant)
            .group_by(events.c.name)
            .order_by(sa.desc("events"), events.c.name)
        )
        with self._log.store.reading() as connection:
            table = pd.DataFrame(connection.execute(query).mappings().all(), columns=query.selected_columns.keys())
        for column in ("first", "last"):
            table[column] = pd.to_datetime(table[column], unit="us", utc=True)
        return table.set_index("name")

    def to_pandas(self, columns: list[str] | None = None) -> "pd.DataFrame":
        """The whole log as a frame, in order of ``seq``."""
        return _readable(self._synced().read(columns).to_pandas())

    def table(self):
        """The log as an Ibis table over its Parquet files (DuckDB)."""
        import ibis

        return ibis.duckdb.connect(threads=2).read_parquet([str(f) for f in self._synced().files()])

    def _synced(self):
        from growthbench.events.lake import Lake

        lake = Lake(self._lake, "store")
        self._log.export(lake)
        return lake

    def __repr__(self) -> str:
        return f"{len(self):,} events of tenant {self._log.tenant!r}; .counts() .person(id) .to_pandas() .table()"

    def _repr_html_(self) -> str:
        return f"<p>{len(self):,} events of tenant <b>{self._log.tenant}</b></p>{self.counts().to_html()}"


def _readable(frame: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    for column in ("timestamp", "received_at"):
        if column in frame:
            frame[column] = pd.to_datetime(frame[column], unit="us", utc=True)
    return frame
