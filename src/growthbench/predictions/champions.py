"""Who answers for a task now: follows promotions of other processes without a restart."""

import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.errors import ArtifactError, NoChampionError, UnknownNameError
from growthbench.learning.artifact import Model
from growthbench.learning.configuration import is_configuration
from growthbench.learning.row_reader import RowReader
from growthbench.predictions.answers import Teller
from growthbench.predictions.deployments import Deployment, deployed, model_folder
from growthbench.predictions.shelf import ModelShelf
from growthbench.store.breaker import BreakerOpenError
from growthbench.store.engine import Store


@dataclass(frozen=True)
class Served:
    """A deployment, its loaded champion, and the challenger beside it, if there is one that can be loaded."""

    deployment: Deployment
    model: Model
    challenger: Model | None = None
    tenant: str = ""

    @cached_property
    def reader(self) -> RowReader | None:
        """Reads rows of the champion from JSON; None for a model that reads text."""
        encoder = getattr(self.model, "encoder", None)
        return None if encoder is None else RowReader(encoder)

    @cached_property
    def teller(self) -> Teller:
        """Tells what the champion says."""
        return Teller(self.tenant, self.model, self.deployment.champion_run)

    @cached_property
    def rival(self) -> Teller:
        """Tells what the challenger says where it answers."""
        return Teller(self.tenant, self.challenger, self.deployment.challenger_run, "challenger")

    @cached_property
    def watching(self) -> tuple[Teller, Teller]:
        """Tells what champion and challenger would have said where they only watch."""
        row = self.deployment
        return (
            Teller(self.tenant, self.model, row.champion_run, "shadow"),
            Teller(self.tenant, self.challenger, row.challenger_run, "shadow"),
        )


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
        self._served: dict[str, Served] = {}
        self._models: dict[tuple[str, str], bool] = {}
        self._read_at: float | None = None
        self._known = False
        self._lock = threading.Lock()

    @property
    def is_stale(self) -> bool:
        """Whether `rows` would ask the store now."""
        return self._read_at is None or time.monotonic() - self._read_at >= self.follow_s

    def rows(self) -> dict[str, Deployment]:
        """Deployments by task; while the store is away, as it told them last."""
        if self.is_stale:
            with self._lock:
                if self.is_stale:
                    self._read()
        return self._rows

    def _read(self) -> None:
        try:
            with self.store.breaker:
                found = deployed(self.store, self.tenant)
                self._rows = {task: one for task, one in found.items() if self._is_model(one)}
        except (SQLAlchemyError, BreakerOpenError):
            if not self._known:
                raise
        self._known, self._read_at = True, time.monotonic()

    def _is_model(self, deployment: Deployment) -> bool:
        """Whether there is something to score with; a folder that is gone counts as a model's, and is refused."""
        key = (deployment.task, deployment.champion)
        if key not in self._models:
            self._models[key] = not is_configuration(model_folder(self.shelf.home, *key))
        return self._models[key]

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
        found = self._served.get(task)
        if found is None or found.deployment != deployment:
            model = self.shelf.get(task, deployment.champion)
            found = self._served[task] = Served(deployment, model, self._challenger(deployment), self.tenant)
        return found

    def _challenger(self, deployment: Deployment) -> Model | None:
        if deployment.challenger is None:
            return None
        try:
            return self.shelf.get(deployment.task, deployment.challenger)
        except ArtifactError:  # said in the log by the shelf; the champion answers for everybody
            return None

    def load_all(self) -> dict[str, ArtifactError | None]:
        """Load every champion, and the challengers, now; by task, None or why the champion is refused."""
        outcome: dict[str, ArtifactError | None] = {}
        for task in self.rows():
            try:
                self.get(task)
                outcome[task] = None
            except ArtifactError as exc:
                outcome[task] = exc
        return outcome
