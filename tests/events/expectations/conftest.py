"""A small sound log, and the same log with one thing broken."""

import pyarrow as pa
import pytest

from growthbench.base.clock import DAY_US
from growthbench.events.data import EventData

START = 1_700_000_000_000_000


@pytest.fixture
def sound():
    """200 events of 10 people, with traits."""
    n = 200
    names = ["page_view", "login", "purchase", "refund"]
    events = pa.table(
        {
            "event_id": [f"e{i:04d}" for i in range(n)],
            "person": [f"u{i % 10}" for i in range(n)],
            "name": [names[i % 4] for i in range(n)],
            "timestamp": [START + i * DAY_US // 8 for i in range(n)],
            "received_at": [START + i * DAY_US // 8 + i for i in range(n)],
            "amount": [{2: 1_000, 3: -500}.get(i % 4) for i in range(n)],
            "currency": ["EUR" if i % 4 >= 2 else None for i in range(n)],
        }
    )
    values = pa.table({"event_id": ["e0000", "e0001"], "key": ["industry", "employees"],
                       "text_value": ["retail", None], "int_value": [None, 50]})  # fmt: skip
    return EventData.from_raw(events, values)


@pytest.fixture
def broken(sound):
    """The sound log with some cells of a column of ``events`` or ``values`` replaced."""

    def make(part, column, cells):
        table = getattr(sound, part)
        index = table.schema.get_field_index(column)
        values = table[column].to_pylist()
        for place, value in cells.items():
            values[place] = value
        field = table.schema.field(index).with_nullable(True)
        table = table.set_column(index, field, pa.array(values, field.type))
        return EventData(**({"events": sound.events, "values": sound.values} | {part: table}))

    return make
