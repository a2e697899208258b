"""The meaning of every kind of feature as plain loops over a person's events: another program, not another query."""

import itertools
from collections import Counter

from growthbench.base.clock import DAY_US


def one(links, person, moment, horizon):
    """The person and everybody who was known to be merged into them: known to begin, and not known to have ended."""
    members = set()
    for link in links:
        begun = link["seq"] <= horizon and link["received_at"] <= moment
        ended = link["until_seq"] is not None and link["until_seq"] <= horizon and link["until_received_at"] <= moment
        if link["person"] == person and begun and not ended:
            members.add(link["member"])
    return {person} | members


def visible(rows, persons, moment, horizon):
    """What was known, oldest first; of one instant the smaller event_id (UTF-8 bytes) first."""
    known = [
        r for r in rows
        if r["person"] in persons and r["timestamp"] < moment and r["received_at"] <= moment and r["seq"] <= horizon
    ]  # fmt: skip
    return sorted(known, key=lambda r: (r["timestamp"], r["event_id"].encode()))


def compute(catalogue, events, values, spine, links=()):
    """Every column of a catalogue for every (person, moment, horizon): floats, texts, None for unknown."""
    result = {c: [] for c in catalogue.names}
    for person, moment, horizon in spine:
        persons = one(links, person, moment, horizon)
        seen, told = visible(events, persons, moment, horizon), visible(values, persons, moment, horizon)
        for feature in catalogue:
            for column, days in feature.named_windows():
                result[column].append(_KINDS[feature.kind](feature, seen, told, moment, days))
    return result


def belongs(event, events):
    """Whether an event is of a declared set."""
    if not events.clauses:
        return True
    return any(
        (not names or event["name"] in names) and all(event[c] == v for c, v in where)
        for names, where in events.clauses
    )


def within(seen, moment, days):
    """Events of the last days: half open, ``moment - days <= timestamp < moment``."""
    return seen if days is None else [e for e in seen if e["timestamp"] >= moment - days * DAY_US]


def _chosen(f, seen, moment, days):
    return within([e for e in seen if belongs(e, f.events)], moment, days)


def _values(f, seen, moment, days):
    return [e[f.of] for e in _chosen(f, seen, moment, days) if e[f.of] is not None]


def _ratio(over, under):
    return over / under if under else None


def _scale(f):
    return DAY_US if f.unit == "days" else 1


def _gaps(f, seen, moment, days):
    times = [e["timestamp"] for e in _chosen(f, seen, moment, days)]
    return [b - a for a, b in itertools.pairwise(times)]


def count(f, seen, told, moment, days):
    return float(len(_chosen(f, seen, moment, days)))


def total(f, seen, told, moment, days):
    return float(sum(_values(f, seen, moment, days)))


def mean(f, seen, told, moment, days):
    values = _values(f, seen, moment, days)
    return _ratio(sum(values), len(values))


def distinct(f, seen, told, moment, days):
    return float(len(set(_values(f, seen, moment, days))))


def active_days(f, seen, told, moment, days):
    return float(len({e["timestamp"] // DAY_US for e in _chosen(f, seen, moment, days)}))


def last(f, seen, told, moment, days):
    values = _values(f, seen, moment, days)
    return values[-1] if values else None


def first(f, seen, told, moment, days):
    values = _values(f, seen, moment, days)
    return values[0] if values else None


def trait(f, seen, told, moment, days):
    column = "text_value" if f.text else "int_value"
    values = [r[column] for r in told if r["key"] == f.of and r[column] is not None]
    if not values:
        return None
    return values[-1] if f.text else float(values[-1])


def recency(f, seen, told, moment, days):
    chosen = _chosen(f, seen, moment, days)
    return (moment - chosen[-1]["timestamp"]) / _scale(f) if chosen else None


def tenure(f, seen, told, moment, days):
    chosen = _chosen(f, seen, moment, days)
    return (moment - chosen[0]["timestamp"]) / _scale(f) if chosen else None


def sessions(f, seen, told, moment, days):
    chosen = _chosen(f, seen, moment, days)
    return float(bool(chosen) + sum(gap > f.n for gap in _gaps(f, seen, moment, days)))


def mean_gap(f, seen, told, moment, days):
    gaps = _gaps(f, seen, moment, days)
    return _ratio(sum(gaps), len(gaps) * _scale(f))


def median_gap(f, seen, told, moment, days):
    gaps = sorted(_gaps(f, seen, moment, days))
    if not gaps:
        return None
    return (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / (2 * _scale(f))


def top(f, seen, told, moment, days):
    counts = Counter(_values(f, seen, moment, days))
    return min(counts, key=lambda v: (-counts[v], v.encode())) if counts else None


def trend(f, seen, told, moment, days):
    short, long = (len(_chosen(f, seen, moment, d)) for d in (f.short, f.n))
    return _ratio(short * f.n, long * f.short)


def share(f, seen, told, moment, days):
    base = [e for e in within(seen, moment, days) if belongs(e, f.base)]
    return _ratio(len(_chosen(f, seen, moment, days)), len(base))


def among_last(f, seen, told, moment, days):
    return float(sum(belongs(e, f.events) for e in seen[-f.n :]))


_KINDS = {f.__name__: f for f in (
    count, total, mean, distinct, active_days, last, first, trait, recency, tenure, sessions, mean_gap, median_gap, top,
    trend, share, among_last,
)}  # fmt: skip
