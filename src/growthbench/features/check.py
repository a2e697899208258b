"""Does a catalogue read the future? Random logs, computed twice: with and without what nobody could know yet.

The second log holds, beside the visible events, events at and after the moment, events received after it and events
with a higher ``seq``, each also exactly on the border. If one raw value differs, some feature (or the join) saw them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.clock import DAY_US, HOUR_US
from growthbench.base.errors import LeakError
from growthbench.events.data import EventData
from growthbench.events.schema import PROPERTY_COLUMNS
from growthbench.features import duck
from growthbench.features.catalogue import Catalogue
from growthbench.features.statement import compiled

PEOPLE = ("ann", "bob", "eve")
_DELAYS = np.array([0, 0, 1, HOUR_US, DAY_US, 9 * DAY_US])


@dataclass(frozen=True)
class Difference:
    """A raw value that changed when only invisible events were added."""

    column: str
    person: str
    moment: int
    known: object
    with_future: object


def reads_future(
    catalogue: Catalogue, rng: np.random.Generator, rounds: int = 60, events: int = 60
) -> list[Difference]:
    """Differences found; empty if the catalogue keeps to what was known.

    Parameters
    ----------
    catalogue : Catalogue
    rng : numpy.random.Generator
    rounds : int, default 60
        Logs drawn; each is looked at from one moment, taken from its own events.
    events : int, default 60
        Events of a log.
    """
    drawn = [_round(catalogue, rng, events, f"round {i}") for i in range(rounds)]
    spine = pa.concat_tables([d.spine for d in drawn])
    spine = spine.append_column("row_id", pa.array(np.arange(spine.num_rows)))
    sql = compiled(catalogue.parts, "duckdb")
    with duck.connected(memory_mb=512, threads=1) as connection:
        before = _raw(connection, sql, spine, [d.known for d in drawn])
        after = _raw(connection, sql, spine, [d.full for d in drawn])
    return list(_differences(catalogue, spine, before, after))


def require_blind(catalogue: Catalogue, rng: np.random.Generator, rounds: int = 60) -> None:
    """Raise LeakError naming the columns that read the future."""
    if found := reads_future(catalogue, rng, rounds):
        columns = sorted({d.column for d in found})
        raise LeakError(f"{', '.join(columns)} know what had not happened or was not known yet: first {found[0]}")


@dataclass(frozen=True)
class _Round:
    """One log under its own tenant: what was known, the same with what was not, and three people's spine rows."""

    known: EventData
    full: EventData
    spine: pa.Table


def _round(catalogue: Catalogue, rng: np.random.Generator, n: int, tenant: str) -> _Round:
    log = _draw(catalogue, rng, n, tenant)
    moment, horizon = _border(log, rng)
    known = EventData(*(_visible(t, moment, horizon) for t in (log.events, log.values)))
    planted = [_planted(log, kind, moment, horizon) for kind in _BORDERS]
    full = EventData(
        pa.concat_tables([log.events, *(p.events for p in planted)]),
        pa.concat_tables([log.values, *(p.values for p in planted)]),
    )
    people = len(PEOPLE)
    spine = {"tenant_id": [tenant] * people, "person": list(PEOPLE), "moment": [moment] * people,
             "horizon": [horizon] * people}  # fmt: skip
    return _Round(known, full, pa.table(spine))


def _draw(catalogue: Catalogue, rng: np.random.Generator, n: int, tenant: str) -> EventData:
    """A log whose names and texts are those that the declarations speak of, on a coarse clock (many equal instants)."""
    names, texts, keys = _vocabulary(catalogue)
    timestamp = rng.integers(0, 40 * 24, n) * HOUR_US
    numbers = {c.name: rng.integers(1, 1000, n) for c in PROPERTY_COLUMNS if c.kind == "int"}
    words = {c.name: rng.choice(texts, n) for c in PROPERTY_COLUMNS if c.kind == "text"}
    ids = np.array([f"e{i}" for i in rng.permutation(n)])
    raw = {"event_id": ids, "person": rng.choice(PEOPLE, n), "name": rng.choice(names, n), "timestamp": timestamp,
           "received_at": timestamp + rng.choice(_DELAYS, n), **numbers, **words}  # fmt: skip
    values = None
    if keys:
        told = {
            "event_id": np.repeat(ids, len(keys)),
            "key": np.tile(keys, n),
            "text_value": rng.choice(texts, n * len(keys)),
            "int_value": rng.integers(0, 100, n * len(keys)),
        }
        values = _table(told)
    return EventData.from_raw(_table(raw), values, tenant)


