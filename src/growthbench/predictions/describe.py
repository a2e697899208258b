"""What a deployed model is and reads, told to those who call it."""

from typing import Any

from growthbench.base.clock import to_iso
from growthbench.predictions.champions import Served


def describe(served: Served) -> dict[str, Any]:
    """Task, version, classes, bands and columns of a served model, as plain JSON.

    ``scored_by`` says what a caller sends: ``rows`` always, ``user_ids`` for models whose columns come from the log.
    """
    model, deployment = served.model, served.deployment
    categories = getattr(getattr(model, "encoder", None), "categories", {})
    thresholds = model.thresholds.to_json()
    return {
        "task": model.task,
        "kind": model.kind,
        "model_version": deployment.model_version,
        "digest": model.digest,
        "run_id": deployment.champion_run,
        "deployed_at": to_iso(deployment.changed_at),
        "version": deployment.version,
        "source": model.manifest.get("source", ""),
        "feature_hash": model.feature_hash,
        "classes": list(model.classes),
        "bands": thresholds["bands"],
        "decision": thresholds["decision"] if model.kind == "binary" else None,
        "needs_person_below": thresholds["confidence"],
        "parts": [] if model.blend is None else [part.name for part in model.blend.parts],
        "scored_by": ["rows"] if model.plan is None else ["user_ids", "rows"],
        "columns": [_column(c, categories.get(c.name)) for c in model.columns],
    }


def _column(column, categories) -> dict[str, Any]:
    told = {"name": column.name, "type": _TYPES[column.kind], "kind": column.kind}
    if categories is not None:
        told["categories"] = list(categories)
    return told | {"unit": column.unit, "about": column.about}


_TYPES = {"number": "number|null", "category": "string|null", "text": "string"}
