"""Whether the service can do its work: each part asked for real, all at once, within a time limit."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from growthbench.base.clock import now_us
from growthbench.base.errors import NotReadyError
from growthbench.base.version import __version__
from growthbench.events.tables import log_heads
from growthbench.serving.desk.keeper import VARIABLE as BESIDE
from growthbench.serving.desk.process import answers
from growthbench.serving.desk.settings import NONE, DeskSettings
from growthbench.store.breaker import Circuit
from growthbench.store.message_tables import tail_heads
from growthbench.store.messages import set_reader

if TYPE_CHECKING:
    from growthbench.serving.state import State

LIMIT_S, KEPT_S = 2.0, 2.0
"""How long a check may take, and how long its outcome is told without asking again: anybody may ask, as often as they
like."""
LEAST_FREE_BYTES = 200 * 1024 * 1024
MOST_BEHIND = 50_000
"""Events that profiles may be behind the log."""

OK, DEGRADED, DOWN = "ok", "degraded", "down"
_HEALTH = "health"


@dataclass(frozen=True)
class Outcome:
    """What one check found. ``detail`` is for the tenant's own people, not for everybody."""

    status: str
    detail: str = ""
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)


Check = Callable[["State"], Outcome]


def check_store(state: "State") -> Outcome:
    """Write, and read what was written."""
    now = now_us()
    with state.store.writing() as connection:
        set_reader(connection, "", _HEALTH, now)
    with state.store.reading() as connection:
        mine = (tail_heads.c.tenant_id == "", tail_heads.c.reader == _HEALTH)
        read = connection.execute(select(tail_heads.c.seq).where(*mine)).scalar_one()
    if read < now:
        return Outcome(DOWN, "what was written is not what was read")
    return Outcome(OK, state.store.dialect)


