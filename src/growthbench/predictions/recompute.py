"""Compute a logged prediction again, bit for bit, and say what moved it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from growthbench.base.clock import to_iso
from growthbench.base.errors import ArtifactError, GrowthbenchError, NotFoundError
from growthbench.events.horizon import read_horizon
from growthbench.learning.artifact import Model
from growthbench.learning.reasons import Explanation
from growthbench.predictions.deployments import model_version
from growthbench.predictions.engine import say
from growthbench.predictions.log import PredictionLog
from growthbench.predictions.people import read_features
from growthbench.predictions.prediction import logged_answer, told_reasons
from growthbench.predictions.shelf import ModelShelf
from growthbench.store.engine import Store


@dataclass(frozen=True)
class Recomputed:
    """A logged prediction beside what its model says today about the same person, moment and horizon.

    Attributes
    ----------
    prediction_id : str
    logged : mapping
        Margin, score, scores, band, confidence and parts as logged; doubles in hexadecimal.
    again : mapping or None
        The same, computed again; None if that is not possible.
    why : str or None
        Why it is not possible.
    """

    prediction_id: str
    logged: Mapping[str, Any]
    again: Mapping[str, Any] | None
    why: str | None = None

    @property
    def same(self) -> bool:
        """Whether every bit agrees."""
        return self.again is not None and self.again == self.logged

    @property
    def differs(self) -> list[str]:
        """Names of what does not agree."""
        return [] if self.again is None else [n for n, v in self.logged.items() if self.again[n] != v]


@dataclass(frozen=True)
class Explained:
    """A logged prediction and why it came out as it did.

    Attributes
    ----------
    row : mapping
        As logged.
    why : Explanation
        Contributions that sum, with the bias, to the calibrated log-odds.
    name : str or None
        How the person is called outside; by default the person key.
    """

    row: Mapping[str, Any]
    why: Explanation
    name: str | None = None

    def answer(self) -> dict[str, Any]:
        """The explanation as a caller gets it, as plain JSON."""
        row = self.row
        who = {} if row["person"] is None else {"user_id": self.name or row["person"], "moment": to_iso(row["moment"])}
        return {
            "prediction_id": row["prediction_id"],
            "task": row["task"],
            **who,
            "score": row["score"],
            "band": row["band"],
            **told_reasons(self.why),
            "model_version": model_version(row["task"], row["model_digest"]),
            "run_id": row["run_id"],
            "role": row["role"],
            "created_at": to_iso(row["created_at"]),
        }


class Recomputer:
    """Recomputes predictions of one tenant; models stay loaded between calls."""

    def __init__(self, store: Store, shelf: ModelShelf, log: PredictionLog):
        self.store, self.shelf, self.log = store, shelf, log

    def recompute(self, prediction_id: str) -> Recomputed:
        """Compute one logged prediction again.

        Raises
        ------
        NotFoundError
            No such prediction.
        """
        row = self.log.read(prediction_id)
        logged = logged_answer(row)
        try:
            model, columns = self._inputs(row)
        except GrowthbenchError as exc:
            return Recomputed(prediction_id, logged, None, str(exc))
        return Recomputed(prediction_id, logged, logged_answer(say(model, columns)[0].logged()))

    def explain(self, prediction_id: str, top: int | None = None) -> Explained:
        """Recompute a prediction and give its reasons, the strongest first; ``top`` shortens the list.

        Raises
        ------
        NotFoundError
            No such prediction, or the log no longer holds what it was computed from.
        ArtifactError
            Its model cannot be loaded, or says something else now.
        """
        row = self.log.read(prediction_id)
        model, columns = self._inputs(row)
        if logged_answer(say(model, columns)[0].logged()) != logged_answer(row):
            raise ArtifactError(f"{prediction_id} does not come out as it was logged: log or model were altered")
        return Explained(row, model.explain(columns, 0, top))

    def _inputs(self, row: Mapping[str, Any]) -> tuple[Model, dict[str, Sequence]]:
        model = self.shelf.get(row["task"], row["model_digest"])
        if row["given"] is not None:
            given = json.loads(row["given"])  # older logs have objects
            named = given if isinstance(given, dict) else dict(zip((c.name for c in model.columns), given, strict=True))
            return model, model.columns_of([named])
        if model.plan.hash != row["feature_hash"]:
            raise ArtifactError(f"{model_version(model.task, model.digest)} reads other features than were logged")
        with self.store.reading() as connection:
            if (known := read_horizon(connection, self.log.tenant)) < row["horizon"]:
                raise NotFoundError(
                    f"the log ends at seq {known}, but the prediction saw it up to {row['horizon']}: "
                    "it was restored from an older copy"
                )
            found = read_features(
                connection, model.plan, self.log.tenant, [row["person"]], row["moment"], row["horizon"]
            )
        if not found.people:
            raise NotFoundError(f"the log no longer holds events of {row['person']!r}: they were removed")
        return model, found.columns


def recompute(store: Store, home: Path, tenant: str, prediction_ids: str | Sequence[str]) -> list[Recomputed]:
    """Compute logged predictions again, by id or a list of ids.

    Raises
    ------
    NotFoundError
        One of them does not exist.
    """
    recomputer = Recomputer(store, ModelShelf(home), PredictionLog(store, tenant))
    ids = [prediction_ids] if isinstance(prediction_ids, str) else prediction_ids
    return [recomputer.recompute(prediction_id) for prediction_id in ids]
