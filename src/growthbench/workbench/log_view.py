"""The log as a notebook shows it: counts at a glance, rows only when asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.events.log import EventLog
from growthbench.people.directory import Directory

if TYPE_CHECKING:
    import pandas as pd


class LogView:
    """A lazy view of a tenant's log, which calls people by their user ids (``anonymous:ID`` for who has none).

    Parameters
    ----------
    log : EventLog
    lake : Path
        Folder of the lake that is brought up to date when tables are asked for.
    directory : Directory
        Of the same store and tenant.
    """

    def __init__(self, log: EventLog, lake: Path, directory: Directory):
        self._log, self._lake, self._directory = log, lake, directory

    def __len__(self) -> int:
        return self._log.count()

    def person(self, person: str, limit: int | None = 50) -> "pd.DataFrame":
        """Newest events of one person and of whoever was merged into them; times as UTC timestamps."""
        import pandas as pd

        from growthbench.people.history import history

        return _readable(pd.DataFrame(history(self._directory, person, limit)))

    def people(self, limit: int = 10) -> list[str]:
        """Some people of the log, always the same."""
        from growthbench.events.heads import Head, read_head
        from growthbench.predictions.people import listed_people

        with self._log.store.reading() as connection:
            head = read_head(connection, self._log.tenant) or Head()
            self._directory.check(head.people_version)
            persons = listed_people(connection, self._log.tenant, 2**62, head.seq, limit=limit)
            return [name or p for p, name in zip(persons, self._directory.user_ids(persons, connection))]

    def counts(self) -> "pd.DataFrame":
        """Events and people per event name, and the time they span."""
        import pandas as pd
        import sqlalchemy as sa

        from growthbench.events.tables import events
        from growthbench.people.tables import people

        merged = sa.select(people.c.person, people.c.merged_into).where(
            people.c.tenant_id == self._log.tenant, people.c.merged_into.is_not(None)
        )
        merged = merged.subquery()
        query = (
            sa.select(
                events.c.name,
                sa.func.count().label("events"),
                sa.func.count(sa.func.coalesce(merged.c.merged_into, events.c.person).distinct()).label("people"),
                sa.func.min(events.c.timestamp).label("first"),
                sa.func.max(events.c.timestamp).label("last"),
            )
            .join_from(events, merged, merged.c.person == events.c.person, isouter=True)
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
        frame = _readable(self._synced().read(columns).to_pandas())
        if "person" in frame:
            persons = frame["person"].unique().tolist()
            with self._log.store.reading() as connection:
                names = self._directory.user_ids(persons, connection)
            frame["person"] = frame["person"].map({p: name or p for p, name in zip(persons, names)})
        return frame

    def table(self):
        """The log as an Ibis table over its Parquet files (DuckDB), people by their keys."""
        import ibis

        return ibis.duckdb.connect(threads=2).read_parquet([str(f) for f in self._synced().files()])

    def _synced(self):
        from growthbench.events.lake import Lake
        from growthbench.people.lake import export

        lake = Lake(self._lake, "store")
        export(self._log, lake)
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
