"""DuckDB as it is used here: two threads, a memory limit, a place to spill."""

import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa


@contextmanager
def connected(memory_mb: int = 1024, threads: int = 2, spill: Path | None = None):
    """A connection of its own, closed at the end; what does not fit into ``memory_mb`` goes to ``spill``."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=spill, prefix="growthbench-spill-") as folder:
        settings = {
            "threads": threads,
            "memory_limit": f"{memory_mb}MiB",
            "temp_directory": folder,
            "preserve_insertion_order": False,
            "python_enable_replacements": False,
        }
        connection = duckdb.connect(config=settings)
        try:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET parquet_metadata_cache = true")  # groups of buckets read the same footers
            yield connection
        finally:
            connection.close()


def parquet(files: Sequence[Path]) -> str:
    """Source text of a table over Parquet files."""
    listed = ", ".join("'" + str(f).replace("'", "''") + "'" for f in files)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def arrow(connection, sql: str) -> pa.Table:
    """The result of a query."""
    return connection.sql(sql).to_arrow_table()
