"""Who answers for a task now: follows promotions of other processes without a restart."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from growthbench.base.errors import ArtifactError, NoChampionError, UnknownNameError
from growthbench.learning.artifact import Model
from growthbench.predictions.deployments import Deployment, deployed
from growthbench.predictions.shelf import ModelShelf
from growthbench.store.engine import Store


@dataclass(frozen=True)
class Served:
    """A deployment and its loaded champion."""

    deployment: Deployment
    model: Model


class Champions:
    """Deployments of one tenant and their models.

    The rows of ``deployments`` are read again when they are older than ``follow_s``: one indexed query for all tasks,
    whatever the traffic, so a promotion or rollback anywhere is followed within that time.

    Parameters
    ----------
    store : Store
    home : Path
    tenant : str
    tasks : iterable of str
        Names that are tasks even while nothing is deployed for them.
    follow_s : float, default 0.5
        How old the knowledge of the rows may be, seconds.
    """

    def __init__(self, store: Store, home: Path, tenant: str, tasks=(), follow_s: float = 0.5):
        self.store, self.tenant, self.follow_s = store, tenant, follow_s
        self.tasks = frozenset(tasks)
        self.shelf = ModelShelf(home)
        self._rows: dict[str, Deployment] = {}
        self._read_at: float | None = None
        self._lock = threading.Lock()

    def rows(self) -> dict[str, Deployment]:
        """Deployments by task."""
        if self._is_stale():
            with self._lock:
                if self._is_stale():
                    self._rows = deployed(self.store, self.tenant)
                    self._read_at = time.monotonic()
        return self._rows

    def get(self, task: str) -> Served:
        """Deployment and model that answer for a task.

        Raises
        ------
        UnknownNameError
            No such task.
        NoChampionError
            A task, but nothing is deployed for it.
        ArtifactError, GoldenRowsError
            What is deployed is broken and is not served.
        """
        rows = self.rows()
        if (deployment := rows.get(task)) is None:
            if task in self.tasks:
                raise NoChampionError(task)
            raise UnknownNameError("task", task, self.tasks | set(rows), field="task")
        return Served(deployment, self.shelf.get(task, deployment.champion))

    def load_all(self) -> dict[str, ArtifactError | None]:
        """Load every champion now; by task, None or why it is refused."""
        outcome: dict[str, ArtifactError | None] = {}
        for task, deployment in self.rows().items():
            try:
                self.shelf.get(task, deployment.champion)
                outcome[task] = None
            except ArtifactError as exc:
                outcome[task] = exc
        return outcome

    def _is_stale(self) -> bool:
        return self._read_at is None or time.monotonic() - self._read_at >= self.follow_s
