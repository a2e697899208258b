"""The Desk's jobs in a backup: one moment of a file that is being written, put back whole or not at all."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from growthbench.base.errors import ArtifactError, ConflictError
from growthbench.base.settings import Settings
from growthbench.operations.backup import back_up, read_manifest
from growthbench.operations.desk_lock import only_one
from growthbench.operations.jobs_file import copy_jobs, put_back_jobs
from growthbench.operations.restore import restore
from growthbench.people.vault import PersonKey

KEY = PersonKey(bytes(range(32)))
NEEDLE = "quaggamark"


@pytest.fixture
def settings(tmp_path):
    """A home whose jobs lie in a file; one is done, one is under way."""
    made = elsewhere(tmp_path / "of the desk")
    with closing(sqlite3.connect(made.home / "workflows.db")) as file, file:
        file.execute("CREATE TABLE workflow_status (workflow_uuid TEXT PRIMARY KEY, status TEXT, output TEXT)")
        file.execute("CREATE TABLE operation_outputs (workflow_uuid TEXT, n INT)")
        file.execute("INSERT INTO workflow_status VALUES ('a', 'SUCCESS', ?), ('b', 'PENDING', NULL)", (NEEDLE,))
    return made


def copied(settings, folder):
    """A copy of the jobs as it is in a backup, and what is told of it."""
    (folder / "store").mkdir(parents=True)
    return {"jobs": copy_jobs(settings, folder, KEY)}


def elsewhere(to):
    """Settings of a new home, on SQLite."""
    to.mkdir()
    return Settings(to, f"sqlite:///{to / 'growthbench.db'}", "", to)


def ask(home, sql):
    with closing(sqlite3.connect(home / "workflows.db")) as file:
        return file.execute(sql).fetchall()


ALL = "SELECT * FROM workflow_status ORDER BY 1"


def test_jobs_come_back_as_they_were_and_the_copy_tells_nothing(settings, tmp_path):
    with closing(sqlite3.connect(settings.home / "workflows.db")) as file, file:
        file.execute("INSERT INTO workflow_status VALUES ('c', 'SUCCESS', 'forgottenmark')")
        file.execute("DELETE FROM workflow_status WHERE workflow_uuid = 'c'")
    manifest = copied(settings, tmp_path / "draft")
    assert manifest["jobs"] == {"all": 2, "under_way": 1}
    (file,) = [p for p in (tmp_path / "draft").rglob("*") if p.is_file()]
    assert NEEDLE.encode() not in file.read_bytes()
    there = elsewhere(tmp_path / "there")
    (note,) = put_back_jobs(there, tmp_path / "draft", manifest, KEY)
    assert note.startswith("1 of 2 jobs were under way: they go on")
    assert ask(there.home, ALL) == [("a", "SUCCESS", NEEDLE), ("b", "PENDING", None)]
    path = there.home / "workflows.db"
    assert b"forgottenmark" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in there.home.iterdir()) == ["workflows.db"]


def test_a_copy_is_of_one_moment_however_busy_the_desk_is(settings, tmp_path):
    stop, done = threading.Event(), []

    def write():
        with closing(sqlite3.connect(settings.home / "workflows.db", timeout=60)) as file:
            while not stop.is_set():
                n = len(done)
                with file:  # a job and its step are noted together, far apart in the file
                    job = (f"w{n}", "ENQUEUED", "x" * 5_000)
                    file.execute("INSERT INTO workflow_status VALUES (?, ?, ?)", job)
                    file.execute("INSERT INTO operation_outputs VALUES (?, ?)", (f"w{n}", n))
                done.append(n)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        seen = []
        for i in range(5):
            before = len(done)
            manifest = copied(settings, tmp_path / f"draft{i}")
            there = elsewhere(tmp_path / f"there{i}")
            put_back_jobs(there, tmp_path / f"draft{i}", manifest, KEY)
            jobs = ask(there.home, "SELECT workflow_uuid FROM workflow_status WHERE status = 'ENQUEUED'")
            steps = ask(there.home, "SELECT workflow_uuid FROM operation_outputs")
            assert sorted(jobs) == sorted(steps)
            assert len(steps) == manifest["jobs"]["under_way"] - 1 >= before
            seen.append(len(steps))
    finally:
        stop.set()
        writing.join(60)
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


HALF_DONE = """
import sqlite3, sys, time
file = sqlite3.connect(sys.argv[1])
file.execute("PRAGMA cache_size = 1")
file.execute("BEGIN IMMEDIATE")
file.execute("UPDATE workflow_status SET status = 'LOST'")
for n in range(2000):
    file.execute("INSERT INTO operation_outputs VALUES (?, ?)", ("x" * 500, n))
