"""Many people at many moments, from the lake: the training table.

The lake is sorted by bucket of person, so the work is cut into groups of buckets that run one after the other: memory
is bounded by the largest group, at no cost in time.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from growthbench.base.errors import DataFormatError
from growthbench.base.ids import BUCKETS
from growthbench.events.lake import bucket_column
from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS, arrow_schema
from growthbench.features import duck
from growthbench.features.catalogue import Catalogue
from growthbench.features.seen import longest_window
from growthbench.features.statement import compiled

SPINE_SCHEMA = pa.schema(
    [("tenant_id", pa.string()), ("person", pa.string()), ("moment", pa.int64()), ("horizon", pa.int64())]
)
"""Columns of a spine: whose features, as of when (UTC µs), with which events of the log (``seq <= horizon``)."""

Progress = Callable[[int, int], None]
_ROW_BYTES = 256
"""Memory per visible event of a spine row while it is grouped, measured on the shipped catalogue and rounded up."""


def build(
    catalogue: Catalogue,
    lake,
    spine: pa.Table,
    out: Path | None = None,
    memory_mb: int = 1024,
    threads: int = 2,
    progress: Progress | None = None,
    spill: Path | None = None,
) -> pa.Table | Path:
    """Features of every spine row.

    Parameters
    ----------
    catalogue : Catalogue
    lake : Lake
        Anything with ``files("events")`` and ``files("values")``.
    spine : pyarrow.Table
        Columns of `SPINE_SCHEMA`; rows may repeat.
    out : Path, optional
        Write Parquet there, whole or not at all, group by group (rows then come in order of bucket).
    memory_mb : int, default 1024
        What DuckDB may take before it spills; the process needs about 200 MB besides, and the spine.
    threads : int, default 2
    progress : callable, optional
        Called with (spine rows done, spine rows in all).
    spill : Path, optional
        Where to spill; a temporary folder unless given.

    Returns
    -------
    pyarrow.Table or Path
        ``tenant_id person moment horizon`` and the finished features (float64 and text, NULL unknown), in the order of
        the spine; ``out`` if it was given.

    Raises
    ------
    DataFormatError
        The spine lacks a column or has NULLs.
    """
    spine = _checked(spine)
    groups = _groups(catalogue, lake, spine, memory_mb)
    tables = _stream(catalogue, lake, spine, groups, memory_mb, threads, progress, spill)
    if out is not None:
        return _written(tables, _schema(catalogue), Path(out))
    made = pa.concat_tables([_schema(catalogue, ordered=True).empty_table(), *tables])
    return made.take(pc.sort_indices(made["row_id"])).drop_columns("row_id")


def everyone(lake, moment: int | None = None, tenant: str = "local") -> pa.Table:
    """A spine of all people of a lake as of one moment (just after the last receipt unless given), by name."""
    with duck.connected() as connection:
        if not lake.files("events"):
            return SPINE_SCHEMA.empty_table()
        source = duck.parquet(lake.files("events"))
        known = duck.arrow(connection, f"SELECT max(received_at) + 1, max(seq) FROM {source}")
        last, horizon = (column[0].as_py() for column in known.columns)
        moment = last if moment is None else int(moment)
        people = duck.arrow(connection, f"SELECT DISTINCT person FROM {source} ORDER BY person")["person"]
    n = len(people)
    columns = [pa.repeat(tenant, n), people, pa.repeat(moment, n), pa.repeat(horizon, n)]
    return pa.table([c.cast(f.type) for c, f in zip(columns, SPINE_SCHEMA)], schema=SPINE_SCHEMA)


def _stream(catalogue, lake, spine, groups, memory_mb, threads, progress, spill) -> Iterator[pa.Table]:
    sql, done = compiled(catalogue.parts, "duckdb"), 0
    finisher = catalogue.finisher
    with duck.connected(memory_mb, threads, spill) as connection:
        for low, high in groups:
            rows = spine.filter(pc.and_(pc.greater_equal(spine["bucket"], low), pc.less(spine["bucket"], high)))
            if rows.num_rows:
                _bind(connection, catalogue, lake, rows, low, high)
                yield _finished(duck.arrow(connection, sql), spine, finisher, catalogue)
                done += rows.num_rows
            if progress is not None:
                progress(done, spine.num_rows)


def _bind(connection, catalogue: Catalogue, lake, rows: pa.Table, low: int, high: int) -> None:
    """Give the statement its three tables: this group's spine rows, and only those events that some row could see."""
    connection.register("spine", rows)
    times = pc.min_max(rows["moment"]).as_py()
    bounds = [f"bucket >= {low}", f"bucket < {high}", f"timestamp < {times['max']}", f"received_at <= {times['max']}"]
    parts = [p for p in catalogue.parts if not p.shape.startswith("trait")]
    longest = longest_window(parts)
    recent = [] if longest is None else [f"timestamp >= {times['min'] - longest}"]
    _view(connection, "events", lake.files("events"), EVENT_FIELDS, [*bounds, *recent])
    _view(connection, "event_values", lake.files("values"), VALUE_FIELDS, bounds)


