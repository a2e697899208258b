"""The visible events of every spine row, as narrow as the parts that read them allow."""

from collections.abc import Sequence

import ibis
from ibis import _

from growthbench.features import visibility
from growthbench.features.filters import ANY, Events
from growthbench.features.parts import Part


class Seen:
    """Spine joined with events, for parts that read the same names and the same time.

    Only events of the names that the parts read, not older than their longest window, are joined. Parts that differ in
    that have joins of their own: a shared one would carry all columns of all history.

    Attributes
    ----------
    table : ibis.Table
        ``row_id``, ``age`` (moment - timestamp, µs, > 0), ``is_N`` for every set of events, the columns that are read.
    """

    def __init__(self, parts: Sequence[Part], spine: ibis.Table, events: ibis.Table, ordered: bool = False):
        self._sets = list(dict.fromkeys(p.events for p in parts if p.events != ANY))
        columns = sorted({p.of for p in parts if p.of} | ({"event_id"} if ordered else set()))
        flags = {f"is_{i}": matches(s, events) for i, s in enumerate(self._sets)}
        keys = ["tenant_id", "person", "timestamp", "received_at", "seq"]
        names, longest = names_read(parts), longest_window(parts)
        named = events if names is None else events.filter(events.name.isin(sorted(names)))
        known = named.select(*keys, *columns, **flags)
        recent = [] if longest is None else [known.timestamp >= spine.moment - longest]
        joined = spine.join(known, [*visibility.visible(spine, known), *recent])
        age = spine.moment - known.timestamp
        self.table = joined.select(spine.row_id, *(known[c] for c in (*columns, *flags)), age=age)

    def number(self, events: Events) -> int:
        """Number of a set of events among those of the parts; -1 for every event."""
        return -1 if events == ANY else self._sets.index(events)

    def flag(self, events: Events) -> ibis.Deferred | None:
        """Condition "the event is one of these"; None for every event."""
        return None if events == ANY else _[f"is_{self.number(events)}"]

    def where(self, part: Part, *more) -> ibis.Deferred | None:
        """Condition of a part: its events, its window and ``more``; None if every event of the table counts."""
        return all_of([self.flag(part.events), None if part.days is None else _.age <= part.window_us, *more])


def all_of(conditions):
    """Conjunction of the conditions that are not None; None if there is none."""
    result = None
    for condition in conditions:
        if condition is not None:
            result = condition if result is None else result & condition
    return result


def matches(events: Events, table: ibis.Table):
    """Whether an event of the table is of the set."""
    found = None
    for names, where in events.clauses:
        tests = [table.name == names[0] if len(names) == 1 else table.name.isin(names)] if names else []
        test = all_of([*tests, *(table[column] == value for column, value in where)])
        found = test if found is None else found | test
    return found


def longest_window(parts: Sequence[Part]) -> int | None:
    """Longest window of the parts in µs; None if one reads all history."""
    windows = [p.window_us for p in parts]
    return None if None in windows else max(windows, default=0)


def names_read(parts: Sequence[Part]) -> frozenset[str] | None:
    """Names of the events that some part reads; None if any (the newest n may be of any name)."""
    names = [None if p.shape == "among" else p.events.names for p in parts]
    return None if None in names else frozenset().union(*names)
