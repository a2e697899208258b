"""A home to take along: the deployed models and a fresh store that names them.

In the build context it is the folder ``bundle/``: ``bentofile.yaml`` includes it, ``service.py`` looks for it there.
"""

import shutil
from pathlib import Path

from growthbench.base.errors import NoChampionError
from growthbench.base.settings import Settings
from growthbench.predictions.deployments import Deployment, deploy, deployed, model_folder
from growthbench.store.engine import Store, open_store


def bundle(out: Path, settings: Settings | None = None) -> dict[str, Deployment]:
    """Copy what this home serves into a fresh home.

    Parameters
    ----------
    out : Path
        Folder to make; an earlier bundle there is replaced.
    settings : Settings, optional
        Which home, store and tenant; by default from the environment.

    Returns
    -------
    dict of str to Deployment
        What was bundled, by task.

    Raises
    ------
    NoChampionError
        Nothing is deployed.
    ArtifactError, GoldenRowsError
        A deployed model is broken; the earlier bundle stays as it was.
    """
    settings = settings or Settings.read()
    out = Path(out).resolve()
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        with open_store(settings.database_url) as store, open_store(f"sqlite:///{part / 'growthbench.db'}") as fresh:
            made = install(store, settings.home, fresh, part, settings.tenant)
        if not made:
            raise NoChampionError("any task: there is nothing to bundle")
        shutil.rmtree(out, ignore_errors=True)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return made


def install(source: Store, source_home: Path, target: Store, home: Path, tenant: str) -> dict[str, Deployment]:
    """Deploy in one home what another serves, task by task; a task that has a champion there keeps it."""
    present = deployed(target, tenant)
    return {
        task: deploy(
            target, home, tenant, task, model_folder(source_home, task, d.champion), d.champion_run, d.evidence
        )
        for task, d in deployed(source, tenant).items()
        if task not in present
    }


def unpack(folder: Path, settings: Settings) -> dict[str, Deployment]:
    """Install a bundle into the home of the settings, as a bento does when it starts with a home of its own."""
    with (
        open_store(f"sqlite:///{Path(folder) / 'growthbench.db'}") as source,
        open_store(settings.database_url) as target,
    ):
        return install(source, Path(folder), target, settings.home, settings.tenant)
