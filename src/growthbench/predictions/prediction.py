"""One answer, and its row in the prediction log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from growthbench.base.jsonio import canonical
from growthbench.learning.reasons import Explanation
from growthbench.predictions.deployments import model_version

TOP_CLASSES = 10
"""How many classes an answer lists, the likeliest first; the log keeps them all."""


@dataclass(frozen=True)
class Said:
    """What a model says of one row.

    Attributes
    ----------
    margin : float or None
        Before calibration; None with more than two classes.
    score : float
        Calibrated probability of "yes", or of the likeliest class.
    scores : ndarray of float64, shape (k,), or None
        Of each class in the model's order; None for two classes.
    label : str
        Class decided for, or ``out_of_scope``.
    band : str or None
        Band of a binary score, where the model has bands.
    confidence : float
    needs_person : bool
        Whether the confidence is too low to act without a person.
    parts : mapping or None
        Parts of the lead blend.
    """

    margin: float | None
    score: float
    scores: np.ndarray | None
    label: str
    band: str | None
    confidence: float
    needs_person: bool
    parts: Mapping[str, float | bool] | None

    def logged(self) -> dict[str, Any]:
        """Columns of the table ``predictions`` that say it; equal columns are equal answers, bit for bit."""
        return {
            "margin": self.margin,
            "score": self.score,
            "scores": None if self.scores is None else np.asarray(self.scores, "<f8").tobytes(),
            "band": self.band or self.label,
            "confidence": self.confidence,
            "parts": None if self.parts is None else canonical(self.parts),
        }

    def answer(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """The same as a caller gets it."""
        told: dict[str, Any] = {"score": self.score, "class": self.label}
        if self.band is not None:
            told["band"] = self.band
        if self.scores is not None:
            best = np.argsort(-self.scores, kind="stable")[:TOP_CLASSES]
            told["class_scores"] = {classes[i]: float(self.scores[i]) for i in best}
        told |= {"confidence": self.confidence, "needs_person": self.needs_person}
        return told if self.parts is None else told | {"parts": dict(self.parts)}


@dataclass(frozen=True)
class Prediction:
    """What was said about a person or a row, by which model, from which knowledge.

    Attributes
    ----------
    prediction_id, task : str
    person : str or None
        Who was scored; None for a row.
    row : mapping or None
        The row, its columns in the model's order; None for a person.
    moment, horizon : int or None
        As of when (UTC µs) and up to which ``seq`` of the log the features were computed; None for a row.
    feature_hash, model_digest : str
    run_id : str or None
    said : Said
    classes : tuple of str
    created_at : int
        UTC µs.
    why : Explanation or None
        Reasons, where they were asked for.
    role : {"champion", "challenger", "shadow"}
        Whether the model answered as champion or challenger, or only watched.
    name : str or None
        How the person was asked for; by default the person key.
    """

    prediction_id: str
    task: str
    person: str | None
    row: Mapping[str, Any] | None
    moment: int | None
    horizon: int | None
    feature_hash: str
    model_digest: str
    run_id: str | None
    said: Said
    classes: tuple[str, ...]
    created_at: int
    why: Explanation | None = None
    role: str = "champion"
    name: str | None = None

    @property
    def score(self) -> float:
        """Calibrated probability of "yes", or of the likeliest class."""
        return self.said.score

    @property
    def model_version(self) -> str:
        """Short name of the model, such as ``churn@3f9a2c41d07b``."""
        return model_version(self.task, self.model_digest)

    def answer(self) -> dict[str, Any]:
        """The prediction as a caller gets it, as plain JSON."""
        return {
            **({} if self.person is None else {"user_id": self.name or self.person}),
            "task": self.task,
            **self.said.answer(self.classes),
            **({} if self.why is None else told_reasons(self.why)),
            "model_version": self.model_version,
            "run_id": self.run_id,
            "prediction_id": self.prediction_id,
            "feature_hash": self.feature_hash,
            **({} if self.role == "champion" else {"role": self.role}),
        }

    def logged(self, tenant: str) -> dict[str, Any]:
        """The row of the table ``predictions``."""
        return {
            "tenant_id": tenant,
            "given": None if self.row is None else canonical(list(self.row.values())),
            **{name: getattr(self, name) for name in _PLAIN},
            **self.said.logged(),
        }


_PLAIN = (
    "prediction_id", "task", "person", "moment", "horizon", "feature_hash", "model_digest", "run_id", "created_at",
    "role",
)  # fmt: skip


def told_reasons(why: Explanation) -> dict[str, Any]:
    """Reasons as a caller gets them: ``bias + contributions + rest = log_odds`` of the class explained."""
    return {
        "reasons": why.reasons,
        "log_odds": {"class": why.label, "total": why.log_odds, "bias": why.bias, "rest": why.rest},
    }


def logged_answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row of the log says, in a form whose parts are equal only if every bit is."""
    return {
        "margin": None if row["margin"] is None else float(row["margin"]).hex(),
        "score": float(row["score"]).hex(),
        "scores": None if row["scores"] is None else bytes(row["scores"]).hex(),
        "band": row["band"],
        "confidence": float(row["confidence"]).hex(),
        "parts": row["parts"],
    }
