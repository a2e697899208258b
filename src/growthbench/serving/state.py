"""Everything the Door works with, opened once per process and handed to every route."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from growthbench.base.settings import Settings
from growthbench.serving.settings import DoorSettings

if TYPE_CHECKING:
    from growthbench.people.directory import Directory
    from growthbench.people.intake import Intake
    from growthbench.predictions.scorer import Scorer
    from growthbench.serving.auth import Auth
    from growthbench.serving.bus import Bus
    from growthbench.serving.limits import Limits
    from growthbench.serving.metrics import Metrics
    from growthbench.store.engine import Store
    from growthbench.store.group_commit import GroupCommit
    from growthbench.store.keyring import Keyring
    from growthbench.store.tenants import Tenants


@dataclass
class State:
    """What the routes share.

    Attributes
    ----------
    settings, door
        Deployment settings.
    store : Store
    keyring : Keyring
        Seals what only we may read.
    commits : GroupCommit
        The one thread that writes events and predictions, many in a transaction.
    tenants : Tenants
    auth : Auth
    limits : Limits
    metrics : Metrics
    bus : Bus
        Tells the live channel and the webhooks.
    intake : Intake
        Events in.
    closing : list of callables
        Called in reverse order when the Door stops.
    forgetters : list of callables
        Given a tenant and its ``people_version``: drop what is older from memory (see `forget`).
    """

    settings: Settings
    door: DoorSettings
    store: "Store"
    keyring: "Keyring"
    commits: "GroupCommit"
    tenants: "Tenants"
    auth: "Auth"
    limits: "Limits"
    metrics: "Metrics"
    bus: "Bus"
    intake: "Intake"
    make_scorer: "Callable[[str], Scorer]"
    make_directory: "Callable[[str], Directory]"
    closing: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()  # a scorer asks for its directory while it is made
        self._scorers: dict[str, Scorer] = {}
        self._directories: dict[str, Directory] = {}
        self.forgetters: list[Callable[[str, int], None]] = []

    def scorer(self, tenant: str) -> "Scorer":
        """The tenant's scorer, made at first use."""
        found = self._scorers.get(tenant)
        return found if found is not None else self._made(self._scorers, tenant, self.make_scorer)

    def directory(self, tenant: str) -> "Directory":
        """The tenant's directory of people, made at first use."""
        found = self._directories.get(tenant)
        return found if found is not None else self._made(self._directories, tenant, self.make_directory)

    def forget(self, tenant: str, people_version: int) -> None:
        """Drop what memory holds of people of a tenant who may have been erased or merged since."""
        if (directory := self._directories.get(tenant)) is not None:
            directory.check(people_version)
        for forget in self.forgetters:
            forget(tenant, people_version)

    def _made(self, kept: dict, tenant: str, make: Callable):
        with self._lock:
            if tenant not in kept:
                kept[tenant] = make(tenant)
            return kept[tenant]

    def close(self) -> None:
        """Stop what was started, the last first; the store at the end."""
        while self.closing:
            self.closing.pop()()
        self.store.close()
