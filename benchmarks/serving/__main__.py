"""The Door beside ``mlflow models serve`` with the same model, interleaved; people from a large log; events in.

python -m benchmarks.serving                      everything; writes benchmarks/results/serving.json
python -m benchmarks.serving --parts rows --rounds 1 --seconds 2
python -m benchmarks.serving --parts people --events 200000
"""

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

from benchmarks.serving.events import batches, singles
from benchmarks.serving.export import TASK, export
from benchmarks.serving.load import GET, PEERS_POST, load, need_wrk
from benchmarks.serving.town import TASK as PEOPLE_TASK
from benchmarks.serving.town import build
from growthbench.base.clock import now_us, to_iso
from growthbench.base.jsonio import read_json, write_json
from growthbench.base.settings import Settings
from growthbench.predictions.deployments import deploy
from growthbench.serving.run import DoorProcess
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys
from growthbench.store.tenants import Tenants

RESULTS = Path(__file__).parents[1] / "results" / "serving.json"
PEER = Path(__file__).parents[1] / "peers" / "serving"
CELLS = {"1 row c1": (1, 1), "1 row c16": (1, 16), "1 row c16 reasons=3": (1, 16), "100 rows c16": (100, 16)}
_SAME = 1e-6


def main(argv=None) -> dict:
    """Measure, write, print; returns what was written."""
    args = _arguments(argv)
    need_wrk()
    parts = {"rows": _rows, "people": _people, "events": _events}
    result = {
        "measured_at": to_iso(now_us()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
    for name in args.parts:
        with tempfile.TemporaryDirectory(prefix="growthbench-bench-") as folder:
            result[name] = parts[name](args, Path(folder))
    known = read_json(args.results) if args.results.exists() else {}
    write_json(known | result, args.results)
    print(json.dumps(result, indent=1))
    print(f"written to {args.results}")
    return result


def _arguments(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--parts", nargs="+", default=["rows", "people", "events"], choices=["rows", "people", "events"]
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each cell")
    parser.add_argument("--memory-requests", type=int, default=200_000, help="after which memory must be as before")
    parser.add_argument("--events", type=int, default=2_000_000, help="in the log of the people")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(argv)


def _rows(args: argparse.Namespace, folder: Path) -> dict:
    """One row and a hundred a request, ours and the peer's in turn."""
    peer = folder / "peer"
    subprocess.run([sys.executable, PEER / "train.py"], check=True, env=os.environ | {"SERVE_ART": str(peer)})
    settings, key = _home(folder / "home")
    model = export(peer, folder / "ours")
    with open_store(settings.database_url) as store:
        deploy(store, settings.home, settings.tenant, TASK, folder / "ours")
    for n, name in ((1, "row"), (100, "rows")):
        bodies = [json.loads(line)["rows"] for line in (peer / f"rows{n}.txt").read_text().splitlines()]
        lines = [json.dumps({name: rows[0] if n == 1 else rows}, separators=(",", ":")) for rows in bodies]
        (peer / f"ours{n}.txt").write_text("\n".join(lines) + "\n")
    with _mlflow(peer) as (theirs, their_process), DoorProcess(_free_port(), settings, log=folder / "log") as door:
        ours, our_process = f"{door.url}/api/v1/scores/{model.task}", psutil.Process(door.process.pid)
        difference = _difference(theirs, ours, peer, key)
        rounds = []
        for _ in range(args.rounds):
            cells = {}
            for cell, (rows, connections) in CELLS.items():
                url = f"{ours}?reasons=3" if "reasons" in cell else ours
                mine = load(url, peer / f"ours{rows}.txt", connections, args.seconds, our_process, key)
                bodies = peer / f"mlflow{rows}.txt"
                other = load(theirs, bodies, connections, args.seconds, their_process, script=PEERS_POST)
                cells[cell] = {"ours": mine, "mlflow": other}
            rounds.append(cells)
        memory = _memory(ours, peer / "ours1.txt", our_process, key, args.memory_requests)
    return {
        "largest_difference": difference,
        "cells": {cell: _cell([r[cell] for r in rounds]) for cell in CELLS},
        "memory": memory,
    }


def _cell(rounds: list[dict]) -> dict:
    """Median, least and most of every figure; the ratios are of cells measured one after the other."""
    told = {who: {k: _spread([r[who][k] for r in rounds]) for k in rounds[0][who]} for who in ("ours", "mlflow")}
    told["throughput_ratio"] = _spread([r["ours"]["per_s"] / r["mlflow"]["per_s"] for r in rounds])
    told["p50_ratio"] = _spread([r["mlflow"]["p50_ms"] / r["ours"]["p50_ms"] for r in rounds])
    return told


def _spread(values: list[float]) -> dict:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _difference(theirs: str, ours: str, peer: Path, key: str) -> float:
    """Largest difference of the answers to the 64 bodies of a hundred rows: it is the same model."""
    largest = 0.0
    pairs = zip((peer / "mlflow100.txt").read_text().splitlines(), (peer / "ours100.txt").read_text().splitlines())
    for one, other in pairs:
        expected = [row[1] for row in _post(theirs, one)["predictions"]]
        given = [answer["score"] for answer in _post(ours, other, key)["scores"]]
        largest = max(largest, max(abs(a - b) for a, b in zip(expected, given, strict=True)))
    if largest > _SAME:
        raise SystemExit(f"the two do not serve the same model: scores differ by {largest}")
    return largest


def _memory(url: str, lines: Path, process: psutil.Process, key: str, requests: int) -> dict:
    """Resident memory before and after so many requests."""
    before, made = load(url, lines, 16, 3, process, key)["rss_mb"], 0
    after = before
    while made < requests:
        told = load(url, lines, 16, 10, process, key)
        made, after = made + told["requests"], told["rss_mb"]
    return {"requests": made, "before_mb": before, "after_mb": after}


def _people(args: argparse.Namespace, folder: Path) -> dict:
    """Scores of people by user id from a log of millions of events, each time somebody else."""
    settings, key = _home(folder / "home")
    users = build(settings, args.events)
    lines = folder / "paths.txt"
    step = max(1, len(users) // 5_000)
    lines.write_text("".join(f"/api/v1/scores/{PEOPLE_TASK}/{user}\n" for user in users[::step]))
    with DoorProcess(_free_port(), settings, log=folder / "log") as door:
        process = psutil.Process(door.process.pid)
        load(door.url, lines, 8, 2, process, key, GET)
        cells = {f"c{c}": [load(door.url, lines, c, args.seconds, process, key, GET) for _ in range(args.rounds)]
                 for c in (1, 8, 16)}  # fmt: skip
    spread = {c: {k: _spread([r[k] for r in rounds]) for k in rounds[0]} for c, rounds in cells.items()}
    return {"events": args.events, "people": len(users), "cells": spread}


def _events(args: argparse.Namespace, folder: Path) -> dict:
    """Events in, acknowledged when durable: batches of a hundred, and one by one."""
    settings, key = _home(folder / "home")
    told = {}
    with DoorProcess(_free_port(), settings, log=folder / "log") as door:
        told["batches of 100"] = batches(door.url, key, door.process.pid, args.seconds, args.rounds)
        told["single events"] = singles(door.url, key, door.process.pid, args.seconds, args.rounds)
    return {name: {k: _spread([r[k] for r in rounds]) for k in rounds[0]} for name, rounds in told.items()}


def _home(folder: Path) -> tuple[Settings, str]:
    settings = Settings.read(folder)
    with open_store(settings.database_url) as store:
        keyring = Keyring.open(settings.home)
        Tenants(store, keyring).ensure(settings.tenant)
        return settings, Keys(store, keyring).create(settings.tenant, "secret", "benchmark").key


@contextmanager
def _mlflow(peer: Path):
    """The peer, one worker."""
    port = _free_port()
    programs = Path(sys.executable).parent
    command = [programs / "mlflow", "models", "serve", "-m", peer / "mlflow_model", "--env-manager", "local",
               "-h", "127.0.0.1", "-p", str(port), "-w", "1"]  # fmt: skip
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "SERVE_ART": str(peer)}
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(list(map(str, command)), cwd=PEER, env=environment, stdout=quiet, stderr=quiet)
    process = psutil.Process(server.pid)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urlopen(f"{url}/ping", timeout=2).close()
                break
            except (URLError, OSError):
                time.sleep(0.1)
        yield f"{url}/invocations", process
    finally:
        started = [process, *process.children(recursive=True)]
        for one in started:
            one.terminate()
        psutil.wait_procs(started, 10)


def _post(url: str, body: str, key: str = "") -> dict:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    with urlopen(Request(url, body.encode(), headers), timeout=30) as answer:
        return json.load(answer)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


if __name__ == "__main__":
    main()
