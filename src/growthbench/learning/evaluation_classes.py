"""Judging a task of several classes, of rows or of texts."""

import numpy as np
import pandas as pd

from growthbench.base.statistics import Estimate, estimate, mean_of
from growthbench.learning import plots
from growthbench.learning.metrics import reliability_table
from growthbench.learning.params import TrainParams
from growthbench.learning.text_evaluation import text_metrics

_SHOWN = 30
_TINY = 1e-15


def judge_classes(task, predictions: pd.DataFrame, params: TrainParams, rng: np.random.Generator):
    """Accuracy, top 3, log loss and ECE with intervals, rivals on the same rows, slices and plots.

    Rows out of scope count for ``oos_recall`` only; ``in_scope_refused`` is the price of refusing.
    """
    from growthbench.learning.evaluation import Judgement

    texts = "refused" in predictions
    if not texts:
        predictions = predictions.assign(out_of_scope=False, refused=False)
    metrics = text_metrics(predictions, params.bootstrap, rng)
    if not texts:
        metrics.pop("in_scope_refused")
    inside = predictions[~predictions["out_of_scope"].to_numpy(bool)]
    hit = (inside["label"] == inside["predicted"]).to_numpy(float)
    tables = {
        "baselines": _rivals(inside, hit, metrics, params, rng),
        "slices": slice_rows(inside),
        "classes": class_rows(inside),
        "reliability": reliability_table(hit, inside["calibrated"].to_numpy(float)),
    }
    figures = {
        "calibration": plots.calibration(tables["reliability"], metrics["ece"], metrics["ece_floor"].value),
        "confusion": plots.confusion(inside["label"], inside["predicted"], _SHOWN),
    }
    if tables["slices"]:
        figures["slices"] = plots.slices(tables["slices"], "accuracy", metrics["accuracy"].value)
    return Judgement(metrics, tables, figures)


def slice_rows(inside: pd.DataFrame) -> list[dict]:
    """One row for each part of each slice: rows, accuracy, log loss, mean confidence."""
    hit = (inside["label"] == inside["predicted"]).to_numpy(float)
    losses, sure = _losses(inside["label_probability"]), inside["calibrated"].to_numpy(float)
    made = []
    for column in (c for c in inside if c.startswith("slice_")):
        values = inside[column].to_numpy(object)
        for value in sorted(set(values.tolist()), key=lambda v: -(values == v).sum()):
            rows = values == value
            made.append(
                {
                    "slice": column.removeprefix("slice_"),
                    "value": str(value),
                    "n": int(rows.sum()),
                    "accuracy": float(hit[rows].mean()),
                    "log_loss": float(losses[rows].mean()),
                    "probability": float(sure[rows].mean()),
                }
            )
    return made


def class_rows(inside: pd.DataFrame) -> list[dict]:
    """One row for each class: rows, how often it was predicted, precision and recall."""
    label, predicted = inside["label"].to_numpy(object), inside["predicted"].to_numpy(object)
    made = []
    for name in sorted(set(label.tolist()) | set(predicted.tolist())):
        right = int(((label == name) & (predicted == name)).sum())
        n, said = int((label == name).sum()), int((predicted == name).sum())
        precision, recall = right / said if said else None, right / n if n else None
        made.append({"class": name, "n": n, "predicted": said, "precision": precision, "recall": recall})
    return made


def _rivals(inside, hit, metrics: dict[str, Estimate], params: TrainParams, rng) -> list[dict]:
    rows = [{"name": "model", "accuracy": metrics["accuracy"].value, "log_loss": metrics["log_loss"].value}]
    losses = _losses(inside["label_probability"])
    group = inside["group"].to_numpy(object) if "group" in inside else None
    names = [c for c in inside if c.startswith("baseline_") and not c.endswith("_hit")]
    gaps = {}
    for name in names:
        gaps[name, "accuracy"] = mean_of(hit - inside[f"{name}_hit"].to_numpy(float))
        gaps[name, "log_loss"] = mean_of(losses - _losses(inside[name]))
    if not gaps:
        return rows
    found = estimate({f"{a}|{b}": m for (a, b), m in gaps.items()}, len(hit), params.bootstrap, rng, group=group)
    for name in names:
        row = {
            "name": name.removeprefix("baseline_"),
            "accuracy": float(inside[f"{name}_hit"].mean()),
            "log_loss": float(_losses(inside[name]).mean()),
        }
        for metric in ("accuracy", "log_loss"):
            gap = found[f"{name}|{metric}"]
            row |= {f"model_minus_{metric}{end}": v for end, v in (("", gap.value), ("_lo", gap.lo), ("_hi", gap.hi))}
        rows.append(row)
    return rows


def _losses(probability: pd.Series) -> np.ndarray:
    return -np.log(np.clip(probability.to_numpy(float), _TINY, 1.0))
