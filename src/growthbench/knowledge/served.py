"""Which configuration of search and answers is served: the one that was promoted, else the package's own."""

import threading
import time
from pathlib import Path

from growthbench.knowledge.evaluation.limits import TASK
from growthbench.knowledge.evaluation.params import RagParams
from growthbench.learning.configuration import load_configuration
from growthbench.predictions.deployments import champion, model_folder
from growthbench.store.engine import Store


class ServedParams:
    """Parameters that a tenant's questions are answered with now; promotions elsewhere are followed within a second.

    Parameters
    ----------
    store : Store
    home : Path
        Holds the deployed configurations.
    follow_s : float, default 1
        How old the knowledge of the deployment may be, seconds.
    """

    def __init__(self, store: Store, home: Path, follow_s: float = 1.0):
        self._store, self._home, self._follow_s = store, Path(home), follow_s
        self._known: dict[str, tuple[float, str, RagParams]] = {}
        self._lock = threading.Lock()

    def __call__(self, tenant: str) -> RagParams:
        """The parameters of a tenant.

        Raises
        ------
        ArtifactError
            What is deployed was altered or is gone.
        """
        with self._lock:
            read_at, digest, params = self._known.get(tenant, (float("-inf"), "", RagParams()))
            if time.monotonic() - read_at >= self._follow_s:
                now = champion(self._store, tenant, TASK)
                if (new := now.champion if now else "") != digest:
                    params = self._read(new) if new else RagParams()
                self._known[tenant] = (time.monotonic(), new, params)
            return params

    def _read(self, digest: str) -> RagParams:
        return RagParams.from_flat(load_configuration(model_folder(self._home, TASK, digest)).settings["params"])
