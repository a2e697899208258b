"""Events into the Door, by wrk: every message has an id of its own, so every one is stored."""

import os
import uuid
from pathlib import Path

import psutil

from benchmarks.serving.load import load

SCRIPT = Path(__file__).parent / "post_events.lua"


def batches(url: str, key: str, pid: int, seconds: int, rounds: int) -> list[dict]:
    """Batches of a hundred; ``events_per_s`` beside the figures of `load`."""
    return [_measured(url, key, pid, seconds, "/v1/batch", 100, connections=16) for _ in range(rounds)]


def singles(url: str, key: str, pid: int, seconds: int, rounds: int) -> list[dict]:
    """One event a request."""
    return [_measured(url, key, pid, seconds, "/v1/track", 1, connections=64) for _ in range(rounds)]


def _measured(url: str, key: str, pid: int, seconds: int, path: str, each: int, connections: int) -> dict:
    os.environ |= {"EVENTS_PATH": path, "EVENTS_EACH": str(each), "EVENTS_TAG": uuid.uuid4().hex}
    told = load(url, SCRIPT, connections, seconds, psutil.Process(pid), key, SCRIPT)
    return told | {"events_per_s": told["per_s"] * each}
