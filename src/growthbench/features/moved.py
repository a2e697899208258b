"""People who were merged, offline: a spine row for each of them, and their events where their row's bucket is."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from growthbench.events.lake import bucket_column
from growthbench.features import duck
from growthbench.features.visibility import EXPANDED

PARTS = ("events", "values")


def expanded(asked: pa.Table, links: pa.Table) -> pa.Table:
    """The rows asked for, each with a row of the same ``row_id`` and ``bucket`` for everybody merged into its person.

    Parameters
    ----------
    asked : pyarrow.Table
        With ``row_id`` (0, 1, 2 ...) and ``bucket``.
    links : pyarrow.Table
        Of a lake.
    """
    if not links.num_rows:
        return asked
    with duck.connected() as connection:
        connection.register("asked", asked.drop_columns("bucket"))
        connection.register("links", links)
        found = duck.arrow(connection, EXPANDED).sort_by([("row_id", "ascending"), ("person", "ascending")])
    return found.append_column("bucket", asked["bucket"].take(found["row_id"])).select(asked.column_names)


@contextmanager
def moved_events(lake, spine: pa.Table, memory_mb: int, spill: Path | None = None) -> Iterator[dict[str, list[Path]]]:
    """Files with the events (and values) of spine rows whose bucket is not their person's, there until the end.

    They have the lake's columns, ``bucket`` being the row's, and ``home``, the person's own bucket.
    """
    homes = bucket_column(spine["person"])
    away = pc.not_equal(homes, spine["bucket"].combine_chunks())
    pairs = pa.table({"person": spine["person"], "bucket": spine["bucket"], "home": homes}).filter(away)
    if not pairs.num_rows:
        yield {part: [] for part in PARTS}
        return
    pairs = pairs.group_by(["person", "bucket", "home"]).aggregate([])
    with (
        tempfile.TemporaryDirectory(dir=spill, prefix="growthbench-moved-") as folder,
        duck.connected(memory_mb, spill=spill) as connection,
    ):
        connection.register("pairs", pairs)
        yield {part: _copied(connection, lake.files(part), Path(folder) / f"{part}.parquet") for part in PARTS}


def _copied(connection, files: list[Path], target: Path) -> list[Path]:
    if not files:
        return []
    connection.execute(
        f"COPY (SELECT e.* EXCLUDE (bucket), p.bucket, p.home FROM {duck.parquet(files)} AS e "
        f"JOIN pairs AS p ON p.person = e.person ORDER BY p.bucket) TO '{str(target).replace(chr(39), chr(39) * 2)}' "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    return [target]
