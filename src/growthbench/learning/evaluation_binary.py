"""Judging a binary task."""

import numpy as np
import pandas as pd

from growthbench.base.statistics import (
    Estimate,
    auc,
    average_precision,
    ece,
    ece_floor,
    estimate,
    lift,
    log_losses,
    mean_of,
    squared_errors,
    value_of,
)  # fmt: skip
from growthbench.learning import plots
from growthbench.learning.bands import ACTIONS, cost_of_rows, thresholds_of
from growthbench.learning.metrics import fold_mean, gain_table, reliability_table
from growthbench.learning.params import TrainParams

MIN_CLASS_ROWS = 20
"""A slice with fewer rows of either class gets no AUC."""
_SLICE_RESAMPLES = 200
_SHOWN = ("auc", "ap", "log_loss", "brier", "ece", "cost")
_COMPARED = ("auc", "log_loss", "cost")


def judge_binary(task, predictions: pd.DataFrame, params: TrainParams, rng: np.random.Generator):
    """Metrics, rivals, slices and plots of binary predictions.

    AUC, average precision and lift are means over folds (each fold's model is judged by its own ranking; a time split
    has one), ``auc_pooled`` is over all rows; log loss, Brier score, ECE and cost are over all rows. Rivals are
    measured on the same rows and, for the differences, on the same resamples.
    """
    from growthbench.learning.evaluation import Judgement

    y, p = predictions["label"].to_numpy(np.int64), predictions["calibrated"].to_numpy(float)
    names = [c for c in predictions if c.startswith("baseline_")]
    group = predictions["group"].to_numpy(object) if "group" in predictions else None
    rows = _Rows(y, predictions["fold"].to_numpy(object), params)
    ours = {name: _Once(metric) for name, metric in rows.metrics(p).items()}
    theirs = {name: rows.shared(predictions[name].to_numpy(float)) for name in names}
    drawn = dict(ours)
    for name in names:
        judged = {metric: _Once(theirs[name][metric]) for metric in _COMPARED}
        drawn[f"{name} auc"] = judged["auc"]
        drawn |= {f"{name} - {metric}": _minus(ours[metric], judged[metric]) for metric in _COMPARED}
    found = estimate(drawn, len(y), params.bootstrap, rng, group=group)
    metrics = {name: found[name] for name in ours} | {"ece_floor": ece_floor(p, rng)}
    rivals = [_rival_row("model", {name: found[name].value for name in _SHOWN}, found["auc"], {})]
    for name in names:
        points = {metric: value_of(theirs[name][metric], len(y)) for metric in _SHOWN}
        gaps = {metric: found[f"{name} - {metric}"] for metric in _COMPARED}
        rivals.append(_rival_row(name.removeprefix("baseline_"), points, found[f"{name} auc"], gaps))
    tables = {
        "baselines": rivals,
        "slices": slice_rows(predictions, rng),
        "gains": gain_table(y, p),
        "reliability": reliability_table(y, p),
        "bands": band_rows(y, p, params),
    }
    scores = {"model": p} | {n.removeprefix("baseline_"): predictions[n].to_numpy(float) for n in names}
    figures = {
        "roc": plots.roc(y, scores, rivals),
        "pr": plots.precision_recall(y, scores, rivals),
        "calibration": plots.calibration(tables["reliability"], metrics["ece"], metrics["ece_floor"].value),
        "lift": plots.lift(tables["gains"], y.mean()),
        "slices": plots.slices(tables["slices"], "auc", metrics["auc"].value),
    }
    return Judgement(metrics, tables, figures, _notes(task, p, params))


