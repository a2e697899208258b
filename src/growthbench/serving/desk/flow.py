"""The one durable workflow: a kind of work, done in steps of which each is written down when it has ended.

Imported when the Desk starts its jobs, and by nobody else: importing it tells DBOS of the workflow.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from dbos import DBOS, Queue, Serializer

from growthbench.base.errors import GrowthbenchError
from growthbench.serving.problems import problem_of
from growthbench.store.keyring import Keyring

Step = Callable[..., Any]
"""Called with a name, a function and its arguments: runs it, or gives what it gave before the process was killed."""
Work = Callable[["Job", Step], dict[str, Any]]
VERSION = "1"
"""Moves when steps are put in another order: jobs begun before are not taken up by other steps then."""

FAILED = "growthbench:failed"
"""Member of an outcome that tells why a job failed."""

_works: Mapping[str, Work] = {}
under_way: set[str] = set()
"""Ids of workflows that this process is at."""

QUEUE = Queue("growthbench-jobs", worker_concurrency=2, polling_interval_sec=0.5)


class Job:
    """What a kind of work is given.

    Attributes
    ----------
    job_id, tenant : str
    payload : dict
        As it was submitted: JSON.
    """

    def __init__(self, job_id: str, tenant: str, payload: dict[str, Any]):
        self.job_id, self.tenant, self.payload = job_id, tenant, payload


class JobFailedError(Exception):
    """Why a job failed, as a problem (RFC 9457)."""

    def __init__(self, problem: dict[str, Any]):
        super().__init__(problem.get("detail", ""))
        self.problem = problem


def at_work(works: Mapping[str, Work]) -> None:
    """Say what is done for each kind."""
    global _works
    _works = works


@DBOS.workflow(max_recovery_attempts=5)
def desk_job(kind: str, tenant: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Do one job; started again after a kill, it goes on behind the last step that ended."""
    workflow_id = DBOS.workflow_id
    under_way.add(workflow_id)
    try:
        return _works[kind](Job(workflow_id.partition(":")[2], tenant, payload), _step)
    except GrowthbenchError as exc:  # what may happen is an outcome, and no defect for the log
        return {FAILED: problem_of(exc).content()}
    finally:
        under_way.discard(workflow_id)


def _step(name: str, work: Callable[..., Any], *args: Any) -> Any:
    return DBOS.run_step({"name": name}, work, *args)


class SealedJson(Serializer):
    """What DBOS keeps of a job: JSON, sealed by the key ring; never pickles.

    Parameters
    ----------
    keyring : Keyring
    """

    def __init__(self, keyring: Keyring):
        self._keyring = keyring

    def name(self) -> str:
        """Written beside what was sealed."""
        return "growthbench_sealed_json"

    def serialize(self, data: Any) -> str:
        """Sealed JSON; an exception becomes the problem that tells it."""
        if isinstance(data, BaseException):
            problem = data.problem if isinstance(data, JobFailedError) else problem_of(data).content()
            data = {FAILED: problem}
        plain = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        return base64.b64encode(self._keyring.seal(plain, _ABOUT)).decode()

    def deserialize(self, serialized_data: str) -> Any:
        """What was sealed."""
        plain = self._keyring.unseal(base64.b64decode(serialized_data), _ABOUT)
        data = json.loads(plain.decode("utf-8", "surrogatepass"))
        return JobFailedError(data[FAILED]) if isinstance(data, dict) and FAILED in data else data


_ABOUT = b"desk job"