def _vocabulary(catalogue: Catalogue) -> tuple[list[str], list[str], list[str]]:
    sets = [s for f in catalogue for s in (f.events, f.base)]
    names = {n for s in sets for names, _ in s.clauses for n in names} | {"page_view"}
    texts = {v for s in sets for _, where in s.clauses for _, v in where} | {"a", "b", "c"}
    return sorted(names), sorted(texts), sorted({f.of for f in catalogue if f.kind == "trait"})


def _table(columns: dict[str, np.ndarray]) -> pa.Table:
    return pa.table({c: pa.array(v.tolist(), pa.int64() if v.dtype.kind == "i" else pa.string())
                     for c, v in columns.items()})  # fmt: skip


def _border(log: EventData, rng: np.random.Generator) -> tuple[int, int]:
    """A moment that is the time of an event (of its happening or of its receipt), and a horizon."""
    marks = log.events[("timestamp", "received_at")[rng.integers(2)]].to_pylist()
    moment = int(rng.choice(marks[len(marks) // 4 :]))
    horizon = log.horizon if rng.random() < 0.5 else int(rng.integers(log.horizon // 4, log.horizon))
    return moment, horizon


def _visible(table: pa.Table, moment: int, horizon: int) -> pa.Table:
    happened = pc.less(table["timestamp"], moment)
    received = pc.less_equal(table["received_at"], moment)
    return table.filter(pc.and_(pc.and_(happened, received), pc.less_equal(table["seq"], horizon)))


_BORDERS = {
    "at the moment": lambda moment, horizon: {"timestamp": moment, "received_at": moment, "seq": horizon},
    "received after it": lambda moment, horizon: {"timestamp": moment - 1, "received_at": moment + 1, "seq": horizon},
    "beyond the horizon": lambda moment, horizon: {"timestamp": moment - 1, "received_at": moment, "seq": horizon + 1},
}
"""Invisible by exactly one step each, with all else as visible as can be."""


def _planted(log: EventData, kind: str, moment: int, horizon: int) -> EventData:
    """Every fifth event once more, as somebody could have known it one step later."""
    chosen = log.events["event_id"].take(pa.array(np.arange(0, len(log), 5)))
    changed = _BORDERS[kind](moment, horizon)
    return EventData(*(_changed(t, chosen, kind, changed) for t in (log.events, log.values)))


def _changed(table: pa.Table, chosen: pa.ChunkedArray, kind: str, changed: dict[str, int]) -> pa.Table:
    table = table.filter(pc.is_in(table["event_id"], chosen.combine_chunks()))
    columns = dict(zip(table.column_names, table.columns, strict=True))
    columns |= {c: pa.chunked_array([np.full(table.num_rows, v, np.int64)]) for c, v in changed.items()}
    columns["event_id"] = pc.binary_join_element_wise(table["event_id"], kind, " ")
    return pa.table(list(columns.values()), schema=table.schema)


def _raw(connection, sql: str, spine: pa.Table, logs: list[EventData]) -> dict[str, list]:
    connection.register("spine", spine)
    connection.register("events", pa.concat_tables([d.events for d in logs]))
    connection.register("event_values", pa.concat_tables([d.values for d in logs]))
    return duck.arrow(connection, sql).sort_by("row_id").to_pydict()


def _differences(catalogue: Catalogue, spine: pa.Table, before: dict, after: dict) -> Iterator[Difference]:
    people, moments = spine["person"].to_pylist(), spine["moment"].to_pylist()
    for column in (p.name for p in catalogue.parts):
        for person, moment, known, future in zip(people, moments, before[column], after[column], strict=True):
            if known != future:
                yield Difference(column, person, moment, known, future)
