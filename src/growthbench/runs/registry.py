"""From a run to what is served: gate, deployment, and MLflow's aliases as its mirror.

The row of ``deployments`` is the truth. It is flipped first, with its evidence; the registry is told afterwards. Where
that fails, what is served is not touched: the result says ``mirrored=False`` and why, and `sync` repairs it.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import ArtifactError, BadInputError, GrowthbenchError, NotFoundError
from growthbench.base.settings import Settings
from growthbench.learning.configuration import PROMPT
from growthbench.predictions import deployments
from growthbench.predictions.deployments import Deployment
from growthbench.runs.gate import GateParams, GateResult, check
from growthbench.runs.reading import RunView, find_run
from growthbench.runs.tracker import Progress, Tracker, open_tracker, quiet_mlflow

if TYPE_CHECKING:
    from growthbench.store.engine import Store

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True, repr=False)
class Promotion:
    """What became of a promotion or rollback.

    Attributes
    ----------
    action : {"promote", "rollback", "sync"}
    deployment : Deployment
        What is served now.
    gate : GateResult or None
        What the gate saw.
    forced : bool
        The gate refused and was overruled.
    mirrored : bool
        MLflow's aliases say the same as the deployment.
    problem : str
        Why not, if they do not.
    """

    action: str
    deployment: Deployment
    gate: GateResult | None = None
    forced: bool = False
    mirrored: bool = True
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        now = self.deployment
        return {
            "action": self.action,
            "task": now.task,
            "model_version": now.model_version,
            "run_id": now.champion_run,
            "version": now.version,
            "forced": self.forced,
            "gate": self.gate.to_dict() if self.gate else None,
            "mirrored": self.mirrored,
            "problem": self.problem,
        }

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        now = self.deployment
        lines = [str(self.gate)] if self.gate else []
        done = {"promote": "is now champion", "rollback": "is champion again", "sync": "is champion"}[self.action]
        lines.append(f"{now.model_version} of run {now.champion_run} {done}{' (forced)' if self.forced else ''}")
        if not self.mirrored:
            lines.append(f"MLflow's aliases could not be set, `sync` will repair them: {self.problem}")
        return "\n".join(lines)


def register(settings: Settings, run: RunView | str) -> str:
    """Version number of a run's model in MLflow's registry, made if there is none yet.

    Returns
    -------
    str
        Version of the registered model ``<tenant>.<task>``.
    """
    view = _view(settings, run)
    return _register(open_tracker(settings), view)


def promote(
    settings: Settings,
    store: "Store",
    run: RunView | str,
    params: GateParams | None = None,
    force: bool = False,
    by: str = "",
    progress: Progress | None = None,
) -> Promotion:
    """Make a run's model the champion of its task, if the gate lets it.

    Parameters
    ----------
    settings : Settings
    store : Store
        Holds the deployments of ``settings.tenant``.
    run : RunView or str
        Whatever `reading.find_run` understands.
    params : GateParams, optional
    force : bool
        Deploy although a check failed; the evidence says so. A broken artifact is never deployed.
    by : str
        Who asked; told in the evidence and the registry.
    progress : callable, optional
        Told (what, done, total).

    Raises
    ------
    GateError
        With one reason for each failed check; nothing was changed.
    NotFoundError
        A model is served whose run is not in the tracking database, so it cannot be compared with.
    ArtifactError, GoldenRowsError
        The artifact is not the one that was logged, or does not reproduce its golden rows; nothing was changed.
    BadInputError
        The run compares prompts, which are not deployed.
    """
    said = progress or (lambda *_: None)
    view = _view(settings, run)
    tenant, task = settings.tenant, view.task
    if task.startswith(PROMPT):
        raise BadInputError(
            f"{view.name} compares prompts: `growthbench content prompts {task.removeprefix(PROMPT)} --serve VERSION` "
            "says which one speaks",
            field="run",
        )
    said("checking", 0, 3)
    served, unknown = _champion_run(settings, deployments.champion(store, tenant, task))
    if unknown and not force:
        raise NotFoundError(unknown)
    gate = check(view, served, params)
    if not force:
        gate.require()
    forced = force and bool(unknown or not gate.passed)
    by = by or view.tags.get("mlflow.user", "")
    evidence = {"gate": gate.to_dict(), "forced": forced, "by": by, "run": view.name}
    evidence |= {"unknown_champion": unknown} if unknown else {}
    said("deploying", 1, 3)
    with TemporaryDirectory(prefix="growthbench-promote-") as scratch:
        folder = _downloaded(view, scratch)
        now = deployments.deploy(store, settings.home, tenant, task, folder, view.id, evidence)
    said("telling the registry", 2, 3)
    mirrored, problem = _mirror(settings, now, {"promoted_by": by, "forced": str(forced).lower()})
    said("telling the registry", 3, 3)
    return Promotion("promote", now, gate, forced, mirrored, problem)


def rollback(settings: Settings, store: "Store", task: str, by: str = "") -> Promotion:
    """Serve what was champion before the last promotion in force, and mirror it.

    Raises
    ------
    NoChampionError, BadInputError
        Nothing is served for the task, or nothing was before.
    """
    evidence = {"rollback_of": _version(deployments.champion(store, settings.tenant, task)), "by": by}
    now = deployments.rollback(store, settings.home, settings.tenant, task, evidence)
    mirrored, problem = _mirror(settings, now, {"rolled_back_by": by})
    return Promotion("rollback", now, mirrored=mirrored, problem=problem)


def sync(settings: Settings, store: "Store") -> list[Promotion]:
    """Set MLflow's aliases of every task to what the deployments say; safe at any time."""
    found = deployments.deployed(store, settings.tenant)
    return [
        Promotion("sync", now, mirrored=mirrored, problem=problem)
        for now in found.values()
        for mirrored, problem in [_mirror(settings, now, {})]
    ]


