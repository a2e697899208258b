"""Many open connections at an even rate against a Door that runs: one wrk for each route, all at the same time."""

import json
import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).with_name("route.lua")
SHARES = {"track": 0.80, "score": 0.15, "profile": 0.05}
"""Of requests and of connections alike."""


def drive(
    url: str, keys: dict[str, str], people: int, connections: int = 1000, rate: float = 300.0, seconds: int = 180
) -> dict[str, dict]:
    """Drive all routes for a while.

    Parameters
    ----------
    url : str
        The Door's; people ``user-0`` to ``user-(people - 1)`` are known there, and it serves ``churn``.
    keys : mapping
        ``write`` and ``secret``.
    people : int
    connections : int
        Open all the time, shared out by `SHARES`.
    rate : float
        Requests per second, of all connections together.
    seconds : int

    Returns
    -------
    dict of str to dict
        By route: ``requests``, ``seconds``, ``p50_ms`` ``p95_ms`` ``p99_ms`` ``max_ms``, counts of errors by kind
        (``connect read write timeout status``) and the first ``statuses`` over 299.
    """
    running = {}
    for route, share in SHARES.items():
        command = [
            "wrk",
            "-t1",
            f"-c{round(connections * share)}",
            f"-d{seconds}s",
            "--timeout",
            "10s",
            "-s",
            str(SCRIPT),
            url,
        ]
        environment = os.environ | {
            "ROUTE": route,
            "KEY": keys["write" if route == "track" else "secret"],
            "PEOPLE": str(people),
            "PERIOD_MS": str(round(connections / rate * 1000)),
        }
        running[route] = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    found = {}
    for route, process in running.items():
        told, _ = process.communicate(timeout=seconds + 60)
        lines = [line for line in told.splitlines() if line.startswith("{")]
        if not lines:
            raise RuntimeError(f"wrk said nothing of {route}: {told[-500:]}")
        found[route] = json.loads(lines[-1])
    return found


def errors(found: dict[str, dict]) -> int:
    """All that went wrong."""
    return sum(told[kind] for told in found.values() for kind in ("connect", "read", "write", "timeout", "status"))
