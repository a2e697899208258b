"""What each kind of feature asks of the engines, how it is finished, and how it is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from growthbench.base.clock import DAY_US, MINUTE_US
from growthbench.features.feature import Feature, Window
from growthbench.features.filters import ANY, quoted
from growthbench.features.finishing import Step
from growthbench.features.parts import Part

Made = tuple[list[Part], Step]


@dataclass(frozen=True)
class Kind:
    """One kind: its meaning, the value of an empty window, its parts and step for one column."""

    about: str
    empty: str
    make: Callable[[Feature, str, Window], Made]
    written: Callable[[Feature], Iterator[str]]

    def arguments(self, feature: Feature) -> Iterator[str]:
        """The arguments of the declaration, as source."""
        yield quoted(feature.name)
        yield from self.written(feature)
        if feature.windows is not None:
            yield f"windows={feature.windows!r}"
        if feature.unit:
            yield f"unit={quoted(feature.unit)}"
        if feature.about:
            yield f"about={quoted(feature.about)}"


def made(feature: Feature) -> Iterator[Made]:
    """Parts and finishing step of every column of a feature."""
    for column, days in feature.named_windows():
        yield KINDS[feature.kind].make(feature, column, days)


def _scale(feature: Feature) -> int:
    return DAY_US if feature.unit == "days" else 1


def _single(shape: str, n: bool = False) -> Callable[[Feature, str, Window], Made]:
    def make(f: Feature, c: str, d: Window) -> Made:
        part = Part(c, shape, f.events, f.of, d, f.n if n else 0)
        return [part], Step(c, ((c, 1),), text=part.is_text)

    return make


def _age(shape: str) -> Callable[[Feature, str, Window], Made]:
    def make(f: Feature, c: str, d: Window) -> Made:
        part = f"{c}__us"
        return [Part(part, shape, f.events, days=d)], Step(c, ((part, 1),), plus=_scale(f))

    return make


def _mean(f: Feature, c: str, d: Window) -> Made:
    parts = [Part(f"{c}__sum", "sum", f.events, f.of, d), Part(f"{c}__n", "count", f.events, f.of, d)]
    return parts, Step(c, ((f"{c}__sum", 1),), ((f"{c}__n", 1),), plus=0)


def _active_days(f: Feature, c: str, d: Window) -> Made:
    return [Part(c, "distinct", f.events, "day", d)], Step(c, ((c, 1),))


def _mean_gap(f: Feature, c: str, d: Window) -> Made:
    # The pauses telescope: (newest - oldest) / (n - 1), with ages instead of times.
    new, old, n = f"{c}__newest", f"{c}__oldest", f"{c}__n"
    parts = [
        Part(new, "newest", f.events, days=d),
        Part(old, "oldest", f.events, days=d),
        Part(n, "count", f.events, days=d),
    ]
    scale = _scale(f)
    return parts, Step(c, ((old, 1), (new, -1)), ((n, scale),), plus=-scale)


def _median_gap(f: Feature, c: str, d: Window) -> Made:
    low, high = f"{c}__low", f"{c}__high"
    parts = [Part(low, "gap_low", f.events, days=d), Part(high, "gap_high", f.events, days=d)]
    return parts, Step(c, ((low, 1), (high, 1)), plus=2 * _scale(f))


def _trend(f: Feature, c: str, _: Window) -> Made:
    short, long = f"{c}__short", f"{c}__long"
    parts = [Part(short, "count", f.events, days=f.short), Part(long, "count", f.events, days=f.n)]
    return parts, Step(c, ((short, f.n),), ((long, f.short),), plus=0)


def _share(f: Feature, c: str, d: Window) -> Made:
    some, all_ = f"{c}__some", f"{c}__of"
    parts = [Part(some, "count", f.events, days=d), Part(all_, "count", f.base, days=d)]
    return parts, Step(c, ((some, 1),), ((all_, 1),), plus=0)


def _trait(f: Feature, c: str, _: Window) -> Made:
    return [Part(c, "trait_text" if f.text else "trait_int", of=f.of)], Step(c, ((c, 1),), text=f.text)


def _events(f: Feature) -> Iterator[str]:
    if f.events != ANY:
        yield repr(f.events)


def _events_of(f: Feature) -> Iterator[str]:
    yield from _events(f)
    yield f"of={quoted(f.of)}"


def _written_share(f: Feature) -> Iterator[str]:
    yield repr(f.events)
    yield repr(f.base)


def _written_trait(f: Feature) -> Iterator[str]:
    if f.of != f.name:
        yield quoted(f.of)
    yield f"kind={quoted('text' if f.text else 'int')}"


def _written_sessions(f: Feature) -> Iterator[str]:
    yield from _events(f)
    yield f"idle={f'minutes({f.n // MINUTE_US})' if f.n % MINUTE_US == 0 else f.n}"


def _written_trend(f: Feature) -> Iterator[str]:
    yield from _events(f)
    yield f"short={f.short}, long={f.n}"


def _written_among(f: Feature) -> Iterator[str]:
    yield repr(f.events)
    yield f"n={f.n}"


KINDS = {
    "count": Kind("number of events", "0", _single("count"), _events),
    "total": Kind("sum of a whole-number column", "0", _single("sum"), _events_of),
    "mean": Kind("mean of a whole-number column", "unknown", _mean, _events_of),
    "distinct": Kind("number of different values", "0", _single("distinct"), _events_of),
    "active_days": Kind("number of days with an event", "0", _active_days, _events),
    "last": Kind("newest value", "unknown", _single("last"), _events_of),
    "first": Kind("oldest value", "unknown", _single("first"), _events_of),
    "trait": Kind("newest value told", "unknown", _trait, _written_trait),
    "recency": Kind("time since the newest event", "unknown", _age("newest"), _events),
    "tenure": Kind("time since the oldest event", "unknown", _age("oldest"), _events),
    "sessions": Kind("number of runs of events", "0", _single("sessions", n=True), _written_sessions),
    "mean_gap": Kind("mean pause between events", "unknown", _mean_gap, _events),
    "median_gap": Kind("median pause between events", "unknown", _median_gap, _events),
    "top": Kind("most frequent value", "unknown", _single("top"), _events_of),
    "trend": Kind("rate in a short window over that in a long one", "unknown", _trend, _written_trend),
    "share": Kind("number of events over number of others", "unknown", _share, _written_share),
    "among_last": Kind("number among the newest n events", "0", _single("among", n=True), _written_among),
}
"""The closed list of kinds; `grammar` has one function for each."""