def _view(settings: Settings, run: RunView | str) -> RunView:
    return run if isinstance(run, RunView) else find_run(settings, run)


def _version(now: Deployment | None) -> str | None:
    return None if now is None else now.model_version


def _champion_run(settings: Settings, now: Deployment | None) -> tuple[RunView | None, str]:
    """The run behind what is served; why it cannot be read, which is not the same as nothing being served."""
    if now is None:
        return None, ""
    try:
        return find_run(settings, now.champion_run or ""), ""
    except (BadInputError, NotFoundError):
        where = f"its run {now.champion_run!r} is not in the tracking database"
        return None, f"{now.model_version} is served, but {where}: there is nothing to compare with"


def _downloaded(view: RunView, scratch: str) -> Path:
    """A copy of the run's artifact, proven to be what was logged."""
    from growthbench.learning.artifact import load_artifact

    folder = Path(scratch) / "artifact"
    shutil.copytree(view.artifact, folder)
    model = load_artifact(folder)
    if model.digest != view.digest:
        raise ArtifactError(f"run {view.name} logged the model {view.digest[:12]}, its files are {model.digest[:12]}")
    return folder


def _mirror(settings: Settings, now: Deployment, tags: Mapping[str, str]) -> tuple[bool, str]:
    """Set the aliases of a task to a deployment; whether it worked, and why not."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        tracker = open_tracker(settings)
        for alias, run_id in ((CHAMPION, now.champion_run), (CHALLENGER, now.challenger_run)):
            _point(tracker, now.task, alias, run_id)
        if now.champion_run:
            version = _register(tracker, find_run(settings, now.champion_run))
            about = dict(tags) | {"deployment_version": str(now.version), "mirrored_at": to_iso(now_us())}
            for key, value in about.items():
                tracker.client.set_model_version_tag(tracker.registered_name(now.task), version, key, value)
    except (MlflowException, SQLAlchemyError, GrowthbenchError, OSError) as exc:
        return False, str(exc).strip().splitlines()[0]
    return True, ""


def _point(tracker: Tracker, task: str, alias: str, run_id: str | None) -> None:
    name = tracker.registered_name(task)
    if run_id:
        version = _register(tracker, find_run(tracker.settings, run_id))
        tracker.client.set_registered_model_alias(name, alias, version)
    elif tracker.client.search_registered_models(f"name = '{name}'"):
        tracker.client.delete_registered_model_alias(name, alias)


def _register(tracker: Tracker, view: RunView) -> str:
    """Version of a run's model, one for each run."""
    from mlflow.exceptions import MlflowException

    name = tracker.registered_name(view.task)
    with quiet_mlflow(), tracker.pinned():
        try:
            tracker.client.create_registered_model(name, {"task": view.task}, f"Models of the task {view.task}")
        except MlflowException as exc:
            if exc.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        for version in tracker.client.search_model_versions(f"name = '{name}'"):
            if version.run_id == view.id:
                return str(version.version)
        tags = {"artifact_digest": view.digest, "data": view.data, "run_name": view.name}
        source = f"models:/{view.tags['model_id']}"
        made = tracker.client.create_model_version(name, source, run_id=view.id, tags=tags)
    return str(made.version)
