"""Finding runs again, from any process, and reading what they hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from growthbench.base.clock import to_iso
from growthbench.base.errors import BadInputError, NotFoundError, UnknownNameError
from growthbench.base.jsonio import read_json
from growthbench.base.settings import Settings
from growthbench.operations.runs_touched import lost_people
from growthbench.runs.measures import main_metric
from growthbench.runs.pyfunc import artifact_inside
from growthbench.runs.tracker import Progress, Tracker, open_tracker

if TYPE_CHECKING:
    import pandas as pd

_OURS = "attributes.status = 'FINISHED' AND tags.artifact_digest LIKE '%'"
_MIN_PREFIX = 4


@dataclass(frozen=True, eq=False)
class RunView:
    """One finished run; files are read when they are asked for.

    Attributes
    ----------
    id, name : str
        MLflow's id and ``<task>/<data>/<n>``.
    task, data, kind : str
    started_at : int
        UTC µs.
    metrics : mapping of str to float
    tags : mapping of str to str
        Among them ``data_hash feature_hash artifact_digest commit dirty dvc_lock uv_lock code python``.
    """

    id: str
    name: str
    task: str
    data: str
    kind: str
    started_at: int
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    _tracker: Tracker = field(repr=False)
    _files: str = field(repr=False)

    @cached_property
    def params(self) -> dict[str, Any]:
        """Flat experiment parameters with their types."""
        return read_json(self.file("params.json"))

    @cached_property
    def evaluation(self) -> "pd.DataFrame":
        """Out-of-fold predictions, one line per row: ``key fold label score calibrated``, ``slice_*`` and others."""
        import pandas as pd

        return pd.read_parquet(self.file("evaluation.parquet"))

    @cached_property
    def tables(self) -> dict[str, list[dict]]:
        """Small tables by name: baselines, slices, leaks."""
        folder = self._folder("tables")
        return {file.stem: read_json(file) for file in sorted(folder.glob("*.json"))} if folder else {}

    @cached_property
    def features(self) -> list[dict[str, str]]:
        """Columns the model reads: name, kind, unit, about."""
        return read_json(self.file("features.json"))

    @cached_property
    def sources(self) -> dict[str, str]:
        """Digest of every source file of the package when the run was made."""
        return read_json(self.file("code/sources.json"))

    @cached_property
    def packages(self) -> dict[str, str]:
        """Installed distributions and their versions when the run was made."""
        return read_json(self.file("environment/packages.json"))

    @cached_property
    def plots(self) -> dict[str, Path]:
        """Pictures by name."""
        folder = self._folder("plots")
        return {file.stem: file for file in sorted(folder.iterdir())} if folder else {}

    @property
    def card(self) -> str:
        """Model card, Markdown."""
        return self.file("card.md").read_text(encoding="utf-8")

    @property
    def main_metric(self) -> str:
        """The metric that it is judged by first."""
        return self.tags.get("main_metric") or main_metric(self.task, self.kind)

    @property
    def digest(self) -> str:
        """Digest of the artifact when it was logged."""
        return self.tags["artifact_digest"]

    @cached_property
    def artifact(self) -> Path:
        """Model folder as it lies in the tracking store (do not write into it); ``load_model`` checks it."""
        location = self._tracker.client.get_logged_model(self.tags["model_id"]).artifact_location
        return artifact_inside(self._fetch(location))

    def file(self, name: str) -> Path:
        """Local path of one of the run's files.

        Raises
        ------
        NotFoundError
            The run has no such file.
        """
        path = self._fetch(f"{self._files}/{name}")
        if not path.exists():
            raise NotFoundError(f"run {self.name} ({self.id}) has no file {name}")
        return path

    def _folder(self, name: str) -> Path | None:
        try:
            return self.file(name)
        except NotFoundError:
            return None

    def _fetch(self, uri: str) -> Path:
        from mlflow.exceptions import MlflowException

        try:
            return self._tracker.fetch(uri)
        except (MlflowException, OSError) as exc:
            raise NotFoundError(f"run {self.name} ({self.id}): {uri} cannot be read: {exc}") from exc

    @property
    def lost(self) -> str | None:
        """What was erased of its data since, in words; None if nothing is known to be missing."""
        found = lost_people(self._tracker.settings.home, self.id, self.data, self.started_at)
        return None if found is None else str(found)

    def summary(self) -> dict[str, Any]:
        """One line of a listing."""
        first = self.main_metric
        return {
            "run": self.name,
            "id": self.id[:8],
            "started": to_iso(self.started_at)[:16].replace("T", " "),
            "metric": first,
            "value": self.metrics.get(first),
            "lo": self.metrics.get(f"{first}_lo"),
            "hi": self.metrics.get(f"{first}_hi"),
            "ece": self.metrics.get("ece"),
            **({} if self.lost is None else {"lost": self.lost}),
        }

    def to_dict(self) -> dict[str, Any]:
        """The run without its files, for ``--json``."""
        return {
            "run_id": self.id,
            "name": self.name,
            "task": self.task,
            "data": self.data,
            "started_at": to_iso(self.started_at),
            "metrics": dict(self.metrics),
            "lost": self.lost,
            "params": self.params,
            "tags": {key: value for key, value in self.tags.items() if not key.startswith("mlflow.")},
        }


def find_run(settings: Settings, ref: str, progress: Progress | None = None) -> RunView:
    """One run by any of its names.

    Parameters
    ----------
    settings : Settings
    ref : str
        Run id or its first 4 or more digits; run name (``churn/world:b2b/3``); ``churn@champion``,
        ``churn@challenger``, ``churn@latest``; or a model version as the service's answers quote it,
        ``churn@3f9a2c41d07b``.

    Raises
    ------
    UnknownNameError
        Nothing of that name; lists the newest runs.
    BadInputError
        More than one run fits.
    NotFoundError
        The task has no such alias.
    """
    tracker = open_tracker(settings, progress)
    ref = str(ref).strip()
    task, at, mark = ref.removeprefix("models:/").partition("@")
    if at:
        return _by_mark(tracker, task.removeprefix(f"{settings.tenant}."), mark)
    if re.fullmatch(r"[0-9a-f]{32}", ref) and (run := _by_id(tracker, ref)):
        return run
    fitting = _search(tracker, also=f"attributes.run_name = '{ref}'") if "'" not in ref else []
    if not fitting and re.fullmatch(rf"[0-9a-f]{{{_MIN_PREFIX},32}}", ref):
        fitting = [run for run in _search(tracker) if run.id.startswith(ref)]
    return _only(tracker, ref, fitting)


def list_runs(
    settings: Settings, task: str | None = None, limit: int = 50, progress: Progress | None = None
) -> list[RunView]:
    """Finished runs, the newest first; of one task if named."""
    return _search(open_tracker(settings, progress), task, limit=limit)


def view(tracker: Tracker, run) -> RunView:
    """The view of an MLflow run entity."""
    tags = run.data.tags
    return RunView(
        id=run.info.run_id,
        name=run.info.run_name,
        task=tags["task"],
        data=tags["data"],
        kind=tags["kind"],
        started_at=run.info.start_time * 1000,
        metrics=dict(run.data.metrics),
        tags=dict(tags),
        _tracker=tracker,
        _files=run.info.artifact_uri,
    )


def _by_id(tracker: Tracker, run_id: str) -> RunView | None:
    from mlflow.exceptions import MlflowException

    try:
        run = tracker.client.get_run(run_id)
    except MlflowException as exc:
        if exc.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    fine = run.info.status == "FINISHED" and "artifact_digest" in run.data.tags
    return view(tracker, run) if fine and run.info.lifecycle_stage == "active" else None


def _by_mark(tracker: Tracker, task: str, mark: str) -> RunView:
    from mlflow.exceptions import MlflowException

    newest = _search(tracker, task, limit=1)
    if not newest:
        raise UnknownNameError("task with runs", task, {run.task for run in _search(tracker)}, field="run")
    if mark == "latest":
        return newest[0]
    if re.fullmatch(r"[0-9a-f]{8,64}", mark):
        return _only(
            tracker, f"{task}@{mark}", _search(tracker, task, f"tags.artifact_digest LIKE '{mark}%'"), newest=True
        )
    if mark not in ("champion", "challenger"):
        raise UnknownNameError("alias", mark, ("champion", "challenger", "latest", "<digits of a model>"), field="run")
    try:
        version = tracker.client.get_model_version_by_alias(tracker.registered_name(task), mark)
    except MlflowException as exc:
        raise NotFoundError(f"{task} has no {mark} in the registry") from exc
    if run := _by_id(tracker, version.run_id):
        return run
    raise NotFoundError(f"the run {version.run_id} of {task}@{mark} is gone")


def _search(tracker: Tracker, task: str | None = None, also: str = "", limit: int | None = None) -> list[RunView]:
    from mlflow.entities import ViewType

    experiments = tracker.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    ids = [e.experiment_id for e in experiments if task in (None, e.name)]
    if not ids:
        return []
    query = f"{_OURS} AND {also}" if also else _OURS
    found, token = [], None
    while True:
        page = tracker.client.search_runs(
            ids, query, max_results=min(limit or 1000, 1000), order_by=["attributes.start_time DESC"], page_token=token
        )
        found.extend(view(tracker, run) for run in page)
        token = page.token
        if not token or (limit and len(found) >= limit):
            return found[:limit]


def _only(tracker: Tracker, ref: str, fitting: list[RunView], newest: bool = False) -> RunView:
    if not fitting:
        raise UnknownNameError("run", ref, [run.name for run in _search(tracker, limit=20)], field="run")
    if len(fitting) > 1 and not newest:
        those = ", ".join(f"{run.name} ({run.id[:12]})" for run in fitting[:10])
        raise BadInputError(f"{ref!r} fits {len(fitting)} runs, give more digits of the id: {those}", field="run")
    return fitting[0]