def check_redis(state: "State") -> Outcome:
    """Ping; without Redis the workers poll the store, and limits are counted there."""
    if state.settings.redis_url is None:
        return Outcome(OK, "not used")
    import redis

    with redis.Redis.from_url(state.settings.redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
        try:
            client.ping()
        except redis.RedisError as exc:
            return Outcome(DEGRADED, f"{type(exc).__name__}: {exc}")
    return Outcome(OK, "answers")


def check_disk(state: "State") -> Outcome:
    """Room for models, logs and, with SQLite, the store."""
    home = state.settings.home
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    told = {"free_bytes": free}
    if free < LEAST_FREE_BYTES:
        return Outcome(DOWN, f"{free // 1024**2} MiB are free", figures=told)
    return Outcome(OK, f"{free // 1024**3} GiB are free", figures=told)


def check_models(state: "State") -> Outcome:
    """Every deployed model reproduces its golden rows."""
    champions = state.scorer(state.settings.tenant).champions
    loaded = champions.load_all()
    refused = {task: str(exc) for task, exc in loaded.items() if exc is not None}
    told = {"deployed": len(loaded), "refused": len(refused)}
    if refused:
        return Outcome(DEGRADED, "; ".join(refused.values()), figures=told)
    return Outcome(OK, f"{len(loaded)} deployed", figures=told)


def check_profiles(state: "State") -> Outcome:
    """How far profiles are behind the log, of the tenant where it is furthest."""
    reader = (tail_heads.c.tenant_id == log_heads.c.tenant_id) & (tail_heads.c.reader == "profile")
    behind = func.max(log_heads.c.seq - func.coalesce(tail_heads.c.seq, 0))
    query = select(behind).select_from(log_heads.outerjoin(tail_heads, reader))
    with state.store.reading() as connection:
        lag = connection.execute(query).scalar() or 0
    status = OK if lag <= MOST_BEHIND else DEGRADED
    return Outcome(status, f"{lag} events behind", figures={"events_behind": lag})


def check_circuits(state: "State") -> Outcome:
    """Dependencies that failed lately and are left alone for a while."""
    broken = [] if state.store.breaker.state is Circuit.CLOSED else [state.store.breaker.name]
    dispatcher = state.bus.dispatcher
    receivers = sorted(dispatcher.breakers()) if dispatcher is not None else []
    told = {"broken": broken, "receivers": len(receivers)}
    # A receiver that does not answer is not our illness: it is told, and no more.
    detail = ", ".join([*broken, *receivers]) or "all closed"
    return Outcome(DEGRADED if broken else OK, detail, figures=told)


def check_writing(state: "State") -> Outcome:
    """Nothing that was to be written later was lost."""
    lost = state.commits.lost
    return Outcome(DEGRADED if lost else OK, f"{lost} lost", figures={"lost": lost})


def check_desk(state: "State") -> Outcome:
    """The Desk answers, where there is to be one; without it the Door's own routes work."""
    settings = DeskSettings.read(state.settings.home)
    expected = os.environ.get(BESIDE) == "1" or "GROWTHBENCH_DESK_URL" in os.environ
    if settings.url == NONE or not (expected or (settings.socket is not None and settings.socket.exists())):
        return Outcome(OK, "not used")
    return Outcome(OK, "answers") if answers(settings.url, 1.5) else Outcome(DEGRADED, "does not answer")


CHECKS: dict[str, Check] = {
    "store": check_store,
    "redis": check_redis,
    "disk": check_disk,
    "models": check_models,
    "profiles": check_profiles,
    "circuits": check_circuits,
    "writing": check_writing,
    "desk": check_desk,
}


class Health:
    """The checks of one process.

    Parameters
    ----------
    state : State
    checks : dict of str to callable, optional
    limit_s, kept_s : float
    """

    def __init__(
        self, state: "State", checks: dict[str, Check] | None = None, limit_s: float = LIMIT_S, kept_s: float = KEPT_S
    ):
        self._state, self._checks, self._limit_s, self._kept_s = state, checks or CHECKS, limit_s, kept_s
        self._pool = ThreadPoolExecutor(len(self._checks), "growthbench-health")
        self._lock = threading.Lock()
        self._found: dict[str, Outcome] = {}
        self._at = float("-inf")

    def look(self) -> dict[str, Outcome]:
        """Outcome of every check, at most `KEPT_S` old."""
        with self._lock:
            if time.monotonic() - self._at > self._kept_s:
                self._found = self._ask()
                self._at = time.monotonic()
                for name, outcome in self._found.items():
                    self._state.metrics.gauge("growthbench_check_seconds", name, value=outcome.seconds)
                    self._state.metrics.gauge("growthbench_check_failed", name, value=outcome.status != OK)
            return self._found

    def told(self, whole: bool = False) -> tuple[int, dict[str, Any]]:
        """HTTP status and answer: 503 if something is down; details only for who may know them."""
        found = self.look()
        worst = next((s for s in (DOWN, DEGRADED) if any(o.status == s for o in found.values())), OK)
        checks = {
            name: {"status": o.status, "seconds": round(o.seconds, 4)}
            | ({"detail": o.detail, **o.figures} if whole else {})
            for name, o in found.items()
        }
        return (503 if worst == DOWN else 200), {
            "status": worst, "service": "growthbench", "version": __version__, "checks": checks,
        }  # fmt: skip

    def close(self) -> None:
        """Stop; a check that hangs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self) -> dict[str, Outcome]:
        running = {name: self._pool.submit(self._one, check) for name, check in self._checks.items()}
        wait(running.values(), self._limit_s)
        found = {}
        for name, future in running.items():
            if future.done():
                found[name] = future.result()
            else:
                future.cancel()
                found[name] = Outcome(DOWN, f"no answer within {self._limit_s:g} s", self._limit_s)
        return found

    def _one(self, check: Check) -> Outcome:
        begun = time.perf_counter()
        try:
            outcome = check(self._state)
        except NotReadyError as exc:
            outcome = Outcome(DOWN, str(exc))
        except Exception as exc:  # whatever it is, the part does not work
            outcome = Outcome(DOWN, f"{type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else ''}")
        return Outcome(outcome.status, outcome.detail, time.perf_counter() - begun, outcome.figures)
