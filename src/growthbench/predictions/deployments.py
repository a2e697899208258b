"""What is served: a copied model folder per task, named by one row that is flipped in one transaction."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text

from growthbench.base.clock import now_us
from growthbench.base.errors import ArtifactError, BadInputError, NoChampionError
from growthbench.base.jsonio import canonical
from growthbench.learning.artifact import load_artifact
from growthbench.predictions.tables import deployment_history, deployments
from growthbench.store.engine import Store


@dataclass(frozen=True)
class Deployment:
    """One state of a task's deployment.

    Attributes
    ----------
    task : str
    champion : str
        Digest of the artifact that answers; its folder is ``models/<task>/<champion>/`` of the home.
    champion_run : str or None
        MLflow run that made it.
    challenger, challenger_run, share
        The model beside it, its run, and the share of people it answers, 0..1.
    evidence : mapping
        What the gate saw when this state was made.
    version : int
        Grows by one with every change of the task.
    changed_at : int
        UTC µs.
    """

    task: str
    champion: str
    champion_run: str | None
    challenger: str | None
    challenger_run: str | None
    share: float
    evidence: Mapping[str, Any]
    version: int
    changed_at: int

    @property
    def model_version(self) -> str:
        """Short name of the champion, such as ``churn@3f9a2c41d07b``."""
        return model_version(self.task, self.champion)


def model_version(task: str, digest: str) -> str:
    """Short name of a model: its task and the first 12 digits of its digest."""
    return f"{task}@{digest[:12]}"


def model_folder(home: Path, task: str, digest: str) -> Path:
    """Where a deployed artifact lies."""
    return Path(home) / "models" / task / digest


def deploy(
    store: Store,
    home: Path,
    tenant: str,
    task: str,
    artifact: Path,
    run_id: str | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Deployment:
    """Copy a model folder into the home and make it the champion of a task.

    The folder is checked (digests, golden rows) before and after copying; readers see the old champion or the new one.
    Deploying what already is the champion of the same run changes nothing.

    Raises
    ------
    ArtifactError, GoldenRowsError
        The folder, or its copy, is not a model that reproduces its golden rows; nothing was changed.
    BadInputError
        The model was trained for another task.
    """
    model = load_artifact(Path(artifact))
    if model.task != task:
        raise BadInputError(f"the artifact at {artifact} is a model of {model.task}, not of {task}", field="artifact")
    _copy(Path(artifact), model_folder(home, task, model.digest), model.digest)
    state = {"champion": model.digest, "champion_run": run_id, "evidence": canonical(dict(evidence or {}))}
    with store.writing() as connection:
        _lock(connection, tenant, task)
        before = _current(connection, tenant, task)
        if before is not None and (before.champion, before.champion_run) == (model.digest, run_id):
            return before
        if before is not None and before.challenger != model.digest:  # else it has won its place
            state |= {"challenger": before.challenger, "challenger_run": before.challenger_run, "share": before.share}
        parent = None if before is None else before.version
        return _flip(connection, tenant, task, "promote", state, before, parent)


def rollback(store: Store, home: Path, tenant: str, task: str, evidence: Mapping[str, Any] | None = None) -> Deployment:
    """Serve what was served before the last promotion that is in force; a second call goes one promotion further back.

    Raises
    ------
    NoChampionError
        The task has none.
    BadInputError
        There is nothing before.
    ArtifactError, GoldenRowsError
        The earlier folder is gone or does not reproduce its golden rows; nothing was changed.
    """
    with store.writing() as connection:
        _lock(connection, tenant, task)
        before = _current(connection, tenant, task)
        if before is None:
            raise NoChampionError(task)
        target = _behind(connection, tenant, task)
        load_artifact(model_folder(home, task, target["champion"]))
        state = {name: target[name] for name in _STATE} | {"evidence": canonical(dict(evidence or {}))}
        return _flip(connection, tenant, task, "rollback", state, before, target["parent"])


def challenge(
    store: Store,
    home: Path,
    tenant: str,
    task: str,
    digest: str | None,
    share: float = 0.0,
    run_id: str | None = None,
    artifact: Path | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Deployment:
    """Put a challenger beside the champion, change its share, or take it away.

    Parameters
    ----------
    digest : str or None
        Of a model that was deployed for this task and tenant before; or of the artifact. None: no challenger.
    share : float
        0..1: the share of people it answers, the same people every time. All others it only watches.
    artifact : Path, optional
        Its folder, where it was not deployed before; it is copied into the home.

    Raises
    ------
    NoChampionError
        The task has no champion to stand beside.
    BadInputError
        No such model, a share outside 0..1, or the champion itself.
    ArtifactError, GoldenRowsError
        The folder is not a model that reproduces its golden rows; nothing was changed.
    """
    if not 0.0 <= share <= 1.0:
        raise BadInputError(f"share must be between 0 and 1, found {share}", field="share")
    if artifact is not None:
        model = load_artifact(Path(artifact))
        if (model.task, model.digest) != (task, digest):
            raise BadInputError(f"the artifact at {artifact} is not model {digest!r} of {task}", field="artifact")
        _copy(Path(artifact), model_folder(home, task, model.digest), model.digest)
    with store.writing() as connection:
        _lock(connection, tenant, task)
        before = _current(connection, tenant, task)
        if before is None:
            raise NoChampionError(task)
        if digest is not None:
            run_id = _checked_challenger(connection, home, before, tenant, digest, run_id, artifact is not None)
        state = {
            "champion": before.champion,
            "champion_run": before.champion_run,
            "challenger": digest,
            "challenger_run": run_id if digest is not None else None,
            "share": share if digest is not None else 0.0,
            "evidence": canonical(dict(evidence or {})),
        }
        # A rollback goes behind the promotion before, not behind this: the parent stays that of the present champion.
        parent = _newest(connection, tenant, task)["parent"]
        return _flip(connection, tenant, task, "challenge", state, before, parent)


def _checked_challenger(connection, home, before: Deployment, tenant: str, digest: str, run_id, copied: bool):
    """The run of a challenger that may be one."""
    if digest == before.champion:
        raise BadInputError("the champion cannot be its own challenger", field="digest")
    if copied:
        return run_id
    c = deployment_history.c
    known = select(c.champion, c.champion_run, c.challenger, c.challenger_run).where(
        c.tenant_id == tenant, c.task == before.task, (c.champion == digest) | (c.challenger == digest)
    )
    row = connection.execute(known.order_by(c.version.desc()).limit(1)).mappings().one_or_none()
    if row is None:
        raise BadInputError(f"no model {digest[:64]!r} was deployed for {before.task} before", field="digest")
    load_artifact(model_folder(home, before.task, digest))
    return run_id or (row["champion_run"] if row["champion"] == digest else row["challenger_run"])


def champion(store: Store, tenant: str, task: str) -> Deployment | None:
    """The task's deployment, None if nothing is deployed."""
    with store.reading() as connection:
        return _current(connection, tenant, task)


