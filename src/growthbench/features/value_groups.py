"""Parts over the different values of a column: how many, and which one most often."""

from collections.abc import Sequence

import ibis
from ibis import _

from growthbench.features.filters import ANY
from growthbench.features.parts import Part
from growthbench.features.seen import Seen

_TURN = 10**17
"""Counts are turned round (``_TURN - n``, always 17 digits) so that the smallest packed text has the greatest count."""


def aggregated(parts: Sequence[Part], seen: Seen) -> ibis.Table:
    """``row_id`` and every part of one column: grouped by (row, value) once for all windows and sets of events."""
    grouped, made = {}, {}
    for i, part in enumerate(parts):
        if part.shape == "top":
            grouped[f"n_{i}"] = _.count(where=seen.where(part))
            made[part.name] = _top(f"n_{i}")
        else:
            newest = f"newest_{seen.number(part.events) + 1}"
            grouped[newest] = _.age.min(where=seen.flag(part.events))
            made[part.name] = _distinct(part, newest)
    values = seen.table.filter(_[parts[0].of].notnull(), *_wanted(seen, parts))
    return values.group_by("row_id", value=_[parts[0].of]).aggregate(**grouped).group_by("row_id").aggregate(**made)


def _wanted(seen: Seen, parts: Sequence[Part]) -> list:
    """Leave out events that no part reads."""
    sets = dict.fromkeys(p.events for p in parts)
    if ANY in sets:
        return []
    first, *others = (seen.flag(s) for s in sets)
    for flag in others:
        first = first | flag
    return [first]


def _distinct(part: Part, newest: str):
    # A value is in the last d days iff its newest occurrence is.
    return _.count(where=_[newest].notnull() if part.days is None else _[newest] <= part.window_us)


def _top(n: str):
    packed = (_TURN - _[n]).cast("string") + _["value"]
    return packed.min(where=_[n] > 0).substr(17)
