"""A tiny log written by hand."""

import pyarrow as pa
import pytest

from growthbench.base.clock import DAY_US, to_us
from growthbench.events.data import EventData
from growthbench.events.lake import Lake

START = to_us("2026-01-01T00:00:00Z")


@pytest.fixture
def make_lake(tmp_path):
    """From rows (person, name, day, day of receipt or None for at once) to a lake; days count from 2026-01-01."""

    def make(rows) -> Lake:
        day = [START + round(r[2] * DAY_US) for r in rows]
        known = [START + round((r[3] if len(r) > 3 else r[2]) * DAY_US) for r in rows]
        events = pa.table(
            {
                "event_id": [f"e{i:05d}" for i in range(len(rows))],
                "person": [r[0] for r in rows],
                "name": [r[1] for r in rows],
                "timestamp": day,
                "received_at": known,
            }
        )
        return Lake(tmp_path / "lake").write(EventData.from_raw(events))

    return make
