"""From columns to what is said: the one place that calls a model, for answers and for their recomputation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from growthbench.base.clock import now_us
from growthbench.learning.artifact import Model, Scores
from growthbench.predictions.deployments import Deployment
from growthbench.predictions.prediction import Prediction, Said

OUT_OF_SCOPE = "out_of_scope"
"""Said in place of a class when a text belongs to none of them."""


def say(model: Model, columns: Mapping[str, Sequence]) -> list[Said]:
    """What a model says of n rows given as columns.

    Raises
    ------
    BadInputError
        A value is of another type than its column; ``field`` names the column.
    """
    found = model.score(columns)
    return said_of(model, found, model.parts(columns, found.score))


def said_of(model: Model, found: Scores, parts: Mapping[str, Sequence] | None) -> list[Said]:
    """What scores, and the parts of a blend (`Model.parts`), say."""
    parts = parts or {}
    several = found.score.ndim == 2
    limit = model.thresholds.confidence
    said = []
    for i, label in enumerate(found.label):
        refused = found.refused is not None and bool(found.refused[i])
        confidence = _number(found.confidence[i])
        said.append(
            Said(
                margin=None if several else _number(found.raw[i]),
                score=confidence if several else _number(found.score[i]),
                scores=found.score[i] + 0.0 if several else None,
                label=OUT_OF_SCOPE if refused else label,
                band=None if found.band is None else found.band[i],
                confidence=confidence,
                needs_person=refused or confidence < limit,
                parts={name: _plain(values[i]) for name, values in parts.items()} or None,
            )
        )
    return said


def predict(
    model: Model,
    deployment: Deployment,
    columns: Mapping[str, Sequence],
    about: Sequence[Mapping[str, Any]],
    ids: Sequence[str],
    reasons: int = 0,
    role: str = "champion",
) -> list[Prediction]:
    """Predictions of n rows; not logged.

    Parameters
    ----------
    about : sequence of mappings, length n
        Who or what each row is: ``person moment horizon``, or ``row``.
    ids : sequence of str, length n
    reasons : int
        How many reasons to add.
    role : {"champion", "challenger", "shadow"}
        As which the model is asked.
    """
    now, challenger = now_us(), model.digest != deployment.champion
    return [
        Prediction(
            prediction_id=ids[i],
            task=model.task,
            **{"person": None, "row": None, "moment": None, "horizon": None, **about[i]},
            feature_hash=model.feature_hash,
            model_digest=model.digest,
            run_id=deployment.challenger_run if challenger else deployment.champion_run,
            said=said,
            classes=model.classes,
            created_at=now,
            why=model.explain(columns, i, reasons) if reasons else None,
            role=role,
        )
        for i, said in enumerate(say(model, columns))
    ]


def _number(value: Any) -> float:
    return float(value) + 0.0  # no -0.0: SQLite would give back 0.0


def _plain(value: Any) -> float | bool:
    return bool(value) if isinstance(value, np.bool_) else _number(value)
