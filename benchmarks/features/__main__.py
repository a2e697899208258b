"""Our engine beside its peers on the same generated events, interleaved; writes ``benchmarks/results/features.json``.

python -m benchmarks.features                        10 M events, 3 rounds of ours, DuckDB by hand, pandas
python -m benchmarks.features --events 100000000 --engines ours --rounds 1 --memory-mb 2048 --stream
"""

import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.features.data import PEER, prepared
from growthbench.base.clock import now_us, to_iso
from growthbench.base.jsonio import read_json, write_json

RESULTS = Path(__file__).parents[1] / "results" / "features.json"
_LINE = re.compile(r"n=\s*([\d,]+)\s+([\d.]+)s peak\s+(\d+) MB rows ([\d,]+) sum ([\d.]+)")


def main(argv=None) -> dict:
    """Measure, write, print; returns what was written for this size."""
    args = _arguments(argv)
    folder = args.data or Path(tempfile.mkdtemp(prefix="growthbench-bench-"))
    try:
        prepared(args.events, folder)
        rounds = [{e: _measured(e, args, folder) for e in args.engines} for _ in range(args.rounds)]
    finally:
        if args.data is None:
            shutil.rmtree(folder)
    result = _summary(rounds, args)
    known = read_json(args.results) if args.results.exists() else {}
    write_json(known | {str(args.events): result}, args.results)
    _tell(result, args)
    return result


def _arguments(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", nargs="+", default=["ours", "duckdb", "pandas"],
                        choices=["ours", "duckdb", "ibis", "pandas", "polars"])  # fmt: skip
    parser.add_argument("--memory-mb", type=int, default=1024, help="memory limit of our engine's DuckDB")
    parser.add_argument("--stream", action="store_true", help="our engine writes Parquet instead of making a frame")
    parser.add_argument("--data", type=Path, help="folder of generated data, kept; a temporary one by default")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(argv)


def _measured(engine: str, args: argparse.Namespace, folder: Path) -> dict:
    """One engine in a process of its own, so that its peak memory is its own."""
    if engine == "ours":
        command = ["-m", "benchmarks.features.ours", str(args.events), str(folder), str(args.memory_mb)]
        command += ["stream"] if args.stream else []
    else:
        command = [str(PEER), engine, str(args.events)]
    root = Path(__file__).parents[2]
    environment = os.environ | {"BENCH_DATA": str(folder), "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    run = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment, cwd=root)
    found = _LINE.search(run.stdout)
    if run.returncode or found is None:
        raise SystemExit(f"{engine} failed: {run.stdout[-2000:]}\n{run.stderr[-2000:]}")
    seconds, peak, rows, total = (float(v.replace(",", "")) for v in found.groups()[1:])
    print(f"{engine:8s} {seconds:8.2f} s {peak:7.0f} MB", flush=True)
    return {"seconds": seconds, "peak_mb": peak, "rows": int(rows), "sum": total}


def _summary(rounds: list[dict], args: argparse.Namespace) -> dict:
    engines = {}
    for engine in args.engines:
        seconds = [r[engine]["seconds"] for r in rounds]
        engines[engine] = {
            "seconds": statistics.median(seconds),
            "seconds_min": min(seconds),
            "seconds_max": max(seconds),
            "peak_mb": max(r[engine]["peak_mb"] for r in rounds),
        }
    sums = {r[e]["sum"] for r in rounds for e in args.engines}
    if max(sums) - min(sums) > 1e-9 * max(sums) + 0.11:  # printed with one decimal; a peer sums revenue in floats
        raise SystemExit(f"the engines disagree: sums {sorted(sums)}")
    ratios = {
        e: statistics.median(r["ours"]["seconds"] / r[e]["seconds"] for r in rounds)
        for e in args.engines
        if e != "ours" and "ours" in args.engines
    }
    return {
        "measured_at": to_iso(now_us()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "events": args.events,
        "rows": rounds[0][args.engines[0]]["rows"],
        "features": 20,
        "rounds": args.rounds,
        "streamed": args.stream,
        "memory_limit_mb": args.memory_mb,
        "engines": engines,
        "ours_over": ratios,
        "sum": min(sums),
    }


def _tell(result: dict, args: argparse.Namespace) -> None:
    for engine, r in result["engines"].items():
        span = f"{r['seconds_min']:.2f}..{r['seconds_max']:.2f}"
        print(f"{engine:8s} median {r['seconds']:.2f} s ({span}), peak {r['peak_mb']:.0f} MB")
    for engine, ratio in result["ours_over"].items():
        print(f"ours / {engine}: {ratio:.2f}")
    print(f"written to {args.results}")


if __name__ == "__main__":
    main()
