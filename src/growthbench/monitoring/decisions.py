"""Drift by its effect on decisions: what the same model now says of people, and which column made it say so."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.monitoring.transport import move_categories, move_numbers

if TYPE_CHECKING:
    from growthbench.learning.model import Model, Scores

Columns = Mapping[str, np.ndarray]
_Z = 1.959963984540054  # two-sided 95 %


@dataclass(frozen=True)
class ColumnEffect:
    """What a column's drift alone does to the current rows.

    Attributes
    ----------
    column : str
    score_shift : float
        Mean score of the current rows less their mean score had this column kept its earlier distribution.
    decisions_changed : float
        Share (0..1) of the current rows that would then be decided otherwise.
    """

    column: str
    score_shift: float
    decisions_changed: float


@dataclass(frozen=True)
class DecisionDrift:
    """How the answers of one model moved between two sets of rows.

    Attributes
    ----------
    decision : str
        What a decision is here: ``band`` where the model has bands, else ``label``.
    shares_reference, shares_current : mapping of str to float
        Share (0..1) of rows decided each way.
    moved : float
        Smallest share of rows whose decision must be another one (total variation of the two).
    score : str
        What a score is here: ``probability`` of yes, or ``confidence`` in the label.
    mean_reference, mean_current : float
    shift, shift_lo, shift_hi : float
        Difference of the means, current less reference, with its 95 % interval.
    effects : tuple of ColumnEffect
        The largest first.
    """

    decision: str
    shares_reference: Mapping[str, float]
    shares_current: Mapping[str, float]
    moved: float
    score: str
    mean_reference: float
    mean_current: float
    shift: float
    shift_lo: float
    shift_hi: float
    effects: tuple[ColumnEffect, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"effects": [asdict(effect) for effect in self.effects]}


def decision_drift(
    model: "Model", reference: Columns, current: Columns, look_at: Sequence[str] = (), seed: int = 0
) -> DecisionDrift:
    """Score both sets of rows and say how the decisions moved.

    Parameters
    ----------
    model : learning.model.Model
    reference, current : mapping of str to ndarray
        The model's columns: float64 with NaN, or object of str and None.
    look_at : sequence of str
        Columns whose own effect is wanted; one more scoring of the current rows each.
    seed : int
        Ties and choices in moving a column back are drawn from it.
    """
    before, now = model.score(reference), model.score(current)
    values = [_score(before), _score(now)]
    decided = [_decision(before), _decision(now)]
    names = list(dict.fromkeys(sorted(decided[0]) + sorted(decided[1])))
    shares = [{name: float(np.mean(some == name)) for name in names} for some in decided]
    shift = float(values[1].mean() - values[0].mean())
    half = _Z * sqrt(sum(v.var(ddof=1) / len(v) for v in values))
    effects = []
    for name in look_at:
        moved = model.score(dict(current) | {name: _moved_back(current[name], reference[name], seed)})
        changed = float(np.mean(_decision(moved) != decided[1]))
        effects.append(ColumnEffect(name, float(values[1].mean() - _score(moved).mean()), changed))
    return DecisionDrift(
        decision="band" if now.band is not None else "label",
        shares_reference=shares[0],
        shares_current=shares[1],
        moved=sum(abs(shares[0][name] - shares[1][name]) for name in names) / 2,
        score="probability" if now.score.ndim == 1 else "confidence",
        mean_reference=float(values[0].mean()),
        mean_current=float(values[1].mean()),
        shift=shift,
        shift_lo=shift - half,
        shift_hi=shift + half,
        effects=tuple(sorted(effects, key=lambda e: (-e.decisions_changed, -abs(e.score_shift), e.column))),
    )


def answers(scores: "Scores") -> dict[str, np.ndarray]:
    """What a model said as two columns: ``(score)``, a number, and ``(decision)``, a category."""
    return {"(score)": _score(scores), "(decision)": _decision(scores)}


def _score(scores: "Scores") -> np.ndarray:
    return scores.score if scores.score.ndim == 1 else scores.confidence


def _decision(scores: "Scores") -> np.ndarray:
    return np.array(scores.band if scores.band is not None else scores.label, object)


def _moved_back(current: np.ndarray, reference: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if current.dtype.kind == "f":
        return move_numbers(current, reference, rng)
    return move_categories(current, reference, rng)
