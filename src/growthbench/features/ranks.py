"""Parts that need the order of a person's events: newest and oldest value, the newest n.

The total order of events is (timestamp, event_id).
"""

from collections.abc import Sequence

import ibis
from ibis import _

from growthbench.features.parts import Part
from growthbench.features.seen import Seen

_TURN = 10**17
"""Ages are turned round (``_TURN - age``, always 17 digits) so that the greatest packed text is of the newest event."""

_ESCAPED, _END = "\x01\x02", "\x01\x01"


def newest_first() -> list:
    """The total order of events, backwards: newest first, of one instant the greater event_id first."""
    return [ibis.asc("age"), ibis.desc("event_id")]


def among(parts: Sequence[Part], seen: Seen) -> ibis.Table:
    """``row_id`` and every part; ``rank`` is 0 for the newest event of a row."""
    window = ibis.window(group_by="row_id", order_by=newest_first())
    ranked = seen.table.mutate(rank=ibis.row_number().over(window))
    counts = {p.name: _.count(where=seen.where(p, _["rank"] < p.n)) for p in parts}
    return ranked.group_by("row_id").aggregate(**counts)


def ends(parts: Sequence[Part], seen: Seen) -> ibis.Table:
    """``row_id`` and every part: the greatest, or smallest, of time, event_id and value packed into one text.

    No window: SQLite takes three times as long for one. No argmax: ties are arbitrary, and SQLite answers it with
    another row's value under a filter. An event_id ends where U+0001 stands twice, which it holds nowhere once its own
    are escaped, and which is less than whatever could follow: a shorter id sorts before those it begins.
    """
    escaped = _.event_id.replace("\x01", _ESCAPED)
    packed = {p.name: _end(seen, p, (_TURN - _.age).cast("string") + escaped + _END + _[p.of]) for p in parts}
    found = seen.table.group_by("row_id").aggregate(**packed)
    return found.select("row_id", **{p.name: _[p.name].substr(_[p.name].find(_END) + len(_END)) for p in parts})


def _end(seen: Seen, part: Part, packed):
    where = seen.where(part, _[part.of].notnull())
    return packed.max(where=where) if part.shape == "last" else packed.min(where=where)
