"""The model of a table: a weighted sum of boosters and linear parts in log-odds, then one calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from growthbench.base.errors import ArtifactError
from growthbench.learning.blend import Blend
from growthbench.learning.calibration import Calibration, probabilities
from growthbench.learning.encoder import Encoder
from growthbench.learning.engine import Booster
from growthbench.learning.linear import LinearPart
from growthbench.learning.model import Model, Scores, classes_of, said_value
from growthbench.learning.reasons import Explanation, attribute
from growthbench.learning.thresholds import Thresholds


@dataclass(frozen=True)
class Member:
    """One summand of a model: ``weight`` times the margins of a booster or a linear part."""

    part: Booster | LinearPart
    weight: float


class TableModel(Model):
    """Margin = sum of weight x member margin; log-odds = calibration(margin).

    Boosters with equal weights that sum to one are an average over seeds; a `LinearPart` beside them makes a blend of
    logistic regression and trees. SHAP contributions average with the same weights, so reasons stay complete.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        members: Sequence[Member],
        encoder: Encoder,
        calibration: Calibration,
        thresholds: Thresholds,
        blend: Blend | None = None,
        plan_json: str | None = None,
    ):
        super().__init__(manifest, thresholds, blend, plan_json)
        self.members, self.encoder, self.calibration = tuple(members), encoder, calibration
        self.columns = encoder.columns
        self._outputs = 1 if len(classes_of(manifest)) == 2 else len(self.classes)
        _check_members(self.members, len(encoder.columns))

    def score(self, columns: Mapping[str, Sequence]) -> Scores:
        """Score rows given as columns: see `Model.score`."""
        return self.score_matrix(self.encoder.encode(columns))

    def columns_of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list]:
        """Rows turned into columns: see `Model.columns_of`."""
        return self.encoder.columns_of(rows)

    def score_matrix(self, matrix: np.ndarray) -> Scores:
        """Score encoded rows, float32 (n, d)."""
        margins = self.margins(matrix)
        log_odds = self.calibration.log_odds(margins)
        score = probabilities(log_odds)
        if self._outputs == 1:
            label, band = self.thresholds.label(score, self.classes), self.thresholds.band(score)
            return Scores(score, log_odds[:, 0], margins[:, 0], label, band, np.maximum(score, 1.0 - score))
        best = score.argmax(axis=1)
        label = [self.classes[i] for i in best.tolist()]
        return Scores(score, log_odds, margins, label, None, score[np.arange(len(score)), best])

    def margins(self, matrix: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds (n, 1) or logits (n, k) of encoded rows."""
        return _weighted([(m.weight, m.part.margins(matrix)) for m in self.members], self._outputs)

    def _explain(self, columns: Mapping[str, Sequence], row: int, label: str | None) -> Explanation:
        matrix = self.encoder.encode(columns)
        scores = self.score_matrix(matrix)
        target = self.classes.index(label or ("yes" if "yes" in self.classes else self.classes[-1]))
        if self._outputs > 1:
            target = self.classes.index(label or scores.label[row])
        sums = _weighted([(m.weight, m.part.contributions(matrix)) for m in self.members], self._outputs)
        carried, bias, log_odds = attribute(sums[row], self.margins(matrix)[row], self.calibration, target)
        score = float(scores.score[row] if self._outputs == 1 else scores.score[row, target])
        if self._outputs == 1 and target == 0:  # "no" is "yes" with the sign turned
            carried, bias, log_odds, score = -carried, -bias, -log_odds, 1.0 - score
        reasons = [
            {"column": c.name, "value": said_value(columns[c.name][row]), "contribution": float(part)}
            for c, part in zip(self.columns, carried.tolist())
        ]
        reasons.sort(key=lambda r: -abs(r["contribution"]))
        return Explanation(self.classes[target], score, log_odds, bias, reasons)


def _weighted(parts: list[tuple[float, np.ndarray]], outputs: int) -> np.ndarray:
    total = None
    for weight, values in parts:
        if values.shape[1] != outputs:
            raise ArtifactError(f"a member has {values.shape[1]} outputs, the classes need {outputs}")
        share = weight * values
        total = share if total is None else total + share
    return total


def _check_members(members: Sequence[Member], width: int) -> None:
    if not members:
        raise ArtifactError("a model needs at least one member")
    for member in members:
        if member.part.n_features != width:
            raise ArtifactError(f"a member reads {member.part.n_features} columns, the encoder makes {width}")
