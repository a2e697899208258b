"""Parts that need no order and no groups: counts, sums, newest and oldest age."""

from collections.abc import Sequence

import ibis
from ibis import _

from growthbench.features.parts import Part
from growthbench.features.seen import Seen


def aggregated(parts: Sequence[Part], seen: Seen) -> ibis.Table:
    """``row_id`` and every part, for spine rows that have seen anything."""
    return seen.table.group_by("row_id").aggregate(**{p.name: _sum(seen, p) for p in parts})


def _sum(seen: Seen, part: Part):
    match part.shape:
        case "count":
            return _.count(where=seen.where(part, _[part.of].notnull() if part.of else None))
        case "sum":
            return _[part.of].sum(where=seen.where(part))
        case "newest":
            return _.age.min(where=seen.where(part))
        case "oldest":
            return _.age.max(where=seen.where(part))
    raise AssertionError(part.shape)