def slice_rows(predictions: pd.DataFrame, rng: np.random.Generator) -> list[dict]:
    """One row for each part of each slice: rows, rate, mean probability, AUC with its interval, log loss."""
    y, p = predictions["label"].to_numpy(np.int64), predictions["calibrated"].to_numpy(float)
    made = []
    for column in (c for c in predictions if c.startswith("slice_")):
        values = predictions[column].to_numpy(object)
        for value in sorted(set(values.tolist()), key=lambda v: -(values == v).sum()):
            rows = np.flatnonzero(values == value)
            row = {
                "slice": column.removeprefix("slice_"),
                "value": str(value),
                "n": len(rows),
                "rate": float(y[rows].mean()),
                "probability": float(p[rows].mean()),
                "log_loss": float(log_losses(y[rows], p[rows]).mean()),
                "auc": None,
                "auc_lo": None,
                "auc_hi": None,
            }
            if min(y[rows].sum(), (1 - y[rows]).sum()) >= MIN_CLASS_ROWS:
                found = estimate({"auc": auc(y[rows], p[rows])}, len(rows), _SLICE_RESAMPLES, rng, strata=y[rows])[
                    "auc"
                ]
                row |= {"auc": found.value, "auc_lo": found.lo, "auc_hi": found.hi}
            made.append(row)
    return made


def band_rows(y: np.ndarray, p: np.ndarray, params: TrainParams) -> list[dict]:
    """One row for each band: where it begins, what is done, how many rows, outcomes, mean cost a row."""
    thresholds = thresholds_of(params.bands)
    band, cost = np.array(thresholds.band(p), object), cost_of_rows(y, p, params.bands)
    return [
        {
            "band": name,
            "from": start,
            "action": ACTIONS[name],
            "n": int((band == name).sum()),
            "outcomes": int(y[band == name].sum()),
            "rate": float(y[band == name].mean()) if (band == name).any() else None,
            "cost": float(cost[band == name].mean()) if (band == name).any() else None,
        }
        for name, start in zip(thresholds.bands, (0.0, *thresholds.cuts))
    ]


class _Rows:
    """The rows on which model and rivals are measured alike."""

    def __init__(self, y: np.ndarray, fold: np.ndarray, params: TrainParams):
        self.y, self.fold, self.params = y, fold, params

    def metrics(self, p: np.ndarray) -> dict:
        """Every metric of the model."""
        more = {"lift_at_10": fold_mean(lift, self.y, p, self.fold), "auc_pooled": auc(self.y, p)}
        return self.shared(p) | more

    def shared(self, p: np.ndarray) -> dict:
        """What rivals are measured by too; a rival's score is taken for a probability, as it would be used."""
        p = np.clip(p, 0.0, 1.0)
        return {
            "auc": fold_mean(auc, self.y, p, self.fold),
            "ap": fold_mean(average_precision, self.y, p, self.fold),
            "log_loss": mean_of(log_losses(self.y, p)),
            "brier": mean_of(squared_errors(self.y, p)),
            "ece": ece(self.y, p),
            "cost": mean_of(cost_of_rows(self.y, p, self.params.bands)),
        }


class _Once:
    """A metric that remembers the last weights it was asked for: a difference costs nothing on top of its two sides."""

    def __init__(self, metric):
        self.metric, self.weights, self.values = metric, None, None

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        if weights is not self.weights:
            self.weights, self.values = weights, self.metric(weights)
        return self.values


def _minus(first, second):
    return lambda weights: first(weights) - second(weights)


def _rival_row(name: str, points: dict[str, float], own_auc: Estimate, gaps: dict[str, Estimate]) -> dict:
    row = {"name": name} | points | {"auc_lo": own_auc.lo, "auc_hi": own_auc.hi}
    for metric, gap in gaps.items():
        said = f"model_minus_{metric}"
        row |= {said: gap.value, f"{said}_lo": gap.lo, f"{said}_hi": gap.hi}
    return row


def _notes(task, p: np.ndarray, params: TrainParams) -> list[str]:
    if not task.confidence:
        return []
    share = float((np.maximum(p, 1 - p) < task.confidence).mean())
    return [f"{share:.1%} of the answers have a confidence under {task.confidence:g} and go to a person."]
