"""Small files of events and a way to import them in one line."""

import gzip

import pytest

from growthbench.events.importing import read_events
from growthbench.events.mapping import parse_mapping

PLAIN = "events: {person: user, name: event, timestamp: time, amount: amount, quantity: n}\n"


@pytest.fixture
def write(tmp_path):
    """Write a file of the given text or bytes; packed if its name ends in .gz."""

    def make(name, content):
        path = tmp_path / name
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw)
        return path

    return make


@pytest.fixture
def imported(write, tmp_path):
    """Read a file's text into memory: rows as dicts, report, and what the quarantine says."""

    def make(content, mapping=PLAIN, name="rows.csv"):
        import json

        place = tmp_path / "refused.jsonl"
        data, report = read_events(write(name, content), parse_mapping(mapping), place)
        refused = [json.loads(line) for line in place.read_text().split("\n") if line] if place.exists() else []
        return data.events.to_pylist(), data.values.to_pylist(), report, refused

    return make
