"""Parts that need the order of a person's events: newest and oldest value, the newest n."""

from collections.abc import Sequence

import ibis
from ibis import _

from growthbench.features.parts import Part
from growthbench.features.seen import Seen

_BASE = 10**9
"""Added to a rank so that all ranks have ten digits and compare as texts like numbers."""


def newest_first() -> list:
    """The total order of events, backwards: newest first, of one instant the greater event_id first."""
    return [ibis.asc("age"), ibis.desc("event_id")]


def aggregated(parts: Sequence[Part], seen: Seen) -> ibis.Table:
    """``row_id`` and every part; ``rank`` is 0 for the newest event of a row."""
    window = ibis.window(group_by="row_id", order_by=newest_first())
    ranked = seen.table.mutate(rank=ibis.row_number().over(window))
    return ranked.group_by("row_id").aggregate(**{p.name: _ranked(seen, p) for p in parts})


def _ranked(seen: Seen, part: Part):
    if part.shape == "among":
        return _.count(where=seen.where(part, _["rank"] < part.n))
    # argmax is not portable: ties are arbitrary, and SQLite answers it with another row's value under a filter.
    packed = (_["rank"] + _BASE).cast("string") + _[part.of]
    where = seen.where(part, _[part.of].notnull())
    return (packed.min(where=where) if part.shape == "last" else packed.max(where=where)).substr(10)
