"""Open what the Door works with: the store, the key ring, the tenants, the writing thread, the scorers."""

import logging
from typing import TYPE_CHECKING

from growthbench.base.errors import SettingsError
from growthbench.base.settings import Settings
from growthbench.learning.tasks import TASKS
from growthbench.people.directory import Directory
from growthbench.people.intake import Intake
from growthbench.people.tail import Tail, write_pieces
from growthbench.predictions.log import write_logged
from growthbench.predictions.scorer import Scorer
from growthbench.serving.auth import Auth
from growthbench.serving.bus import Bus
from growthbench.serving.forgetting import Forgetting
from growthbench.serving.limits import Limits
from growthbench.serving.messengers import start_messengers
from growthbench.serving.metrics import Metrics, process_memory
from growthbench.serving.settings import DoorSettings
from growthbench.serving.state import State
from growthbench.serving.tailing import Tailing
from growthbench.store.checkpoints import Checkpoints
from growthbench.store.engine import open_store
from growthbench.store.group_commit import GroupCommit
from growthbench.store.keyring import Keyring
from growthbench.store.quotas import quota_backend
from growthbench.store.tenants import Tenants

if TYPE_CHECKING:
    from growthbench.serving.intake_stream import IntakeStream

_log = logging.getLogger("growthbench.serving")


def open_state(door: DoorSettings, settings: Settings | None = None) -> State:
    """Open a home and load its champions, each checked by its golden rows; a refused one is said in the log.

    Parameters
    ----------
    door : DoorSettings
    settings : Settings, optional
        Which home, store and first tenant; by default from the environment.

    Raises
    ------
    NotReadyError
        The store cannot be opened.
    """
    settings = settings or Settings.read()
    store = open_store(settings.database_url)
    keyring = Keyring.open(settings.home)
    tenants = Tenants(store, keyring)
    _, fresh_keys = tenants.ensure_first(settings.tenant)
    if fresh_keys:
        _show(settings.tenant, fresh_keys)

    state: State

    def make_directory(tenant: str) -> Directory:
        return Directory(store, keyring, tenant)

    def make_scorer(tenant: str) -> Scorer:
        return Scorer(store, settings.home, tenant, TASKS, door.follow_s, state.directory(tenant), state.commits)

    intake = Intake(lambda tenant: state.directory(tenant))
    bus = Bus(store, settings.redis_url)
    commits = GroupCommit(
        store,
        {
            "profiles": write_pieces,
            "events": intake.write,
            "predictions": bus.scores.watching(write_logged),
            "channel": bus.write,
        },
    )
    metrics = Metrics()
    metrics.watch(process_memory)
    limits = Limits(quota_backend(store, settings.redis_url), tenants, door.workers)
    auth = Auth(store, keyring, tenants, open_to_local=door.auth == "none", local_tenant=settings.tenant)
    tailing = Tailing(store, lambda tenant: _tail(state, tenant))
    state = State(
        settings=settings,
        door=door,
        store=store,
        keyring=keyring,
        commits=commits,
        tenants=tenants,
        auth=auth,
        limits=limits,
        metrics=metrics,
        bus=bus,
        intake=intake,
        make_scorer=make_scorer,
        make_directory=make_directory,
    )
    state.closing += [metrics.close, auth.close, limits.close, commits.close]
    start_messengers(state)
    tailing.start()
    state.closing.append(tailing.close)
    checkpoints = Checkpoints(store, commits=commits)
    checkpoints.start()
    state.closing.append(checkpoints.close)
    forgetting = Forgetting(store, state.forget, door.follow_s)
    forgetting.start()
    state.closing.append(forgetting.close)
    if door.intake_stream:
        state.closing.append(_stream(state).close)
    return state


def _tail(state: State, tenant: str) -> Tail:
    """The reader that keeps a tenant's profiles up, and tells who changed."""
    # SQLite's page cache is worth something only as long as one connection writes; PostgreSQL has room for two.
    commits = state.commits if state.store.dialect == "sqlite" else None
    tail = Tail(state.store, state.keyring, tenant, commits=commits)
    tail.hooks.append(state.bus.scores.persons_changed)
    tail.hooks.append(lambda _tenant, roots: state.metrics.stage("profile", len(roots), "updated"))
    return tail


def _stream(state: State) -> "IntakeStream":
    from growthbench.serving.intake_stream import IntakeStream

    if state.settings.redis_url is None:
        raise SettingsError("GROWTHBENCH_INTAKE_STREAM needs GROWTHBENCH_REDIS_URL", field="GROWTHBENCH_INTAKE_STREAM")
    return IntakeStream(state, state.settings.redis_url, state.door.intake_stream).start()


def _show(tenant: str, keys: dict[str, dict[str, str]]) -> None:
    """Print the first keys, which nobody can see again."""
    print(f"growthbench: tenant {tenant!r} was made. Its keys, shown this once:", flush=True)
    for kind, key in keys.items():
        print(f"  {kind:7s} {key['key']}", flush=True)
