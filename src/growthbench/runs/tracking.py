"""The one helper that writes a run: pipeline, notebook and command line all end here."""

import getpass
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growthbench.base.clock import now_us
from growthbench.base.jsonio import canonical, write_json, write_text
from growthbench.base.run_record import RunRecord
from growthbench.base.settings import Settings
from growthbench.learning.configuration import PROGRAM
from growthbench.runs.completeness import check_complete
from growthbench.runs.lineage import Lineage, read_lineage
from growthbench.runs.pyfunc import artifact_beside, save_pyfunc, signature
from growthbench.runs.tracker import Progress, Tracker, open_tracker, quiet_mlflow

if TYPE_CHECKING:
    from growthbench.learning.configuration import Configuration
    from growthbench.learning.model import Model

    Artifact = Model | Configuration

_STEPS = 4


def log_run(
    record: RunRecord,
    settings: Settings,
    project_root: Path | None = None,
    progress: Progress | None = None,
) -> str:
    """Write a finished piece of work down as one MLflow run of the experiment ``record.task``.

    A run that is not complete is refused before anything is written; one that could not be written to its end is marked
    as failed. Nothing of MLflow's global state (tracking URL, active run) is changed.

    Parameters
    ----------
    record : RunRecord
    settings : Settings
        ``tracking_url`` says where; files of an SQLite tracking database lie in ``home/mlruns``.
    project_root : Path, optional
        Folder whose git state, ``dvc.lock`` and ``uv.lock`` are noted; the working directory by default.
    progress : callable, optional
        Told (what, done, total).

    Returns
    -------
    str
        Id of the run. Its name is ``<task>/<data>/<n>``.

    Raises
    ------
    BadInputError
        The record is incomplete; the message names what is missing.
    ArtifactError, GoldenRowsError
        The model folder is broken.
    NotReadyError
        The tracking database is away.
    """
    from growthbench.learning.artifact import load_artifact

    check_complete(record)
    model = load_artifact(Path(record.artifact))
    lineage = read_lineage(project_root)
    tracker = open_tracker(settings, progress)
    said = progress or (lambda *_: None)
    experiment = tracker.experiment(record.task)
    name = _next_name(tracker, experiment, record)
    run_id = tracker.client.create_run(experiment, run_name=name, tags=_tags(record, lineage, model)).info.run_id
    try:
        said(f"writing run {name}", 0, _STEPS)
        _log_input(tracker, run_id, record, model)
        _log_params(tracker, run_id, record.params)
        said(f"writing run {name}", 1, _STEPS)
        _log_files(tracker, run_id, record, lineage, model)
        said(f"writing run {name}", 2, _STEPS)
        model_id = _log_model(tracker, experiment, run_id, record, model)
        said(f"writing run {name}", 3, _STEPS)
        _log_metrics(tracker, run_id, record.metrics, model_id)
    except BaseException:
        tracker.client.set_terminated(run_id, "FAILED")
        raise
    tracker.client.set_terminated(run_id, "FINISHED")
    said(f"writing run {name}", _STEPS, _STEPS)
    return run_id


def _next_name(tracker: Tracker, experiment: str, record: RunRecord) -> str:
    stem = f"{record.task}/{record.data}/"
    pattern = stem.replace("'", "_")  # one character each: LIKE's own wildcard, checked below
    newest = tracker.client.search_runs(
        [experiment], f"attributes.run_name LIKE '{pattern}%'", max_results=50, order_by=["attributes.start_time DESC"]
    )
    numbers = [
        int(found[1]) for run in newest if (found := re.fullmatch(re.escape(stem) + r"(\d+)", run.info.run_name))
    ]
    return f"{stem}{max(numbers, default=0) + 1}"


def _tags(record: RunRecord, lineage: Lineage, model: "Artifact") -> dict[str, str]:
    ours = {
        "task": record.task,
        "kind": model.kind,
        "data": record.data,
        "data_hash": record.data_hash,
        "feature_hash": record.feature_hash,
        "artifact_digest": model.digest,
        "mlflow.note.content": record.card[:7900],  # what MLflow shows as the run's description
        "mlflow.source.name": "growthbench",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": _user(),
        **lineage.tags,
    }
    if not lineage.tags["commit"].startswith("none"):
        ours["mlflow.source.git.commit"] = lineage.tags["commit"]
    return {**{key: str(value) for key, value in record.tags.items()}, **ours}


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"


