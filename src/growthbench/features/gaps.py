"""Parts over the pauses between neighbouring events: sessions and the median pause."""

from collections.abc import Sequence

import ibis
from ibis import _

from growthbench.features.parts import Part
from growthbench.features.ranks import newest_first
from growthbench.features.seen import Seen


def sessions(parts: Sequence[Part], seen: Seen) -> ibis.Table:
    """``row_id`` and the number of sessions of one set of events, for every window and idle time."""
    made = {p.name: _.count(where=_begins(p)) for p in parts}
    return _spaced(parts, seen).group_by("row_id").aggregate(**made)


def middles(parts: Sequence[Part], seen: Seen) -> ibis.Table:
    """``row_id`` and lower and upper middle of the pauses of one set of events in one window.

    They are found by rank; no engine divides, and interpolation is left to the finishing step.
    """
    window_us = parts[0].window_us
    inside = _.before.notnull() if window_us is None else _.before <= window_us
    pauses = _spaced(parts, seen).filter(inside).select("row_id", pause=_.before - _.age)
    ranked = pauses.mutate(
        twice=ibis.row_number().over(ibis.window(group_by="row_id", order_by="pause")) * 2,
        n=_.count().over(ibis.window(group_by="row_id")),
    )
    odd = _.twice + 1 == _["n"]
    where = {"gap_low": odd | (_.twice + 2 == _["n"]), "gap_high": odd | (_.twice == _["n"])}
    return ranked.group_by("row_id").aggregate(**{p.name: _.pause.max(where=where[p.shape]) for p in parts})


def _spaced(parts: Sequence[Part], seen: Seen) -> ibis.Table:
    """Events of the set with ``before``: the age of the one before, NULL for the oldest."""
    flag = seen.flag(parts[0].events)
    table = seen.table if flag is None else seen.table.filter(flag)
    window = ibis.window(group_by="row_id", order_by=newest_first())
    return table.select("row_id", "age", before=table.age.lead().over(window))


def _begins(part: Part):
    """The event begins a session: nothing before it inside the window, or a pause longer than idle."""
    alone = _.before.isnull() | (_.before - _.age > part.n)
    if part.days is None:
        return alone
    return (_.age <= part.window_us) & (alone | (_.before > part.window_us))
