"""Drift of a task's rows: what the model learned from against the newest."""

from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.learning.params import TrainParams

if TYPE_CHECKING:
    from growthbench.learning.frame import TrainingFrame
    from growthbench.monitoring.drift import DriftSummary


def measure_drift(frame: "TrainingFrame", model: Path, params: TrainParams, out: Path, progress=None) -> "DriftSummary":
    """Compare the rows a model learned from with the newest ones: columns, scores, and decisions that change.

    Parameters
    ----------
    frame : TrainingFrame
        With times: rows before the embargo are the reference, rows after the cut the newest.
    model : Path
        Artifact that was trained on it.
    params : TrainParams
        ``window_days`` and ``test_share`` cut the frame, ``seed`` samples it.
    out : Path
        Gets ``drift.html`` and ``drift.json``.
    """
    from growthbench.learning.artifact import load_model
    from growthbench.learning.splits import time_split
    from growthbench.monitoring.drift import drift_report

    loaded = load_model(model)
    split = time_split(frame.time, params.window_days, params.test_share)
    kinds = {c.name: c.kind for c in loaded.columns}
    rows = (frame.take(part).X[list(kinds)] for part in (split.train, split.test))
    return drift_report(*rows, kinds, out, model=loaded, seed=params.seed, progress=progress)
