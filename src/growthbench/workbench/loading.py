"""Bring a piece of log from memory into the store, in pieces of one transaction each."""

from growthbench.base.clock import DAY_US, now_us
from growthbench.events.data import EventData
from growthbench.events.log import Appended, EventLog
from growthbench.people.keyed_log import KeyedLog

PIECE_ROWS = 100_000


def ending_now(data: EventData) -> EventData:
    """The same log moved by whole days so that its last event was received within the last day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    days = (now_us() - (pc.max(data.events["received_at"]).as_py() or 0)) // DAY_US
    shifts = {"timestamp": days * DAY_US, "received_at": days * DAY_US, "day": days}

    def moved(table: pa.Table) -> pa.Table:
        for place, field in enumerate(table.schema):
            if field.name in shifts:
                table = table.set_column(place, field, pc.add(table[field.name], shifts[field.name]))
        return table

    return EventData(moved(data.events), moved(data.values))


def bring_in(data: EventData, log: EventLog | KeyedLog, progress=None) -> Appended:
    """Append a whole `EventData` in order of ``seq``; stopped in the middle, it can simply be run again.

    Parameters
    ----------
    log : EventLog or KeyedLog
        A `KeyedLog` takes the persons of the data for user ids.
    """
    import numpy as np

    done = Appended(0, 0, log.horizon())
    ends = np.asarray(data.values["seq"]) if data.values.num_rows else np.empty(0, np.int64)
    for start in range(0, len(data), PIECE_ROWS):
        events = data.events.slice(start, PIECE_ROWS)
        first, last = events["seq"][0].as_py(), events["seq"][-1].as_py()
        low, high = np.searchsorted(ends, [first, last + 1])
        added = log.append_data(EventData(events, data.values.slice(low, high - low)))
        done = Appended(done.new + added.new, done.duplicates + added.duplicates, added.horizon)
        if progress:
            progress("events", start + events.num_rows, len(data))
    return done
