"""Deployed models in memory: each loaded and checked once, the refused ones remembered with their reason."""

import logging
import threading
import time
from collections import OrderedDict
from pathlib import Path

from growthbench.base.errors import ArtifactError, GoldenRowsError
from growthbench.learning.artifact import Model, load_model
from growthbench.predictions.deployments import model_folder, model_version

_log = logging.getLogger("growthbench.predictions")
_KEPT = 16
_RETRY_S = 10.0


class ModelShelf:
    """Loaded artifacts of one home, the longest unused given up first.

    Parameters
    ----------
    home : Path
        Folder whose ``models/<task>/<digest>/`` are read.
    """

    def __init__(self, home: Path):
        self.home = Path(home)
        self._models: OrderedDict[tuple[str, str], Model] = OrderedDict()
        self._refused: dict[tuple[str, str], tuple[float, ArtifactError]] = {}
        self._lock = threading.Lock()

    def get(self, task: str, digest: str) -> Model:
        """The model, loaded and verified (file digests, golden rows bit for bit) at first use.

        Raises
        ------
        ArtifactError, GoldenRowsError
            The folder is missing, altered, or does not reproduce its golden rows. Said in the log as an error; the
            folder is looked at again after ten seconds.
        """
        key = (task, digest)
        with self._lock:
            if model := self._models.get(key):
                self._models.move_to_end(key)
                return model
            if refused := self._refused.get(key):
                if time.monotonic() - refused[0] < _RETRY_S:
                    raise refused[1]
                del self._refused[key]
            try:
                model = self._load(task, digest)
            except ArtifactError as exc:
                refusal = _refusal(task, digest, exc)
                _log.error("%s: %s", refusal, exc)
                self._refused[key] = (time.monotonic(), refusal)
                raise refusal from exc
            self._models[key] = model
            while len(self._models) > _KEPT:
                self._models.popitem(last=False)
            return model

    def _load(self, task: str, digest: str) -> Model:
        folder = model_folder(self.home, task, digest)
        if not folder.is_dir():
            raise ArtifactError(f"model {model_version(task, digest)} is not in {folder}")
        model = load_model(folder)
        if model.digest != digest:
            raise ArtifactError(
                f"the folder of {model_version(task, digest)} holds {model_version(task, model.digest)}"
            )
        return model


def _refusal(task: str, digest: str, exc: ArtifactError) -> ArtifactError:
    # What callers of a service may read: the model's name, no paths; the log has the rest.
    if isinstance(exc, GoldenRowsError):
        return GoldenRowsError(f"model {model_version(task, digest)} does not reproduce its golden rows: not served")
    return ArtifactError(f"model {model_version(task, digest)} is missing or damaged: not served")
