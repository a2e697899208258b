"""One connection to the tracking database, made quietly and without touching what the caller set in MLflow."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from growthbench.base.errors import NotReadyError
from growthbench.base.settings import Settings, be_quiet

if TYPE_CHECKING:
    from mlflow import MlflowClient

Progress = Callable[[str, int, int], None]
"""Called with (what, done, total); None means silence."""

_FIRST_USE = "making the tracking database (first use, a few seconds)"
_UV_SWITCHES = ("MLFLOW_UV_AUTO_DETECT", "MLFLOW_LOG_UV_FILES")
"""MLflow would copy the ``uv.lock`` of whatever folder it stands in (1 MB) into every model."""

_CHATTY = (
    "mlflow.store.db.utils",  # making its tables: we say so ourselves
    "mlflow.utils.environment",  # pip has no version in an environment made by uv
    "mlflow.pyfunc",  # checking the input example
)


class Tracker:
    """MLflow's client for one installation.

    Attributes
    ----------
    client : mlflow.MlflowClient
    settings : Settings
    url : str
        Tracking URL, also that of the registry.
    """

    def __init__(self, client: "MlflowClient", settings: Settings):
        self.client, self.settings, self.url = client, settings, settings.tracking_url

    def experiment(self, task: str) -> str:
        """Id of the experiment of a task, made if there is none; its files lie under ``home/mlruns``."""
        from mlflow.exceptions import MlflowException

        if found := self.client.get_experiment_by_name(task):
            if found.lifecycle_stage == "deleted":
                self.client.restore_experiment(found.experiment_id)
            return found.experiment_id
        place = (self.settings.home / "mlruns" / task).absolute().as_uri() if _sqlite_file(self.url) else None
        try:
            return self.client.create_experiment(task, artifact_location=place)
        except MlflowException as exc:
            if exc.error_code != "RESOURCE_ALREADY_EXISTS":  # another process may have been quicker
                raise
            return self.client.get_experiment_by_name(task).experiment_id

    def registered_name(self, task: str) -> str:
        """Name of a task's registered model: tenants share the tracking database, not their champions."""
        return f"{self.settings.tenant}.{task}"

    def fetch(self, uri: str) -> Path:
        """Local path of an artifact's URI: the file itself where it is local, a downloaded copy where it is not."""
        from mlflow.artifacts import download_artifacts

        return Path(download_artifacts(artifact_uri=uri, tracking_uri=self.url))

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """MLflow's own idea of where tracking lies set to ours meanwhile: the registry asks it, not its client."""
        import mlflow

        before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
        mlflow.set_tracking_uri(self.url)
        warnings.filterwarnings("ignore", message=".*An input example was not provided")  # the golden rows are better
        try:
            yield
        finally:
            mlflow.set_tracking_uri(before)


def open_tracker(settings: Settings, progress: Progress | None = None) -> Tracker:
    """Connect to ``settings.tracking_url``, making its folder and, on first use, its tables (4-7 s).

    Raises
    ------
    NotReadyError
        The tracking database cannot be reached or opened.
    """
    be_quiet()
    for name in _UV_SWITCHES:
        os.environ.setdefault(name, "false")
    file = _sqlite_file(settings.tracking_url)
    first = progress is not None and file is not None and not file.exists()
    if first:
        progress(_FIRST_USE, 0, 1)
    with quiet_mlflow():
        import mlflow
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            client = mlflow.MlflowClient(settings.tracking_url, settings.tracking_url)
            client.search_experiments(max_results=1)
        except (MlflowException, SQLAlchemyError, OSError) as exc:
            said = str(exc).strip().splitlines()[0]
            raise NotReadyError(f"the tracking database at {_shown(settings.tracking_url)} is away: {said}") from exc
    if first:
        progress(_FIRST_USE, 1, 1)
    return Tracker(client, settings)


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Import and use MLflow without its own warnings about itself; nobody else's are touched."""
    levels = {name: logging.getLogger(name).level for name in _CHATTY}
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy")  # its tables on SQLAlchemy 2.1
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")  # its import of pyfunc
        warnings.filterwarnings("ignore", message=".*An input example was not provided")  # the golden rows are better
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def _sqlite_file(url: str) -> Path | None:
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def _shown(url: str) -> str:
    """The URL without its password."""
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url
