"""Our engine on the peer's question. One line, as the peer prints:
``python -m benchmarks.features.ours N FOLDER MEMORY_MB [stream]``.

Like the peer's functions it imports its engine, compiles and reads inside the measured time, and ends with a frame.
"""

import resource
import sys
import time
from pathlib import Path

from growthbench.features.catalogue import Catalogue
from growthbench.features.grammar import active_days, count, distinct, on, recency, total

WINDOWS = (1, 7, 30, 90)
KINDS = {"page": "page_view", "view": "product_view", "cart": "cart_add", "purchase": "purchase"}

CATALOGUE = Catalogue(
    *(count(short, on(name), windows=WINDOWS) for short, name in KINDS.items()),
    total("revenue", on("purchase"), of="amount", windows=(90,)),
    recency("recency", windows=(90,), unit="us"),
    active_days("active_days", windows=(90,)),
    distinct("pages", of="item_id", windows=(90,)),
)
"""The peer's 20 features: four kinds of event in four windows, revenue, recency, active days, distinct pages."""


def run(n: int, folder: Path, memory_mb: int, streamed: bool):
    """The 20 features of every spine row as a pandas frame, or in a Parquet file (its path)."""
    import pyarrow.parquet as pq

    from growthbench.events.lake import Lake
    from growthbench.features.offline import build

    lake = Lake(folder / f"lake_{n}")
    spine = pq.read_table(lake.path / "spine.parquet")
    if streamed:
        return build(CATALOGUE, lake, spine, out=folder / f"features_{n}.parquet", memory_mb=memory_mb, spill=folder)
    return build(CATALOGUE, lake, spine, memory_mb=memory_mb).to_pandas()


def checksum(frame) -> float:
    """The peer's checksum: the sum of all features but recency, revenue in major units."""
    numbers = frame[list(CATALOGUE.names)].drop(columns="recency_90d")
    numbers["revenue_90d"] /= 100
    return float(numbers.sum().sum())


def main() -> None:
    import pandas as pd  # the peer has it before its clock starts

    n, folder, memory_mb, streamed = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), "stream" in sys.argv[4:]
    start = time.perf_counter()
    made = run(n, folder, memory_mb, streamed)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    frame = pd.read_parquet(made) if streamed else made
    print(f"ours    n={n:>10,} {seconds:7.2f}s peak {peak:7.0f} MB rows {len(frame):,} sum {checksum(frame):.1f}")


if __name__ == "__main__":
    main()
