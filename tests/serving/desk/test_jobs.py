import json
import threading
import time

import pytest
import sqlalchemy as sa

from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.base.settings import Settings
from growthbench.serving.desk.jobs import Jobs, schema_of
from growthbench.store.keyring import Keyring

SECRET = "quaggamark wants an e-mail"


class Doing:
    """Works for these tests."""

    def __init__(self):
        self.may_end, self.done = threading.Event(), []

    def echo(self, job, step):
        return {"said": step("say", lambda text: text.upper(), job.payload["text"])}

    def fails(self, job, step):
        raise BadInputError("this cannot be done", field="text")

    def slow(self, job, step):
        step("first", self.done.append, "first")
        self.may_end.wait(30)
        step("second", self.done.append, "second")
        return {}


@pytest.fixture
def doing():
    return Doing()


@pytest.fixture
def jobs(store_url, tmp_path, doing):
    """Jobs that are started; what DBOS made in PostgreSQL is taken away again."""
    settings = Settings(tmp_path / "home", store_url, "", tmp_path)
    made = Jobs(settings, Keyring.open(settings.home))
    made.start({"echo": doing.echo, "fails": doing.fails, "slow": doing.slow})
    yield made
    doing.may_end.set()
    made.close()
    if not store_url.startswith("sqlite"):
        engine = sa.create_engine(store_url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP SCHEMA {schema_of(store_url)} CASCADE"))
        engine.dispose()


def ended(jobs, tenant, job):
    until = time.monotonic() + 60
    while (told := jobs.get(tenant, job["job_id"]))["ended_at"] is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    return told


def test_jobs_are_done_once_for_a_key_told_to_their_tenant_kept_sealed_and_forgotten(jobs, tmp_path):
    job = jobs.submit("echo", "a", {"text": SECRET}, "key-1")
    told = ended(jobs, "a", job)
    assert (told["state"], told["kind"], told["result"]) == ("done", "echo", {"said": SECRET.upper()})
    assert jobs.submit("echo", "a", {"text": SECRET}, "key-1")["job_id"] == job["job_id"]
    with pytest.raises(ConflictError, match="another request"):
        jobs.submit("echo", "a", {"text": "other"}, "key-1")
    with pytest.raises(BadInputError, match="idempotency key"):
        jobs.submit("echo", "a", {"text": "other"}, "k" * 201)
    with pytest.raises(NotFoundError):
        jobs.get("b", job["job_id"])
    other = jobs.submit("echo", "b", {"text": "hello"}, "key-1")  # another tenant's key is another key
    assert other["job_id"] != job["job_id"]
    assert ended(jobs, "b", other)["result"] == {"said": "HELLO"}
    for file in (tmp_path / "home").glob("workflows.db*"):
        raw = file.read_bytes()
        assert SECRET.encode() not in raw
        assert SECRET.upper().encode() not in raw
    assert jobs.forget(int(time.time() * 1000) + 60_000) == 2
    with pytest.raises(NotFoundError):
        jobs.get("a", job["job_id"])


def test_a_job_that_fails_tells_why_and_one_that_is_cancelled_does_not_begin_its_next_step(jobs, doing, caplog):
    failed = ended(jobs, "a", jobs.submit("fails", "a", {}, now=True))
    assert (failed["state"], failed["problem"]["status"], failed["problem"]["field"]) == ("failed", 400, "text")
    assert "Traceback" not in caplog.text
    slow = jobs.submit("slow", "a", {}, now=True)
    while not doing.done:
        time.sleep(0.02)
    assert jobs.is_under_way("a", slow["job_id"])
    with pytest.raises(NotFoundError):
        jobs.cancel("b", slow["job_id"])
    assert jobs.cancel("a", slow["job_id"])["state"] == "cancelled"
    doing.may_end.set()
    while jobs.is_under_way("a", slow["job_id"]):
        time.sleep(0.02)
    assert doing.done == ["first"]
    assert json.dumps(jobs.get("a", slow["job_id"]))