def _view(connection, name: str, files: list[Path], fields, bounds: list[str]) -> None:
    if not files:
        connection.register(name, arrow_schema(fields).empty_table())
        return
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {duck.parquet(files)} WHERE "
                       + " AND ".join(bounds))  # fmt: skip


def _finished(raw: pa.Table, spine: pa.Table, finisher, catalogue: Catalogue) -> pa.Table:
    made = finisher({p.name: _column(raw[p.name], p.is_text) for p in catalogue.parts})
    rows = spine.take(raw["row_id"]).drop_columns("bucket")
    for column in catalogue.columns:
        kind = pa.float64() if column.dtype == "number" else pa.string()
        rows = rows.append_column(column.name, pa.array(made[column.name], kind, from_pandas=True))
    return rows


def _column(column: pa.ChunkedArray, text: bool) -> np.ndarray:
    if text:
        return column.to_numpy()
    if column.null_count == 0:
        return column.to_numpy()
    missing = column.is_null().to_numpy()
    return np.ma.MaskedArray(column.fill_null(0).to_numpy(), missing)


def _checked(spine: pa.Table) -> pa.Table:
    """The spine with exactly its columns, numbered by ``row_id``, with ``bucket``."""
    for field in SPINE_SCHEMA:
        if field.name not in spine.column_names:
            raise DataFormatError(f"the spine has no column {field.name!r}; it has {spine.column_names}", field.name)
        if spine[field.name].null_count:
            raise DataFormatError(f"the spine's column {field.name!r} has empty values", field.name)
    spine = spine.select(SPINE_SCHEMA.names).cast(SPINE_SCHEMA)
    numbers = pa.array(np.arange(spine.num_rows))
    return spine.append_column("row_id", numbers).append_column("bucket", bucket_column(spine["person"]))


def _groups(catalogue: Catalogue, lake, spine: pa.Table, memory_mb: int) -> list[tuple[int, int]]:
    """Ranges of buckets whose visible events should fit into memory; a wrong guess spills, it does not fail."""
    events = sum(pq.ParquetFile(f).metadata.num_rows for f in lake.files("events"))
    people = max(1, pc.count_distinct(spine["person"]).as_py())
    expected = events * spine.num_rows / people * _ROW_BYTES
    n = int(np.clip(np.ceil(expected / (memory_mb * 2**20)), 1, BUCKETS))
    edges = [BUCKETS * i // n for i in range(n + 1)]
    return list(itertools.pairwise(edges))


def _schema(catalogue: Catalogue, ordered: bool = False) -> pa.Schema:
    types = {"number": pa.float64(), "text": pa.string()}
    keys = [*SPINE_SCHEMA, *([pa.field("row_id", pa.int64())] if ordered else [])]
    return pa.schema([*keys, *(pa.field(c.name, types[c.dtype]) for c in catalogue.columns)])


def _written(tables: Iterator[pa.Table], schema: pa.Schema, out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.part")
    try:
        with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table.drop_columns("row_id"))
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return out
