"""The words of a declaration: a closed list, so that every feature has one fixed form on every engine.

``from growthbench.features.grammar import *`` gives what a catalogue file (and the ``repr`` of a feature) is written
with. Windows are whole days ending at the moment: ``windows=(7, 30, None)`` makes ``name_7d name_30d name_all``;
without ``windows`` there is one column ``name`` over all history. ``of`` names a column of the event.
"""

from growthbench.base.clock import MINUTE_US
from growthbench.base.errors import BadInputError
from growthbench.events.catalogue import PROPERTIES
from growthbench.events.schema import EVENT_FIELDS
from growthbench.features.feature import Feature, Window
from growthbench.features.filters import ANY, Events, on

__all__ = [
    "active_days", "among_last", "count", "distinct", "first", "last", "mean", "mean_gap", "median_gap", "minutes",
    "on", "recency", "sessions", "share", "tenure", "top", "total", "trait", "trend",
]  # fmt: skip

Windows = tuple[Window, ...] | None
_INTEGERS = frozenset({"amount", "quantity"})
_TEXTS = frozenset(f.name for f in EVENT_FIELDS if f.kind == "text" and f.nullable and f.name != "properties") | {
    "name"
}
_DECLARED = {p.name: p.kind for p in PROPERTIES}


def minutes(n: int) -> int:
    """Minutes as microseconds."""
    return n * MINUTE_US


def count(
    name: str, events: Events = ANY, *, windows: Windows = None, unit: str = "events", about: str = ""
) -> Feature:
    """How many events; 0 when there are none."""
    return Feature("count", name, events, windows=windows, unit=unit, about=about)


def total(
    name: str, events: Events = ANY, *, of: str, windows: Windows = None, unit: str = "minor", about: str = ""
) -> Feature:
    """Sum of an integer column (``amount`` in minor units, ``quantity``); 0 when there is none."""
    return Feature("total", name, events, of=_one_of(of, _INTEGERS), windows=windows, unit=unit, about=about)


def mean(
    name: str, events: Events = ANY, *, of: str, windows: Windows = None, unit: str = "minor", about: str = ""
) -> Feature:
    """Mean of an integer column over the events that have it; unknown when there is none."""
    return Feature("mean", name, events, of=_one_of(of, _INTEGERS), windows=windows, unit=unit, about=about)


def distinct(
    name: str, events: Events = ANY, *, of: str, windows: Windows = None, unit: str = "values", about: str = ""
) -> Feature:
    """How many different values of a text column; 0 when there are none."""
    return Feature("distinct", name, events, of=_one_of(of, _TEXTS), windows=windows, unit=unit, about=about)


def active_days(
    name: str, events: Events = ANY, *, windows: Windows = None, unit: str = "days", about: str = ""
) -> Feature:
    """On how many days (UTC) there was an event."""
    return Feature("active_days", name, events, windows=windows, unit=unit, about=about)


def last(
    name: str, events: Events = ANY, *, of: str, windows: Windows = None, unit: str = "text", about: str = ""
) -> Feature:
    """Value of a text column in the newest event that has one; at one instant the greater event_id is the newer."""
    return Feature("last", name, events, of=_one_of(of, _TEXTS), windows=windows, text=True, unit=unit, about=about)


def first(
    name: str, events: Events = ANY, *, of: str, windows: Windows = None, unit: str = "text", about: str = ""
) -> Feature:
    """Value of a text column in the oldest event that has one."""
    return Feature("first", name, events, of=_one_of(of, _TEXTS), windows=windows, text=True, unit=unit, about=about)


def trait(name: str, key: str | None = None, *, kind: str | None = None, unit: str = "", about: str = "") -> Feature:
    """Newest value told under a key (an ``identify`` trait or another declared property without a column).

    ``key`` is the feature's name unless given; ``kind`` ("text" or "int") is looked up in the event catalogue.
    """
    kind = kind or _DECLARED.get(key or name)
    if kind not in ("text", "int"):
        raise BadInputError(f"{name}: {key or name!r} is not in the event catalogue; say kind='text' or 'int'", "kind")
    return Feature("trait", name, of=key or name, text=kind == "text", unit=unit or kind, about=about)