def deployed(store: Store, tenant: str) -> dict[str, Deployment]:
    """All deployments of a tenant by task."""
    with store.reading() as connection:
        rows = connection.execute(select(deployments).where(deployments.c.tenant_id == tenant)).mappings().all()
    return {row["task"]: _deployment(row) for row in sorted(rows, key=lambda row: row["task"])}


def history(store: Store, tenant: str, task: str) -> list[dict[str, Any]]:
    """Every state that was served, newest first: version, action, champion, run, evidence, parent, time."""
    mine = (deployment_history.c.tenant_id == tenant, deployment_history.c.task == task)
    query = select(deployment_history).where(*mine).order_by(deployment_history.c.version.desc())
    with store.reading() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return [row | {"evidence": json.loads(row["evidence"])} for row in rows]


_STATE = ("champion", "champion_run", "challenger", "challenger_run", "share", "evidence")


def _current(connection: Connection, tenant: str, task: str) -> Deployment | None:
    query = select(deployments).where(deployments.c.tenant_id == tenant, deployments.c.task == task)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _deployment(row)


def _behind(connection: Connection, tenant: str, task: str) -> Mapping[str, Any]:
    """The history row that a rollback of the current state returns to."""
    mine = (deployment_history.c.tenant_id == tenant, deployment_history.c.task == task)
    parent = _newest(connection, tenant, task)["parent"]
    if parent is None:
        raise BadInputError(f"nothing was served for {task} before the present champion", field="task")
    query = select(deployment_history).where(*mine, deployment_history.c.version == parent)
    return connection.execute(query).mappings().one()


def _newest(connection: Connection, tenant: str, task: str) -> Mapping[str, Any]:
    mine = (deployment_history.c.tenant_id == tenant, deployment_history.c.task == task)
    newest = select(deployment_history).where(*mine).order_by(deployment_history.c.version.desc()).limit(1)
    return connection.execute(newest).mappings().one()


def _lock(connection: Connection, tenant: str, task: str) -> None:
    # SQLite has one writer anyway; on PostgreSQL two promotions of a task wait for each other, also the first two.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7276003, hashtext(:key))"), {"key": f"{tenant}/{task}"})


def _flip(connection: Connection, tenant: str, task: str, action: str, state: dict, before, parent) -> Deployment:
    row = {
        "tenant_id": tenant,
        "task": task,
        "version": 1 if before is None else before.version + 1,
        "changed_at": now_us(),
        "share": 0.0,
        **state,
    }
    connection.execute(insert(deployment_history).values(**row, action=action, parent=parent))
    connection.execute(delete(deployments).where(deployments.c.tenant_id == tenant, deployments.c.task == task))
    connection.execute(insert(deployments).values(**row))
    return _deployment({"challenger": None, "challenger_run": None} | row)


def _deployment(row: Mapping[str, Any]) -> Deployment:
    names = ("task", *_STATE[:-1], "version", "changed_at")
    return Deployment(**{name: row[name] for name in names}, evidence=json.loads(row["evidence"]))


def _copy(source: Path, target: Path, digest: str) -> None:
    """Copy a folder so that the target is there whole or not at all, and is what was asked for."""
    if target.is_dir() and _is_model(target, digest):
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(source, part)
        if not _is_model(part, digest):
            raise ArtifactError(f"the copy of {source} is not the model that was copied; is the disk in order?")
        if target.exists():  # damaged: the good copy takes its place
            shutil.rmtree(target)
        part.rename(target)
    except OSError as exc:
        if not _is_model(target, digest):  # else another process was quicker, with the same model
            raise ArtifactError(f"the model at {source} cannot be copied to {target}: {exc}") from exc
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _is_model(folder: Path, digest: str) -> bool:
    try:
        return load_artifact(folder).digest == digest
    except ArtifactError:
        return False
