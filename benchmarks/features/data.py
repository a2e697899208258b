"""The peer's generated data, and the same events as a lake: preparation, not timed, memory bounded."""

import itertools
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from growthbench.base.clock import DAY_US
from growthbench.base.ids import BUCKETS
from growthbench.events.lake import Lake
from growthbench.events.schema import EVENT_FIELDS, arrow_schema
from growthbench.features import duck

PEER = Path(__file__).parents[1] / "peers" / "features" / "asof.py"
START_S = 1_700_000_000
DAYS = 365
_LARGE = 20_000_000
_CHUNK = 2_000_000
_SECOND = 1_000_000


def prepared(n: int, folder: Path) -> Path:
    """Folder with ``events_N.parquet spine_N.parquet`` (the peer's) and ``lake_N`` (ours); made if missing.

    Parameters
    ----------
    n : int
        Events; the peer makes one person for every 100 of them and three moments for each person.
    folder : Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / f"spine_{n}.parquet").exists():
        _peer_data(n, folder)
    lake = folder / f"lake_{n}"
    if not (lake / "spine.parquet").exists():
        shutil.rmtree(lake, ignore_errors=True)
        _lake(n, folder, lake)
    return folder


def _peer_data(n: int, folder: Path) -> None:
    if n > _LARGE:
        _large_peer_data(n, folder)
        return
    command = [sys.executable, str(PEER), "make", str(n)]
    subprocess.run(command, check=True, env=os.environ | {"BENCH_DATA": str(folder)})


def _large_peer_data(n: int, folder: Path) -> None:
    """The peer's distribution in slices of time, because its own generator holds everything in memory at once."""
    rng, users = np.random.default_rng(0), n // 100
    names = pa.array(["page", "view", "cart", "purchase"])
    edges = np.linspace(0, DAYS * 86_400, n // _CHUNK + 1).astype(np.int64)
    writer = None
    for low, high in itertools.pairwise(edges):
        table = pa.table(
            {
                "user_id": rng.integers(0, users, _CHUNK),
                "event": names.take(pa.array(rng.choice(4, _CHUNK, p=[0.6, 0.25, 0.1, 0.05]))),
                "ts": np.sort(START_S + rng.integers(low, high, _CHUNK)),
                "amount": rng.random(_CHUNK).round(2),
                "page": rng.integers(0, 500, _CHUNK),
            }
        )
        writer = writer or pq.ParquetWriter(folder / f"events_{n}.parquet", table.schema)
        writer.write_table(table)
    writer.close()
    moments = START_S + np.array([180, 270, 360]) * 86_400
    spine = pa.table({"user_id": np.repeat(np.arange(users), 3), "asof": np.tile(moments, users)})
    pq.write_table(spine, folder / f"spine_{n}.parquet")


def _lake(n: int, folder: Path, lake: Path) -> None:
    """The lake that `Lake` would write: one file for each month of receipt, sorted by bucket, person, time."""
    people = _people(n // 100)
    with duck.connected(memory_mb=2_000) as connection:
        connection.register("people", people)
        source = f"read_parquet('{folder}/events_{n}.parquet', file_row_number = true)"
        months = connection.sql(f"SELECT DISTINCT strftime(to_timestamp(ts), '%Y-%m') FROM {source}").fetchall()
        for (month,) in sorted(months):
            target = lake / "events" / month
            target.mkdir(parents=True)
            connection.sql(_COPY.format(source=source, month=month, target=target / "all.parquet"))
        spine = duck.arrow(connection, _SPINE.format(source=f"'{folder}/spine_{n}.parquet'", horizon=n))
    pq.write_table(spine, lake / "spine.parquet")
    _check_schema(lake)


def _people(users: int) -> pa.Table:
    names = [f"u{i}" for i in range(users)]
    buckets = [zlib.crc32(name.encode()) % BUCKETS for name in names]
    return pa.table({"user_id": np.arange(users), "person": names, "bucket": np.array(buckets)})


_COPY = f"""
COPY (
  SELECT 'local' AS tenant_id, person, 'e' || file_row_number AS event_id,
    CASE event WHEN 'page' THEN 'page_view' WHEN 'view' THEN 'product_view' WHEN 'cart' THEN 'cart_add' ELSE event END
      AS name,
    ts * {_SECOND} AS timestamp, ts * {_SECOND} AS received_at, file_row_number + 1 AS seq,
    ts * {_SECOND} // {DAY_US} AS day, NULL::VARCHAR AS session_id, page::VARCHAR AS item_id,
    NULL::VARCHAR AS category, NULL::VARCHAR AS campaign, NULL::VARCHAR AS channel, 'EUR' AS currency,
    round(amount * 100)::BIGINT AS amount, NULL::BIGINT AS quantity, NULL::VARCHAR AS properties, bucket
  FROM {{source}} JOIN people USING (user_id)
  WHERE ts >= epoch(DATE '{{month}}-01') AND ts < epoch(DATE '{{month}}-01' + INTERVAL 1 MONTH)
  ORDER BY bucket, person, timestamp, event_id
) TO '{{target}}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)
"""

_SPINE = f"""
SELECT 'local' AS tenant_id, person, s."asof" * {_SECOND} AS moment, {{horizon}}::BIGINT AS horizon
FROM {{source}} AS s JOIN people USING (user_id) ORDER BY bucket, person, moment
"""


def _check_schema(lake: Path) -> None:
    expected = arrow_schema(EVENT_FIELDS, bucket=True)
    for file in Lake(lake).files("events"):
        found = pq.read_schema(file)
        if found.names != expected.names or found.types != expected.types:
            raise SystemExit(f"{file}: {found} is not the lake's schema")