print("now", flush=True)
time.sleep(60)
"""


def test_what_a_killed_desk_left_half_done_is_not_in_the_copy(settings, tmp_path):
    path = settings.home / "workflows.db"
    size = path.stat().st_size
    with subprocess.Popen([sys.executable, "-c", HALF_DONE, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"now\n"
        os.kill(process.pid, signal.SIGKILL)
    assert path.stat().st_size > size  # it lies in the file: only the journal beside it tells that it does not count
    manifest = copied(settings, tmp_path / "draft")
    there = elsewhere(tmp_path / "there")
    put_back_jobs(there, tmp_path / "draft", manifest, KEY)
    assert ask(there.home, ALL) == [("a", "SUCCESS", NEEDLE), ("b", "PENDING", None)]
    assert ask(there.home, "SELECT count(*) FROM operation_outputs") == [(0,)]


def test_a_home_without_jobs_has_none_after_its_restore(settings, tmp_path):
    there = elsewhere(tmp_path / "there")
    manifest = copied(there, tmp_path / "draft")
    assert manifest["jobs"] == {"all": 0, "under_way": 0}
    (settings.home / "workflows.db-journal").write_bytes(b"of another time")
    (note,) = put_back_jobs(settings, tmp_path / "draft", manifest, KEY)
    assert note.startswith("2 jobs that were here are gone")
    assert list(settings.home.iterdir()) == []


def test_damaged_jobs_take_the_place_of_none(settings, tmp_path, monkeypatch):
    from growthbench.operations import jobs_file
    from growthbench.operations.sealed_rows import write_rows

    copied(settings, tmp_path / "draft")
    spoiled = (settings.home / "workflows.db").read_bytes()[:5000]
    write_rows(tmp_path / "draft" / "store" / "workflows.rows", jobs_file.ROWS, [[(spoiled,)]], KEY)
    with pytest.raises(ArtifactError, match="damaged"):
        put_back_jobs(settings, tmp_path / "draft", {"jobs": {"all": 2, "under_way": 1}}, KEY)
    assert ask(settings.home, ALL) == [("a", "SUCCESS", NEEDLE), ("b", "PENDING", None)]
    assert [p.name for p in settings.home.iterdir()] == ["workflows.db"]


def test_a_backup_takes_the_jobs_along_and_a_restore_brings_them(town, settings, tmp_path):
    shutil.copy(settings.home / "workflows.db", town.home / "workflows.db")
    own = Settings(town.home, town.url, "", town.home)
    made = back_up(own, tmp_path / "backups")
    counted = {"all": 2, "under_way": 1} if town.store.dialect == "sqlite" else None
    assert made.jobs == read_manifest(made.path)["jobs"] == made.told()["jobs"] == counted
    assert ("2 jobs" in str(made)) is (counted is not None)
    done = restore(elsewhere(tmp_path / "moved"), made.path)
    told = "\n".join(done.notes)
    if counted is not None:
        assert ask(tmp_path / "moved", ALL) == [("a", "SUCCESS", NEEDLE), ("b", "PENDING", None)]
        assert "1 of 2 jobs were under way" in told
    else:
        assert not (tmp_path / "moved" / "workflows.db").exists()
        assert "the backup holds no jobs of the Desk" in told


def test_jobs_that_go_to_postgresql_are_told_to_be_lost(settings, postgres_url, tmp_path):
    manifest = copied(settings, tmp_path / "draft")
    there = Settings(tmp_path / "there", postgres_url, "", tmp_path)
    (note,) = put_back_jobs(there, tmp_path / "draft", manifest, KEY)
    assert note.startswith("its 2 jobs were not restored: PostgreSQL keeps")


def test_a_home_that_a_desk_has_open_is_not_restored(town, tmp_path):
    own = Settings(town.home, town.url, "", town.home)
    made, before = back_up(own, tmp_path / "backups"), town.counts()
    with only_one(town.home), pytest.raises(ConflictError, match="stop the service, then restore"):
        restore(own, made.path, force=True)
    assert town.counts() == before
    restore(own, made.path, force=True)
