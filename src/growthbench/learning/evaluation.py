"""Judge predictions: metrics with intervals, rivals on the same rows, slices, plots, card, record of the run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from growthbench.base.jsonio import write_json, write_text
from growthbench.base.run_record import RunRecord
from growthbench.base.statistics import Estimate
from growthbench.learning.artifact import artifact_digest, write_card
from growthbench.learning.card import card_text
from growthbench.learning.evaluation_binary import judge_binary
from growthbench.learning.evaluation_classes import judge_classes
from growthbench.learning.leaks import Leak
from growthbench.learning.params import TrainParams
from growthbench.learning.threads import one_thread
from growthbench.learning.training import TrainingResult


@dataclass(frozen=True)
class Judgement:
    """What one kind of task measures.

    Attributes
    ----------
    metrics : dict of str to Estimate
    tables : dict of str to list of dict
        ``baselines``, ``slices``, and the tables behind the plots.
    plots : dict of str to matplotlib Figure
    notes : list of str
        Sentences for the card.
    """

    metrics: dict[str, Estimate]
    tables: dict[str, list[dict]]
    plots: dict[str, Any]
    notes: list[str] = field(default_factory=list)


@one_thread()
def evaluate(
    task,
    frame,
    result: TrainingResult | pd.DataFrame,
    params: TrainParams,
    out: Path,
    artifact: Path | None = None,
    leaks: list[Leak] = (),
) -> RunRecord:
    """Judge the predictions of a training and write everything a reviewer needs.

    Parameters
    ----------
    task : Task
    frame : TrainingFrame
        The frame that was trained on (its story is told; its rows are not read).
    result : TrainingResult or DataFrame
        What `training.train` gave; with the predictions alone give ``artifact`` and ``leaks`` too.
    params : TrainParams
        ``bootstrap`` resamples, ``bands``, ``seed``.
    out : Path
        Gets ``evaluation.parquet``, ``metrics.json``, ``tables/*.json``, ``plots/*.png``, ``card.md``; the card is also
        put into the artifact.

    Returns
    -------
    RunRecord
    """
    if isinstance(result, pd.DataFrame):
        result = TrainingResult(Path(artifact), result, list(leaks), params.flat())
    out, predictions = Path(out), result.predictions
    rng = np.random.default_rng(params.seed)
    judge = judge_binary if task.kind == "binary" else judge_classes
    judged = judge(task, predictions, params, rng)
    metrics = flat_metrics(judged.metrics)
    tables = judged.tables | {"leaks": [leak.row() for leak in result.leaks]}
    card = card_text(task, frame, result, judged, tables, artifact_digest(result.artifact))
    out.mkdir(parents=True, exist_ok=True)
    predictions.to_parquet(out / "evaluation.parquet", index=False)
    write_json(metrics, out / "metrics.json")
    for name, rows in tables.items():
        write_json(rows, out / "tables" / f"{name}.json")
    write_text(card, out / "card.md")
    write_card(result.artifact, card)
    return RunRecord(
        task=task.name,
        data=frame.source,
        params=dict(result.params_used),
        metrics=metrics,
        evaluation=out / "evaluation.parquet",
        artifact=result.artifact,
        card=card,
        feature_hash=frame.feature_hash,
        data_hash=frame.data_hash,
        plots=_write_plots(judged.plots, out / "plots"),
        tables=tables,
        tags=_tags(task, result),
    )


def flat_metrics(metrics: dict[str, Estimate]) -> dict[str, float]:
    """``name name_lo name_hi`` of each estimate; what could not be computed is left out."""
    flat = {}
    for name, e in metrics.items():
        flat |= {f"{name}{end}": float(v) for end, v in (("", e.value), ("_lo", e.lo), ("_hi", e.hi)) if v == v}
    return flat


def _write_plots(figures: dict[str, Any], folder: Path) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, figure in figures.items():
        paths[name] = folder / f"{name}.png"
        figure.savefig(paths[name], dpi=110, metadata={"Software": None})
    return paths


def _tags(task, result: TrainingResult) -> dict[str, str]:
    tags = {"kind": task.kind, "artifact_digest": artifact_digest(result.artifact)}
    tags |= {f"split.{k}": " - ".join(v) if isinstance(v, list) else str(v) for k, v in result.split.items()}
    if result.leaks:
        tags["leaks"] = ", ".join(leak.column for leak in result.leaks)
    return tags
