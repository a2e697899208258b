"""What was predicted about a person, for their export."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from growthbench.base.clock import to_iso
from growthbench.predictions.tables import predictions

_TOLD = ("prediction_id", "task", "score", "band", "confidence", "role", "model_digest", "moment", "created_at")
_TIMES = ("moment", "created_at")


def predictions_of(connection: Connection, tenant: str, persons: Sequence[str]) -> list[dict[str, Any]]:
    """Predictions of some person keys, the oldest first, as plain JSON."""
    mine = (predictions.c.tenant_id == tenant, predictions.c.person.in_(persons))
    query = select(*(predictions.c[name] for name in _TOLD)).where(*mine).order_by(predictions.c.created_at)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return [
        row | {name: to_iso(row[name]) for name in ("moment", "created_at") if row[name] is not None} for row in rows
    ]