def _log_input(tracker: Tracker, run_id: str, record: RunRecord, model: "Artifact") -> None:
    with quiet_mlflow():
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.entities import DatasetInput, InputTag

        source = CodeDatasetSource({"source": record.data, "data_hash": record.data_hash})
        schema = None if model.kind == PROGRAM else signature(model).inputs
        # MLflow keeps 36 characters of a digest; the whole one is a tag of the run.
        dataset = MetaDataset(source, name=record.data, digest=record.data_hash[:36], schema=schema)
        tag = InputTag("mlflow.data.context", "evaluation" if model.kind == PROGRAM else "training")
        tracker.client.log_inputs(run_id, [DatasetInput(dataset._to_mlflow_entity(), [tag])])


def _log_params(tracker: Tracker, run_id: str, params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param

    entries = [Param(key, _as_text(value)[:6000]) for key, value in params.items()]
    for start in range(0, len(entries), 100):  # MLflow's limit of one batch
        tracker.client.log_batch(run_id, params=entries[start : start + 100])


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def _log_files(tracker: Tracker, run_id: str, record: RunRecord, lineage: Lineage, model: "Artifact") -> None:
    with tempfile.TemporaryDirectory(prefix="growthbench-run-") as scratch:
        root = Path(scratch)
        shutil.copyfile(record.evaluation, root / "evaluation.parquet")
        write_text(record.card, root / "card.md")
        write_json(dict(record.params), root / "params.json")
        write_json([column.to_json() for column in model.columns], root / "features.json")
        for name, rows in record.tables.items():
            write_json(rows, root / "tables" / f"{name}.json")
        (root / "plots").mkdir()
        for name, file in record.plots.items():
            shutil.copyfile(file, root / "plots" / f"{name}{Path(file).suffix}")
        write_json(dict(lineage.code), root / "code" / "sources.json")
        if lineage.diff or lineage.untracked:
            write_text(lineage.diff + "\n", root / "code" / "uncommitted.diff")
            write_json(dict(lineage.untracked), root / "code" / "untracked.json")
        write_json(dict(lineage.packages), root / "environment" / "packages.json")
        for file in lineage.files:
            shutil.copyfile(file, root / "environment" / file.name)
        tracker.client.log_artifacts(run_id, str(root))


def _log_model(tracker: Tracker, experiment: str, run_id: str, record: RunRecord, model: "Artifact") -> str:
    """The artifact folder as an MLflow logged model that ``mlflow.pyfunc`` can load; its id."""
    with quiet_mlflow(), tempfile.TemporaryDirectory(prefix="growthbench-model-") as scratch:
        from mlflow.entities import LoggedModelOutput
        from mlflow.models import Model as MlflowModel

        params = {key: _as_text(value)[:6000] for key, value in record.params.items()}
        tags = {"task": record.task, "data": record.data, "artifact_digest": model.digest}
        logged = tracker.client.create_logged_model(
            experiment, name=record.task, source_run_id=run_id, tags=tags, params=params, model_type=model.kind
        )
        about = MlflowModel(
            run_id=run_id,
            model_id=logged.model_id,
            model_uuid=logged.model_id,
            metadata={"artifact_digest": model.digest},
        )
        folder = Path(scratch) / "model"
        if model.kind == PROGRAM:  # nothing that `mlflow.pyfunc` could run
            artifact_beside(Path(record.artifact), folder)
        else:
            save_pyfunc(model, Path(record.artifact), folder, about)
        tracker.client.log_model_artifacts(logged.model_id, str(folder))
        tracker.client.finalize_logged_model(logged.model_id, "READY")
        tracker.client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, 0)])
        tracker.client.set_tag(run_id, "model_id", logged.model_id)
    return logged.model_id


def _log_metrics(tracker: Tracker, run_id: str, metrics: Mapping[str, float], model_id: str) -> None:
    from mlflow.entities import Metric

    now_ms = now_us() // 1000
    entries = [Metric(name, float(value), now_ms, 0, model_id=model_id) for name, value in metrics.items()]
    for start in range(0, len(entries), 1000):
        tracker.client.log_batch(run_id, metrics=entries[start : start + 1000])
