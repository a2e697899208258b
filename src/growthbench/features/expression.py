"""Raw parts as one Ibis expression over three unbound tables.

Every form is portable: integers and texts, total orders, windows after the join (a late event changes its neighbours
from moment to moment). Two tricks pay: a value is in the last d days iff its newest occurrence is, so that one group
serves all windows; all times are ages before the moment, so that conditions compare with constants.
"""

from collections.abc import Callable, Iterator, Sequence

import ibis
from ibis import _

from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS
from growthbench.features import gaps, ranks, sums, traits, value_groups
from growthbench.features.parts import ZERO_WHEN_EMPTY, Part
from growthbench.features.seen import Seen, longest_window, names_read

SPINE = {"row_id": "int64", "tenant_id": "string", "person": "string", "moment": "int64", "horizon": "int64"}
"""Columns of the spine: ``row_id`` numbers the rows asked for and is the only key inside the expression; people who
were merged into a row's person have spine rows of the same number."""

_TYPES = {"text": "string", "int": "int64"}

Form = Callable[[Sequence[Part], Seen], ibis.Table]


def unbound_tables() -> tuple[ibis.Table, ibis.Table, ibis.Table]:
    """The tables ``spine``, ``events`` and ``event_values``, as names to be bound by a statement."""
    events = {f.name: _TYPES[f.kind] for f in EVENT_FIELDS}
    values = {f.name: _TYPES[f.kind] for f in VALUE_FIELDS}
    return ibis.table(SPINE, "spine"), ibis.table(events, "events"), ibis.table(values, "event_values")


def expression(parts: Sequence[Part], spine: ibis.Table, events: ibis.Table, values: ibis.Table) -> ibis.Table:
    """One row per ``row_id`` of the spine, and every part, int64 or string.

    People without events get a row too: zeros where the empty value is 0, else NULL.

    Parameters
    ----------
    parts : sequence of Part
    spine, events, values : ibis.Table
        With the columns of `unbound_tables`.
    """
    rows = result = spine.select("row_id").distinct()
    columns = {}
    for i, (branch, some) in enumerate(_branches(parts, spine, events, values)):
        keyed = branch.rename({f"row_{i}": "row_id"})
        result = result.left_join(keyed, rows.row_id == keyed[f"row_{i}"])
        columns |= {p.name: _[p.name].fill_null(0) if p.shape in ZERO_WHEN_EMPTY else _[p.name] for p in some}
    return result.select("row_id", **{p.name: columns[p.name] for p in parts})


def _branches(parts: Sequence[Part], spine, events, values) -> Iterator[tuple[ibis.Table, Sequence[Part]]]:
    """Parts that are computed together, each group as a table by ``row_id``."""
    sharing: dict[tuple, list[tuple[Form, list[Part]]]] = {}
    for key, some in _grouped(parts, _plain).items():
        sharing.setdefault((names_read(some), longest_window(some)), []).append((key[0], some))
    for forms in sharing.values():
        seen = Seen([p for _form, some in forms for p in some], spine, events)
        yield from ((form(some, seen), some) for form, some in forms)
    for key, some in _grouped(parts, _ordered).items():
        yield key[0](some, Seen(some, spine, events, ordered=True)), some
    for key, some in _grouped(parts, _told).items():
        yield key[0](some, spine, values), some


def _grouped(parts: Sequence[Part], key: Callable[[Part], tuple | None]) -> dict[tuple, list[Part]]:
    groups: dict[tuple, list[Part]] = {}
    for part in parts:
        if (k := key(part)) is not None:
            groups.setdefault(k, []).append(part)
    return groups


def _plain(part: Part) -> tuple | None:
    """Forms over events in any order; parts of all history are kept apart from those of the last days."""
    match part.shape:
        case "count" | "sum" | "newest" | "oldest":
            return sums.aggregated, part.days is None
        case "distinct" | "top":
            return value_groups.aggregated, part.days is None, part.of


def _ordered(part: Part) -> tuple | None:
    """Forms that heed the order of events: these are wide, so that each has a join of its own."""
    match part.shape:
        case "last" | "first":
            return (ranks.ends,)
        case "among":
            return (ranks.among,)
        case "sessions":
            return gaps.sessions, part.events
        case "gap_low" | "gap_high":
            return gaps.middles, part.events, part.days


def _told(part: Part) -> tuple | None:
    """Forms over ``event_values``."""
    return (traits.newest, part.shape) if part.shape in ("trait_text", "trait_int") else None
