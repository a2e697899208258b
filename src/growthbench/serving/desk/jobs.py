"""Jobs: work that outlives its request and the process. DBOS keeps them, in the home or in PostgreSQL."""

import contextlib
import json
import logging
import re
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from growthbench.base.clock import to_iso
from growthbench.base.errors import BadInputError, ConflictError, GrowthbenchError, NotFoundError
from growthbench.base.ids import digest, new_id
from growthbench.base.settings import Settings
from growthbench.operations.jobs_file import jobs_file
from growthbench.store.keyring import Keyring

if TYPE_CHECKING:
    from growthbench.serving.desk.flow import Work

KEPT_DAYS = 7
"""After which an ended job is forgotten."""
LONGEST_KEY = 200
PATIENCE_S = 3.0
"""How long a stop waits for jobs."""

_HOUR_S = 3600
_STATES = {"PENDING": "running", "ENQUEUED": "waiting", "DELAYED": "waiting", "SUCCESS": "done", "ERROR": "failed",
           "CANCELLED": "cancelled", "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed"}  # fmt: skip
_log = logging.getLogger("growthbench.serving")


class Jobs:
    """The jobs of a home. One process of a home at a time may start them (see `desk_lock.only_one`).

    Parameters
    ----------
    settings : Settings
    keyring : Keyring
        Seals what is kept of a job.
    """

    def __init__(self, settings: Settings, keyring: Keyring):
        self._settings, self._keyring = settings, keyring
        self._stop = threading.Event()
        self._keeper: threading.Thread | None = None

    def start(self, works: Mapping[str, "Work"]) -> None:
        """Take up what was under way when the last process ended, and be ready for more."""
        from dbos import DBOS

        from growthbench.serving.desk import flow

        flow.at_work(works)
        logging.getLogger("dbos").setLevel(logging.WARNING)
        DBOS(config=self._config(flow))
        DBOS.launch()
        chatty = logging.getLogger("dbos")
        chatty.handlers.clear()  # ours masks what is logged, and writes it where all of it goes
        chatty.setLevel(logging.WARNING)
        chatty.propagate = True
        self._keeper = threading.Thread(target=self._keep_on, name="growthbench-jobs", daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """Wait a moment for what is under way, and leave the rest: it goes on at the next start."""
        from dbos import DBOS

        from growthbench.serving.desk import flow

        self._stop.set()
        if self._keeper is not None:
            self._keeper.join(5)
        ends = time.monotonic() + PATIENCE_S
        while flow.under_way and time.monotonic() < ends:
            time.sleep(0.05)
        if flow.under_way:
            _log.info("%s jobs are left as they are, for the next start", len(flow.under_way))
        else:
            DBOS.destroy()

    def submit(
        self, kind: str, tenant: str, payload: dict[str, Any], key: str | None = None, now: bool = False
    ) -> dict:
        """Have something done.

        Parameters
        ----------
        kind : str
            Of the works that `start` was given.
        payload : dict
            JSON.
        key : str, optional
            The caller's idempotency key: the same key again is the same job.
        now : bool
            Somebody waits: begin at once, not in the queue.

        Returns
        -------
        dict
            The job, as `get` tells it.

        Raises
        ------
        ConflictError
            The key was used for something else.
        """
        from dbos import DBOS, SetWorkflowID

        from growthbench.serving.desk import flow

        job_id, payload = _job_id(tenant, key), json.loads(json.dumps(payload))  # as it will be read again
        if key is not None and (known := self._status(tenant, job_id)) is not None:
            if list(known.input["args"]) != [kind, tenant, payload]:
                raise ConflictError("this idempotency key was used for another request")
            return _told(job_id, known)
        with SetWorkflowID(_workflow_id(tenant, job_id)):
            if now:
                DBOS.start_workflow(flow.desk_job, kind, tenant, payload)
            else:
                flow.QUEUE.enqueue(flow.desk_job, kind, tenant, payload)
        return self.get(tenant, job_id)

    def get(self, tenant: str, job_id: str) -> dict[str, Any]:
        """How far a job is.

        Raises
        ------
        NotFoundError
            The tenant has none of this id.
        """
        found = self._status(tenant, job_id)
        if found is None:
            raise NotFoundError(f"no job {job_id!r}")
        return _told(job_id, found)

    def cancel(self, tenant: str, job_id: str) -> dict[str, Any]:
        """Stop a job before its next step; one that has ended stays as it is.

        Raises
        ------
        NotFoundError
        """
        from dbos import DBOS

        if self.get(tenant, job_id)["ended_at"] is None:
            DBOS.cancel_workflow(_workflow_id(tenant, job_id))
        return self.get(tenant, job_id)

    def is_under_way(self, tenant: str, job_id: str) -> bool:
        """Whether this process is at it now; asks nobody, so it may be asked often."""
        from growthbench.serving.desk import flow

        return _workflow_id(tenant, job_id) in flow.under_way

    def cancel_soon(self, tenant: str, job_id: str) -> None:
        """The same as `cancel`, beside what runs."""

        def work() -> None:
            with contextlib.suppress(GrowthbenchError):
                self.cancel(tenant, job_id)

        threading.Thread(target=work, name="growthbench-cancel", daemon=True).start()

    def forget(self, before_ms: int) -> int:
        """Delete jobs that ended before a moment (ms since 1970), or were interrupted; returns how many."""
        from dbos import DBOS

        before = to_iso(before_ms * 1000)
        unread: Any = {"load_input": False, "load_output": False, "limit": 1000}
        old = DBOS.list_workflows(status=_OVER, completed_before=before, **unread)
        left = DBOS.list_workflows(status=_BEGUN, end_time=before, **unread)
        old += [found for found in left if _is_interrupted(found)]
        if old:
            DBOS.delete_workflows([w.workflow_id for w in old])
        return len(old)

    def _status(self, tenant: str, job_id: str) -> Any:
        from dbos import DBOS

        return DBOS.get_workflow_status(_workflow_id(tenant, job_id))

    def _keep_on(self) -> None:
        while not self._stop.wait(_HOUR_S):
            with contextlib.suppress(Exception):
                self.forget(int(time.time() * 1000) - KEPT_DAYS * 24 * _HOUR_S * 1000)

    def _config(self, flow: Any) -> dict[str, Any]:
        url = self._settings.database_url
        if (path := jobs_file(self._settings)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{path}"
        return {
            "name": "growthbench",
            "system_database_url": url,
            "dbos_system_schema": schema_of(url),
            "application_version": flow.VERSION,
            "executor_id": "desk",
            "serializer": flow.SealedJson(self._keyring),
            "log_level": "WARNING",
            "run_admin_server": False,
            "enable_otlp": False,
            "max_executor_threads": 16,
            "notification_listener_polling_interval_sec": 5.0,
        }


_BEGUN = ["PENDING", "ENQUEUED", "DELAYED"]
_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


def schema_of(url: str) -> str:
    """Where in PostgreSQL jobs are kept: beside the schema of the store, if the URL names one.

    >>> schema_of("postgresql+psycopg://host/db"), schema_of("postgresql://host/db?options=-csearch_path%3Dshop")
    ('dbos', 'shop_dbos')
    """
    named = re.search(r"search_path=(\w+)", str(make_url(url).query.get("options", "")))
    return f"{named[1]}_dbos" if named else "dbos"


def _job_id(tenant: str, key: str | None) -> str:
    if key is None:
        return new_id("job")
    if not 0 < len(key) <= LONGEST_KEY:
        raise BadInputError(f"an idempotency key has 1 to {LONGEST_KEY} characters", field="idempotency-key")
    return f"job_{digest(tenant, key)[:24]}"


def _workflow_id(tenant: str, job_id: str) -> str:
    return f"{tenant}:{job_id}"


def _told(job_id: str, found: Any) -> dict[str, Any]:
    outcome = found.output if found.status == "SUCCESS" else found.error
    problem = getattr(outcome, "problem", None) or (_INTERRUPTED if _is_interrupted(found) else None)
    state = "failed" if problem else _STATES[found.status]
    if state == "failed" and problem is None:
        problem = {"title": "Given up", "status": 500, "detail": "the process ended each time that this was tried"}
    at = found.completed_at or found.updated_at
    return {
        "job_id": job_id,
        "kind": found.input["args"][0],
        "state": state,
        "created_at": _iso(found.created_at),
        "ended_at": _iso(at) if state in ("done", "failed", "cancelled") else None,
        "result": outcome if state == "done" else None,
        "problem": problem,
    }


_INTERRUPTED = {
    "title": "Interrupted",
    "status": 500,
    "detail": "it was begun by another version of the service, whose steps are not this one's: ask for it again, "
    "under another idempotency key",
}


def _is_interrupted(found: Any) -> bool:
    """Whether a job was left by another version: DBOS takes up those of its own version alone, the others never."""
    from growthbench.serving.desk import flow

    return found.status in _BEGUN and found.app_version not in (None, flow.VERSION)


def _iso(ms: int | None) -> str | None:
    return None if ms is None else to_iso(ms * 1000)
