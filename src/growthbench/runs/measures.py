"""The metrics of an evaluation's rows, by the names of the one list, ready to be resampled.

They are those that `learning.evaluation` records, to the last digit: `completeness` refuses a run whose recorded
metrics are not those of its rows.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base import statistics
from growthbench.base.statistics import Metric
from growthbench.learning.bands import cost_of_rows
from growthbench.learning.metrics import fold_mean
from growthbench.learning.params import BandParams
from growthbench.learning.task import Task
from growthbench.learning.tasks import TASKS, get_task, table_task

if TYPE_CHECKING:
    import pandas as pd

BASELINE = "baseline_"
_HIT = "_hit"
_PRICES = "bands."
MEASURE = "measure_"
"""Prefix of columns that hold one figure a row, NaN where it was not measured: the metric is their mean."""
_LESS_IS_BETTER = ("log_loss", "brier", "ece", "cost", "in_scope_refused", "injection_success", "findings")


def higher_is_better(name: str) -> bool:
    """Whether more of a metric is better."""
    return name not in _LESS_IS_BETTER


def task_of(name: str, kind: str) -> Task:
    """The task of a run; one that nobody registered is a table's."""
    return get_task(name) if name in TASKS else table_task(name, kind)


def main_metric(name: str, kind: str) -> str:
    """The metric that a task's runs are judged by first."""
    metric = task_of(name, kind).gates.metric
    return "accuracy" if metric == "auc" and kind != "binary" else metric


def measures(
    rows: "pd.DataFrame", kind: str, params: Mapping[str, Any] | None = None, by_fold: bool = True
) -> dict[str, Metric]:
    """Metrics that an evaluation's columns allow.

    Parameters
    ----------
    rows : DataFrame
        See `learning.predictions.prediction_rows`.
    kind : {"binary", "multiclass", "text", "program"}
    params : mapping, optional
        Flat parameters of a run: ``cost`` needs its prices, ``bands.*``.
    by_fold : bool
        Ranking metrics are means over folds, as they are recorded; else over all rows at once, for parts of the rows
        that are too few for that.
    """
    if kind == "binary":
        return _binary(rows, params or {}, by_fold)
    return (_classes(rows) if "predicted" in rows else {}) | _means(rows)


def in_scope(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Rows that belong to one of the classes."""
    return rows[~rows["out_of_scope"].to_numpy(bool)] if "out_of_scope" in rows else rows


def baselines_of(rows: "pd.DataFrame") -> list[str]:
    """Baselines that an evaluation holds the answers of."""
    return [n.removeprefix(BASELINE) for n in rows if n.startswith(BASELINE) and not n.endswith(_HIT)]


def as_baseline(rows: "pd.DataFrame", name: str, metric: str = "") -> "pd.DataFrame":
    """The same rows as the baseline of that name answers them; of a program's, what it scores in ``metric``."""
    values = rows[BASELINE + name]
    if MEASURE + metric in rows:
        return rows.assign(**{MEASURE + metric: values})
    if "predicted" not in rows:
        return rows.assign(score=values, calibrated=values)
    return rows.assign(hit=rows[BASELINE + name + _HIT], label_probability=values).drop(columns="label_rank")


def _binary(rows: "pd.DataFrame", params: Mapping[str, Any], by_fold: bool) -> dict[str, Metric]:
    y = rows["label"].to_numpy(np.int64)
    p = np.clip(rows["calibrated"].to_numpy(np.float64), 0.0, 1.0)  # a rule of thumb may leave the range
    fold = rows["fold"].to_numpy(object) if by_fold else np.zeros(len(rows), int)
    made = {
        "auc": fold_mean(statistics.auc, y, p, fold),
        "ap": fold_mean(statistics.average_precision, y, p, fold),
        "log_loss": statistics.mean_of(statistics.log_losses(y, p)),
        "brier": statistics.mean_of(statistics.squared_errors(y, p)),
        "ece": statistics.ece(y, p),
        "lift_at_10": fold_mean(statistics.lift, y, p, fold),
    }
    if prices := {name.removeprefix(_PRICES): v for name, v in params.items() if name.startswith(_PRICES)}:
        made["cost"] = statistics.mean_of(cost_of_rows(y, p, BandParams(**prices)))
    return made


def _classes(rows: "pd.DataFrame") -> dict[str, Metric]:
    inside = np.ones(len(rows), bool) if "out_of_scope" not in rows else ~rows["out_of_scope"].to_numpy(bool)
    right = rows["hit"] if "hit" in rows else rows["predicted"] == rows["label"]
    hit = right.to_numpy(np.float64)[inside]
    made = {
        "accuracy": statistics.mean_of(hit),
        "ece": statistics.ece(hit, rows["calibrated"].to_numpy(np.float64)[inside]),
    }
    if "label_probability" in rows:
        given = rows["label_probability"].to_numpy(np.float64)[inside]
        made["log_loss"] = statistics.mean_of(-np.log(np.clip(given, 1e-15, 1.0)))
    if "label_rank" in rows:
        made["top3"] = statistics.mean_of(rows["label_rank"].to_numpy()[inside] <= 3)
    if "refused" in rows:
        made["in_scope_refused"] = statistics.mean_of(rows["refused"].to_numpy(np.float64)[inside])
    made = {name: _on(metric, inside) for name, metric in made.items()}
    if "refused" in rows and not inside.all():
        made["oos_recall"] = _on(statistics.mean_of(rows["refused"].to_numpy(np.float64)[~inside]), ~inside)
    return made


def _means(rows: "pd.DataFrame") -> dict[str, Metric]:
    made = {}
    for column in (name for name in rows if name.startswith(MEASURE)):
        values = rows[column].to_numpy(np.float64)
        if (there := np.isfinite(values)).any():
            made[column.removeprefix(MEASURE)] = _on(statistics.mean_of(values[there]), there)
    return made


def _on(metric: Metric, chosen: np.ndarray) -> Metric:
    return metric if chosen.all() else lambda weights: metric(weights[:, chosen])
