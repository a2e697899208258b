"""Train a task on a source and write the run down: what the command line, the notebook and the pipeline all do."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from growthbench.base.settings import Settings

if TYPE_CHECKING:
    from growthbench.base.run_record import RunRecord
    from growthbench.learning.frame import TrainingFrame
    from growthbench.learning.params import TrainParams
    from growthbench.learning.task import Progress, Task


@dataclass(frozen=True, repr=False)
class TrainedRun:
    """A finished training, written down as an MLflow run.

    Attributes
    ----------
    run_id, task, data : str
    metrics : mapping of str to float
    tables : mapping of str to list of dict
        Baselines, slices, leaks.
    """

    run_id: str
    task: str
    data: str
    metrics: Mapping[str, float]
    tables: Mapping[str, list[dict]] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping for JSON."""
        return {
            "run_id": self.run_id,
            "task": self.task,
            "data": self.data,
            "metrics": dict(self.metrics),
            "leaks": self.tables.get("leaks", []),
        }

    def _repr_html_(self) -> str:
        from growthbench.workbench.show import run_html

        return run_html(self)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        from growthbench.workbench.show import run_text

        return run_text(self)


def train_and_log(
    task: "Task",
    frame: "TrainingFrame",
    params: "TrainParams",
    settings: Settings,
    project_root: Path | None = None,
    progress: "Progress | None" = None,
    tags: Mapping[str, str] | None = None,
) -> TrainedRun:
    """Train, evaluate and log one run.

    Returns
    -------
    TrainedRun
        Its artifact, evaluation, plots and card are in MLflow.
    """
    from dataclasses import replace

    from growthbench.runs.tracking import log_run

    work = Path(mkdtemp(prefix="growthbench-train-"))
    try:
        record = train_to_record(task, frame, params, work, progress)
        if tags:
            record = replace(record, tags={**record.tags, **tags})
        run_id = log_run(record, settings, project_root, progress)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return TrainedRun(run_id, record.task, record.data, dict(record.metrics), dict(record.tables))


def train_to_record(
    task: "Task", frame: "TrainingFrame", params: "TrainParams", out: Path, progress: "Progress | None" = None
) -> "RunRecord":
    """Train into ``out/trained`` and evaluate into ``out/report``."""
    from growthbench.learning.evaluation import evaluate
    from growthbench.learning.training import train

    result = train(task, frame, params, out / "trained", progress)
    return evaluate(task, frame, result, params, out / "report")
