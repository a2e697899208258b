"""Load on a server by wrk, and what it cost: requests, latencies, CPU of the server's processes."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import psutil

PEERS_POST = Path(__file__).parents[1] / "peers" / "serving" / "post.lua"
POST, GET = (Path(__file__).parent / f"{name}.lua" for name in ("post", "get"))
_RESULT = re.compile(r"RESULT (\{.*\})")


def need_wrk() -> None:
    """End with what to do if wrk is not there."""
    if shutil.which("wrk") is None:
        raise SystemExit("the load comes from wrk, which is not installed: apt-get install wrk")


def load(
    url: str, lines: Path, connections: int, seconds: int, process: psutil.Process, key: str = "", script: Path = POST
) -> dict:
    """Load a URL with the lines of a file in turn: bodies to post, or paths to get.

    Returns
    -------
    dict
        ``per_s``, ``p50_ms``, ``p99_ms``, ``max_ms``, ``cpu_us`` (of the server, a request), ``others`` (cores that
        neither server nor wrk used: how much the figure is disturbed), ``rss_mb``.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
    command += ["-H", f"authorization: Bearer {key}"] if key else []
    before, busy, own, begun = _cpu(process), _machine(), _children(), time.monotonic()
    environment = os.environ | {"BODIES": str(lines), "KEY": f"Bearer {key}"}
    made = subprocess.run([*command, url], env=environment, capture_output=True, text=True, timeout=seconds + 60)
    found = _RESULT.search(made.stdout)
    if found is None:
        raise SystemExit(f"wrk failed: {made.stdout[-500:]} {made.stderr[-500:]}")
    told = json.loads(found[1])
    if told["bad"] or told["sock"]:
        raise SystemExit(f"{url}: {told['bad']} requests were refused, {told['sock']} connections failed")
    took, used = time.monotonic() - begun, _cpu(process) - before
    return {
        "per_s": told["n"] / told["us"] * 1e6,
        "p50_ms": told["p50"] / 1e3,
        "p99_ms": told["p99"] / 1e3,
        "max_ms": told["max"] / 1e3,
        "cpu_us": used * 1e6 / max(told["n"], 1),
        "others": max(0.0, (_machine() - busy - used - (_children() - own)) / took),
        "rss_mb": sum(p.memory_info().rss for p in _tree(process)) / 2**20,
        "requests": told["n"],
    }


def _tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    return sum(t.user + t.system for t in (p.cpu_times() for p in _tree(process)))


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _machine() -> float:
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq + times.steal