def recency(
    name: str, events: Events = ANY, *, windows: Windows = None, unit: str = "days", about: str = ""
) -> Feature:
    """Time since the newest event, in ``days`` or ``us``; unknown when there is none."""
    return Feature("recency", name, events, windows=windows, unit=_time_unit(unit), about=about)


def tenure(name: str, events: Events = ANY, *, windows: Windows = None, unit: str = "days", about: str = "") -> Feature:
    """Time since the oldest event, in ``days`` or ``us``; unknown when there is none."""
    return Feature("tenure", name, events, windows=windows, unit=_time_unit(unit), about=about)


def sessions(
    name: str,
    events: Events = ANY,
    *,
    idle: int = minutes(30),
    windows: Windows = None,
    unit: str = "sessions",
    about: str = "",
) -> Feature:
    """Runs of events in the window without a pause longer than ``idle`` µs."""
    if not (type(idle) is int and idle > 0):
        raise BadInputError(f"{name}: idle is a positive whole number of µs, found {idle!r}", "idle")
    return Feature("sessions", name, events, n=idle, windows=windows, unit=unit, about=about)


def mean_gap(
    name: str, events: Events = ANY, *, windows: Windows = None, unit: str = "days", about: str = ""
) -> Feature:
    """Mean pause between events in the window; unknown with fewer than two."""
    return Feature("mean_gap", name, events, windows=windows, unit=_time_unit(unit), about=about)


def median_gap(
    name: str, events: Events = ANY, *, windows: Windows = None, unit: str = "days", about: str = ""
) -> Feature:
    """Median pause between events in the window; unknown with fewer than two."""
    return Feature("median_gap", name, events, windows=windows, unit=_time_unit(unit), about=about)


def top(
    name: str, events: Events = ANY, *, of: str, windows: Windows = None, unit: str = "text", about: str = ""
) -> Feature:
    """Most frequent value of a text column, ties by the smaller text (UTF-8 bytes)."""
    return Feature("top", name, events, of=_one_of(of, _TEXTS), windows=windows, text=True, unit=unit, about=about)


def trend(name: str, events: Events = ANY, *, short: int, long: int, unit: str = "ratio", about: str = "") -> Feature:
    """Events a day in the last ``short`` days, over the same in the last ``long`` days; unknown when there are none."""
    if not (type(short) is int and type(long) is int and 0 < short < long):
        raise BadInputError(f"{name}: short and long are days, short the smaller, found {short!r}, {long!r}", "short")
    return Feature("trend", name, events, short=short, n=long, unit=unit, about=about)


def share(
    name: str, events: Events, of: Events, *, windows: Windows = None, unit: str = "ratio", about: str = ""
) -> Feature:
    """Number of ``events`` over number of the events ``of``; unknown when there are none of those."""
    return Feature("share", name, events, base=of, windows=windows, unit=unit, about=about)


def among_last(name: str, events: Events, *, n: int, unit: str = "events", about: str = "") -> Feature:
    """How many of the person's newest ``n`` events (of any kind) are ``events``."""
    if not (type(n) is int and n > 0):
        raise BadInputError(f"{name}: n is a positive whole number, found {n!r}", "n")
    return Feature("among_last", name, events, n=n, unit=unit, about=about)


def _one_of(column: str, known: frozenset[str]) -> str:
    if column not in known:
        raise BadInputError(f"of must be one of {', '.join(sorted(known))}, found {column!r}", "of")
    return column


def _time_unit(unit: str) -> str:
    if unit not in ("days", "us"):
        raise BadInputError(f"unit of a time must be days or us, found {unit!r}", "unit")
    return unit
