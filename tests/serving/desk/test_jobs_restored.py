"""Jobs of a Desk that is backed up at work and killed: restored elsewhere they go on, or are told as interrupted."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from growthbench.base.settings import Settings
from growthbench.operations.backup import back_up
from growthbench.operations.desk_lock import only_one
from growthbench.operations.restore import restore
from growthbench.serving.desk import jobs as jobs_module
from growthbench.serving.desk.jobs import Jobs
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring

DESK = """
import os, sys, threading
from pathlib import Path
from growthbench.base.settings import Settings
from growthbench.operations.desk_lock import only_one
from growthbench.serving.desk.jobs import Jobs
from growthbench.store.keyring import Keyring

home = Path(sys.argv[1])
lock = only_one(home)
jobs = Jobs(Settings(home, f"sqlite:///{home / 'growthbench.db'}", "", home), Keyring.open(home))

def echo(job, step):
    return {"said": step("say", str.upper, job.payload["text"])}

def slow(job, step):
    step("first", os.write, 1, f"{job.payload['text']} first\\n".encode())
    threading.Event().wait()

jobs.start({"echo": echo, "slow": slow})
jobs.submit("echo", "a", {"text": "hello"}, "done")
while jobs.submit("echo", "a", {"text": "hello"}, "done")["state"] != "done":
    threading.Event().wait(0.05)
for text in ("one", "two", "three"):  # two are worked on at a time
    jobs.submit("slow", "a", {"text": text}, text)
threading.Event().wait()
"""


@pytest.fixture
def backup(tmp_path):
    """A backup of a Desk that had done one job, was at two and had one waiting; then it was killed."""
    home = tmp_path / "home"
    settings = Settings(home, f"sqlite:///{home / 'growthbench.db'}", "", home)
    Keyring.open(home)
    with open_store(settings.database_url):
        pass
    process = subprocess.Popen([sys.executable, "-c", DESK, str(home)], stdout=subprocess.PIPE, text=True)
    too_late = threading.Timer(120, process.kill)
    too_late.start()
    with process:
        try:
            assert sorted(process.stdout.readline() for _ in range(2)) == ["one first\n", "two first\n"]
            time.sleep(1)  # the first steps are noted
            made = back_up(settings, tmp_path / "backups")
        finally:
            os.kill(process.pid, signal.SIGKILL)
            too_late.cancel()
    assert made.jobs == {"all": 4, "under_way": 3}
    return made.path


@pytest.fixture
def doing():
    """What the Desk elsewhere does with them."""
    done = []

    def slow(job, step):
        step("first", done.append, (job.payload["text"], "first"))
        step("second", done.append, (job.payload["text"], "second"))
        return {"said": job.payload["text"]}

    return done, {"slow": slow, "echo": lambda job, step: {}}


@pytest.fixture
def restored(backup, tmp_path):
    """The home that the backup was restored to, and what was told of it."""
    home = tmp_path / "elsewhere"
    settings = Settings(home, f"sqlite:///{home / 'growthbench.db'}", "", home)
    return settings, restore(settings, backup)


def started(settings, works):
    jobs = Jobs(settings, Keyring.open(settings.home))
    jobs.start(works)
    return jobs


def job_id(key):
    return jobs_module._job_id("a", key)


def test_jobs_that_were_under_way_go_on_behind_their_last_step(restored, doing):
    settings, report = restored
    done, works = doing
    assert any(note.startswith("3 of 4 jobs were under way: they go on") for note in report.notes)
    with only_one(settings.home):
        jobs = started(settings, works)
        try:
            told = jobs.get("a", job_id("done"))
            assert (told["state"], told["result"]) == ("done", {"said": "HELLO"})
            until = time.monotonic() + 60
            for text in ("one", "two", "three"):
                while (told := jobs.get("a", job_id(text)))["ended_at"] is None:
                    assert time.monotonic() < until, told
                    time.sleep(0.05)
                assert (told["state"], told["result"]) == ("done", {"said": text})
        finally:
            jobs.close()
    assert sorted(done) == [("one", "second"), ("three", "first"), ("three", "second"), ("two", "second")]


def test_jobs_of_another_version_are_told_as_interrupted_and_forgotten_in_time(restored, doing, monkeypatch):
    from growthbench.serving.desk import flow

    settings, _ = restored
    done, works = doing
    monkeypatch.setattr(flow, "VERSION", "another")
    jobs = started(settings, works)
    try:
        assert jobs.get("a", job_id("done"))["state"] == "done"
        threading.Event().wait(2)  # longer than it takes to look for work
        for text in ("one", "two", "three"):
            told = jobs.get("a", job_id(text))
            assert (told["state"], told["problem"]["title"]) == ("failed", "Interrupted")
            assert told["ended_at"] is not None
        assert done == []
        assert jobs.forget(0) == 0
        assert jobs.forget(int(time.time() * 1000) + 60_000) == 4
    finally:
        jobs.close()
