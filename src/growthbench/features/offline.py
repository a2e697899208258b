"""Many people at many moments, from the lake: the training table.

The lake is sorted by bucket of person, so the work is cut into groups of buckets, a few of which run at a time: memory
is bounded by the largest groups, at no cost in time. Who was merged into somebody of another bucket has their events
copied there first (`moved`).
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from growthbench.base.errors import DataFormatError
from growthbench.base.ids import BUCKETS
from growthbench.events.lake import bucket_column
from growthbench.features import duck, visibility
from growthbench.features.bucket_group import Work
from growthbench.features.catalogue import Catalogue
from growthbench.features.moved import expanded, moved_events

SPINE_SCHEMA = pa.schema(
    [("tenant_id", pa.string()), ("person", pa.string()), ("moment", pa.int64()), ("horizon", pa.int64())]
)
"""Columns of a spine: whose features, as of when (UTC µs), with which events of the log (``seq <= horizon``)."""

Progress = Callable[[int, int], None]
_ROW_BYTES = 160
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
        Anything with ``files("events")``, ``files("values")`` and ``links()``.
    spine : pyarrow.Table
        Columns of `SPINE_SCHEMA`; rows may repeat.
    out : Path, optional
        Write Parquet there, whole or not at all, group by group (rows then come in order of bucket).
    memory_mb : int, default 1024
        What DuckDB may take before it spills; the process needs about 200 MB besides, and the spine.
    threads : int, default 2
        Groups of buckets under way at once, each in one thread with its share of the memory.
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
    asked = _checked(spine)
    spine = expanded(asked, lake.links())
    groups = _groups(lake, spine, memory_mb, threads)
    with moved_events(lake, spine, memory_mb, spill) as moved:
        work = Work.of(catalogue, lake, asked, spine, moved)
        tables = _stream(work, groups, memory_mb, threads, progress, spill)
        if out is not None:
            return _written(tables, _schema(catalogue), Path(out))
        made = pa.concat_tables([_schema(catalogue, ordered=True).empty_table(), *tables])
    return made.take(pc.sort_indices(made["row_id"])).drop_columns("row_id")


def everyone(lake, moment: int | None = None, tenant: str = "local") -> pa.Table:
    """A spine of all people of a lake as of one moment (just after the last receipt unless given), by name.

    Who had been merged into somebody by then is not in it: the other one is.
    """
    if not lake.files("events"):
        return SPINE_SCHEMA.empty_table()
    links, source = lake.links(), duck.parquet(lake.files("events"))
    with duck.connected() as connection:
        connection.register("links", links)
        if moment is None:
            last = duck.arrow(connection, f"SELECT max(received_at) FROM {source}").columns[0]
            told = [links["received_at"], links["until_received_at"]]
            moment = 1 + max(pc.max(column).as_py() or 0 for column in (last, *told))
        horizon = lake.last_seq
        sql = (
            f"SELECT DISTINCT coalesce(r.root, e.person) AS person FROM (SELECT DISTINCT person FROM {source}) AS e "
            f"LEFT JOIN ({visibility.roots(moment, horizon)}) AS r ON r.member = e.person ORDER BY 1"
        )
        people = duck.arrow(connection, sql)["person"]
    n = len(people)
    columns = [pa.repeat(tenant, n), people, pa.repeat(int(moment), n), pa.repeat(horizon, n)]
    return pa.table([c.cast(f.type) for c, f in zip(columns, SPINE_SCHEMA)], schema=SPINE_SCHEMA)


def _stream(work: Work, groups, memory_mb: int, threads: int, progress, spill) -> Iterator[pa.Table]:
    """Finished groups, in order; each thread has a DuckDB of its own, which beats one DuckDB with all the threads."""
    total, done = work.asked.num_rows, 0
    with ExitStack() as stack:
        idle: SimpleQueue = SimpleQueue()
        for _ in range(threads):
            idle.put(stack.enter_context(duck.connected(memory_mb // threads, 1, spill)))
        pool = stack.enter_context(ThreadPoolExecutor(threads))
        for table in _a_few_ahead(pool, partial(_on_idle, work, idle), groups, threads):
            yield table
            done += table.num_rows
            if progress is not None:
                progress(done, total)


def _on_idle(work: Work, idle: SimpleQueue, group: tuple[int, int]) -> pa.Table:
    connection = idle.get()
    try:
        return work.done(connection, *group)
    finally:
        idle.put(connection)


def _a_few_ahead(pool: ThreadPoolExecutor, function, items, ahead: int) -> Iterator:
    """Like ``pool.map``, but at most ``ahead`` results wait to be taken: memory stays bounded behind a slow reader."""
    waiting: deque = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


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


def _groups(lake, spine: pa.Table, memory_mb: int, threads: int) -> list[tuple[int, int]]:
    """Ranges of buckets; the visible events of ``threads`` of them should fit, else DuckDB spills."""
    events = sum(pq.ParquetFile(f).metadata.num_rows for f in lake.files("events"))
    people = max(1, pc.count_distinct(spine["person"]).as_py())
    expected = events * spine.num_rows / people * _ROW_BYTES
    n = int(np.clip(np.ceil(expected * threads / (memory_mb * 2**20)), threads, BUCKETS))
    return list(itertools.pairwise(BUCKETS * i // n for i in range(n + 1)))


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
