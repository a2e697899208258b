"""Parts over ``event_values``: the newest value told under a key."""

from collections.abc import Sequence

import ibis
from ibis import _

from growthbench.features import visibility
from growthbench.features.parts import Part
from growthbench.features.ranks import newest_first


def newest(parts: Sequence[Part], spine: ibis.Table, values: ibis.Table) -> ibis.Table:
    """``row_id`` and the newest values of all keys of one type."""
    column = "text_value" if parts[0].is_text else "int_value"
    told = values.filter(values.key.isin(sorted({p.of for p in parts})), values[column].notnull())
    known = told.select("tenant_id", "person", "event_id", "timestamp", "received_at", "seq", "key", value=told[column])
    joined = spine.join(known, visibility.visible(spine, known))
    seen = joined.select(spine.row_id, known.event_id, known.key, known.value, age=spine.moment - known.timestamp)
    window = ibis.window(group_by=["row_id", "key"], order_by=newest_first())
    ranked = seen.mutate(rank=ibis.row_number().over(window)).filter(_["rank"] == 0)
    return ranked.group_by("row_id").aggregate(**{p.name: _["value"].max(where=_.key == p.of) for p in parts})
