"""Answers and log rows of one deployed model, made straight from its scores: the short way of the service.

What is said is what `Prediction.answer` and `Prediction.logged` say; a test holds them together.
"""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from growthbench.base.jsonio import canonical
from growthbench.learning.model import Model, Scores
from growthbench.predictions.deployments import model_version
from growthbench.predictions.engine import said_of


class Answer(msgspec.Struct, rename={"label": "class"}, gc=False):
    """One score as a caller gets it."""

    task: str
    score: float
    label: str
    confidence: float
    needs_person: bool
    model_version: str
    run_id: str | None
    prediction_id: str
    feature_hash: str
    user_id: str | UnsetType = UNSET
    band: str | UnsetType = UNSET
    class_scores: dict[str, float] | UnsetType = UNSET
    parts: dict[str, float | bool] | UnsetType = UNSET
    reasons: list[dict[str, Any]] | UnsetType = UNSET
    log_odds: dict[str, Any] | UnsetType = UNSET
    role: str | UnsetType = UNSET
    age_s: float | UnsetType = UNSET
    cached: bool | UnsetType = UNSET
    degraded: bool | UnsetType = UNSET


class Teller:
    """Tells what one model of one tenant says.

    Parameters
    ----------
    tenant : str
    model : Model
    run_id : str or None
    role : {"champion", "challenger", "shadow"}
        In the log; a challenger's answers name it, too.
    """

    def __init__(self, tenant: str, model: Model, run_id: str | None, role: str = "champion"):
        self.model, self.role = model, role
        self._tenant, self._run_id = tenant, run_id
        self._version = model_version(model.task, model.digest)
        self._plain = model.kind == "binary" and model.blend is None
        self._role = UNSET if role == "champion" else role

    def tell(
        self,
        found: Scores,
        parts: Mapping[str, Sequence] | None,
        ids: Sequence[str],
        now: int,
        names: Sequence[str] | None = None,
        persons: Sequence[str] | None = None,
        given: Sequence[str] | None = None,
        moment: int | None = None,
        horizon: int | None = None,
    ) -> tuple[list[Answer], list[tuple]]:
        """Answers, and the log's rows (`log.COLUMNS`), of n scores.

        Parameters
        ----------
        found : Scores
        parts : mapping or None
            Of the blend (`Model.parts`).
        ids : sequence of str, length n
        now : int
            UTC µs.
        names, persons : sequences of str, length n, optional
            How each person was asked for, and their person key.
        given : sequence of str, length n, optional
            Rows as JSON.
        """
        names, persons, given = names or repeat(UNSET), persons or repeat(None), given or repeat(None)
        told = self._binary(found) if self._plain else self._any(found, parts)
        tenant, model, version, run_id = self._tenant, self.model, self._version, self._run_id
        task, features, digest, role, shown = model.task, model.feature_hash, model.digest, self.role, self._role
        answers, rows = [], []
        for said, id_, name, person, raw in zip(told, ids, names, persons, given):
            margin, score, label, band, confidence, unsure, classes, scores, extra = said
            answers.append(
                Answer(task, score, label, confidence, unsure, version, run_id, id_, features, name,
                       UNSET if band is None else band, classes, extra, UNSET, UNSET, shown)
            )  # fmt: skip
            extra = None if extra is UNSET else canonical(extra)
            rows.append((tenant, id_, task, person, raw, moment, horizon, features, digest, run_id, margin, score,
                         scores, band or label, confidence, extra, now, role))  # fmt: skip
        return answers, rows

    def _binary(self, found: Scores):
        limit = self.model.thresholds.confidence
        confidence = (found.confidence + 0.0).tolist()  # no -0.0: SQLite would give back 0.0
        return zip(
            (found.raw + 0.0).tolist(),
            (found.score + 0.0).tolist(),
            found.label,
            found.band or repeat(None),
            confidence,
            [c < limit for c in confidence],
            repeat(UNSET),
            repeat(None),
            repeat(UNSET),
        )

    def _any(self, found: Scores, parts: Mapping[str, Sequence] | None):
        for said in said_of(self.model, found, parts):
            told, logged = said.answer(self.model.classes), said.logged()
            yield (said.margin, said.score, said.label, said.band, said.confidence, said.needs_person,
                   told.get("class_scores", UNSET), logged["scores"], told.get("parts", UNSET))  # fmt: skip
