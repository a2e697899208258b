"""Dumb and honest rivals, fitted on the same training rows and judged on the same test rows as the model."""

from collections.abc import Callable, Mapping

import numpy as np

from growthbench.events.catalogue import group_of
from growthbench.learning.calibration import probabilities
from growthbench.learning.encoder import fit_encoder
from growthbench.learning.frame import TrainingFrame
from growthbench.learning.leaks import alone
from growthbench.learning.linear_fit import fit_linear
from growthbench.learning.params import TrainParams
from growthbench.learning.splits import stratified_folds

SINGLE_KNOTS = 5
_RECENCY = ("since_last_purchase", "since_last_event")

Fitted = Callable[[TrainingFrame, np.ndarray], np.ndarray]
"""From test rows and the model's calibrated probabilities to scores in [0, 1], (n,) or (n, k)."""


def fit_baselines(task, frame: TrainingFrame, params: TrainParams) -> dict[str, Fitted]:
    """All baselines of a task that the frame has the columns for, fitted on training rows.

    Every task gets ``prior`` and ``logistic``; a binary one ``best_single``; further ones are named by the task.
    """
    names = ("prior", "logistic", *(("best_single",) if len(frame.classes) == 2 else ()), *task.baselines)
    fitted = {name: _KINDS[name](task, frame, params) for name in names}
    return {name: scores for name, scores in fitted.items() if scores is not None}


def prior(task, frame: TrainingFrame, params: TrainParams) -> Fitted:
    """The training rows' share of each class, whoever it is."""
    shares = np.bincount(frame.y, minlength=len(frame.classes)) / len(frame)
    if len(frame.classes) == 2:
        return lambda test, model: np.full(len(test), shares[1])
    return lambda test, model: np.repeat(shares[None], len(test), axis=0)


def logistic(task, frame: TrainingFrame, params: TrainParams) -> Fitted:
    """Logistic regression on all columns: standardised numbers, one-hot categories, L2."""
    return _linear(frame, tuple(c.name for c in frame.columns), params.linear.c, knots=0)


def best_single(task, frame: TrainingFrame, params: TrainParams) -> Fitted:
    """The one column that ranks best alone on the training rows, as a curve of five bends or a rate a category."""
    return _linear(frame, (best_column(frame, params.seed),), c=1.0, knots=SINGLE_KNOTS)


def recency(task, frame: TrainingFrame, params: TrainParams) -> Fitted | None:
    """Time since the last purchase (or event) alone."""
    name = next((c for c in _RECENCY if c in frame.X), None)
    return None if name is None else _linear(frame, (name,), c=1.0, knots=SINGLE_KNOTS)


def blend(task, frame: TrainingFrame, params: TrainParams) -> Fitted | None:
    """The task's rules of thumb: weighted parts, one of which is the model itself."""
    rules = task.blend()
    if rules is None or not set(rules.features) <= set(frame.X):
        return None
    return lambda test, model: rules.evaluate(test.inputs, model)["blend"]


def last_event(task, frame: TrainingFrame, params: TrainParams) -> Fitted | None:
    """How often each class followed the group of the person's last event."""
    if "last_name" not in frame.X:
        return None
    shares = np.bincount(frame.y, minlength=len(frame.classes)) / len(frame)
    groups = _groups(frame)
    rates: Mapping = {
        g: (np.bincount(frame.y[groups == g], minlength=len(shares)) + 10 * shares) / ((groups == g).sum() + 10)
        for g in set(groups.tolist())
    }
    return lambda test, model: np.stack([rates.get(g, shares) for g in _groups(test).tolist()])


def best_column(frame: TrainingFrame, seed: int) -> str:
    """Name of the column with the highest out-of-fold AUC alone."""
    fold = stratified_folds(frame.y, 3, seed, frame.group)
    return max(frame.X, key=lambda c: alone(frame.X[c].to_numpy(), frame.y, fold)[0])


_KINDS = {
    "prior": prior,
    "logistic": logistic,
    "best_single": best_single,
    "recency": recency,
    "blend": blend,
    "last_event": last_event,
}


def _linear(frame: TrainingFrame, names: tuple[str, ...], c: float, knots: int) -> Fitted:
    columns = tuple(col for col in frame.columns if col.name in names)
    encoder = fit_encoder(frame.X, columns)
    matrix = encoder.encode({name: frame.inputs[name] for name in names})
    part = fit_linear(matrix, frame.y, encoder.feature_types, c, knots, len(frame.classes))

    def scores(test: TrainingFrame, model: np.ndarray) -> np.ndarray:
        inputs = test.inputs
        return probabilities(part.margins(encoder.encode({name: inputs[name] for name in names})))

    return scores


def _groups(frame: TrainingFrame) -> np.ndarray:
    return np.array([group_of(v) or "" if v is not None else "" for v in frame.X["last_name"]], object)
