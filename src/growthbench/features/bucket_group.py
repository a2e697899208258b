"""One group of buckets: its spine rows and its events through the statement, its parts through the finisher."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS, arrow_schema
from growthbench.features import duck
from growthbench.features.catalogue import Catalogue
from growthbench.features.moved import PARTS
from growthbench.features.seen import longest_window
from growthbench.features.statement import compiled


@dataclass(frozen=True)
class Work:
    """What all groups share.

    Attributes
    ----------
    catalogue : Catalogue
    sql : str
        The statement of the training engine.
    asked : pyarrow.Table
        Rows asked for, with ``row_id`` (position) and ``bucket``.
    spine : pyarrow.Table
        The same with a row for everybody merged into a row's person.
    files : mapping of str to list of Path
        Parquet files of the lake's ``events`` and ``values``.
    moved : mapping of str to list of Path
        Those of people whose rows are in another bucket than they (`moved_events`).
    """

    catalogue: Catalogue
    sql: str
    asked: pa.Table
    spine: pa.Table
    files: Mapping[str, list[Path]]
    moved: Mapping[str, list[Path]]

    @classmethod
    def of(cls, catalogue: Catalogue, lake, asked: pa.Table, spine: pa.Table, moved) -> "Work":
        """The work of a catalogue over a lake."""
        files = {part: lake.files(part) for part in PARTS}
        return cls(catalogue, compiled(catalogue.parts, "duckdb"), asked, spine, files, moved)

    def rows(self, low: int, high: int) -> pa.Table:
        """Spine rows of buckets ``low <= bucket < high``."""
        bucket = self.spine["bucket"]
        return self.spine.filter(pc.and_(pc.greater_equal(bucket, low), pc.less(bucket, high)))

    def done(self, connection, low: int, high: int) -> pa.Table:
        """Spine columns, ``row_id`` and finished features of a group, in no order."""
        rows = self.rows(low, high)
        if rows.num_rows == 0:
            return _finished(self.catalogue, rows, {p.name: np.array([]) for p in self.catalogue.parts})
        self._bind(connection, rows, low, high)
        raw = duck.arrow(connection, self.sql)
        parts = {p.name: _column(raw[p.name], p.is_text) for p in self.catalogue.parts}
        return _finished(self.catalogue, self.asked.take(raw["row_id"]), parts)

    def _bind(self, connection, rows: pa.Table, low: int, high: int) -> None:
        """Give the statement its three tables: these spine rows, and only those events that some row could see."""
        connection.register("spine", rows)
        times = pc.min_max(rows["moment"]).as_py()
        latest, earliest = times["max"], times["min"]
        bounds = [f"timestamp < {latest}", f"received_at <= {latest}"]
        longest = longest_window([p for p in self.catalogue.parts if not p.shape.startswith("trait")])
        recent = [] if longest is None else [f"timestamp >= {earliest - longest}"]
        self._view(connection, "events", "events", EVENT_FIELDS, low, high, [*bounds, *recent])
        self._view(connection, "event_values", "values", VALUE_FIELDS, low, high, bounds)

    def _view(self, connection, name: str, part: str, fields, low: int, high: int, bounds: list[str]) -> None:
        if not self.files[part]:
            connection.register(name, arrow_schema(fields).empty_table())
            return
        columns, here = ", ".join(f.name for f in fields), f"bucket >= {low} AND bucket < {high}"
        where = " AND ".join([here, *bounds])
        select = f"SELECT {columns} FROM {duck.parquet(self.files[part])} WHERE {where}"
        if self.moved[part]:
            stranger = f"NOT (home >= {low} AND home < {high})"  # else the lake's own row is here already
            select += f" UNION ALL SELECT {columns} FROM {duck.parquet(self.moved[part])} WHERE {where} AND {stranger}"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")


def _column(column: pa.ChunkedArray, text: bool) -> np.ndarray:
    if text or column.null_count == 0:
        return column.to_numpy()
    return np.ma.MaskedArray(column.fill_null(0).to_numpy(), column.is_null().to_numpy())


def _finished(catalogue: Catalogue, rows: pa.Table, parts: dict[str, np.ndarray]) -> pa.Table:
    made = catalogue.finisher(parts)
    keys = [c for c in rows.column_names if c != "bucket"]
    types = {"number": pa.float64(), "text": pa.string()}
    columns = [pa.array(made[c.name], types[c.dtype], from_pandas=True) for c in catalogue.columns]
    return pa.table([*(rows[k] for k in keys), *columns], names=[*keys, *catalogue.names])
