import time

import pytest
from sqlalchemy import text

from growthbench.store.checkpoints import Checkpoints
from growthbench.store.engine import open_store
from growthbench.store.group_commit import GroupCommit


@pytest.fixture
def sqlite_store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 's.db'}") as store:
        yield store


def fill(store, rows=300):
    with store.writing() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS things (value TEXT)"))
        connection.execute(text("INSERT INTO things VALUES (:v)"), [{"v": "x" * 4000}] * rows)


def test_a_small_log_is_left_alone(sqlite_store):
    fill(sqlite_store, 3)
    assert Checkpoints(sqlite_store).look() == 0


def test_a_large_log_is_copied_back_and_begins_again(sqlite_store, tmp_path):
    checkpoints = Checkpoints(sqlite_store, least_bytes=100_000)
    before = (tmp_path / "s.db").stat().st_size
    fill(sqlite_store)
    assert checkpoints.look() > 300
    assert (tmp_path / "s.db").stat().st_size > before + 1_000_000
    log = (tmp_path / "s.db-wal").stat().st_size
    fill(sqlite_store, 3)
    assert (tmp_path / "s.db-wal").stat().st_size == log  # written from its beginning


def test_the_writer_finishes_a_log_that_is_never_at_its_end(sqlite_store, tmp_path):
    def write(connection, items):
        connection.execute(text("INSERT INTO things VALUES (:v)"), [{"v": item} for item in items])
        return items

    def size(name):
        return (tmp_path / name).stat().st_size

    fill(sqlite_store, 1)
    commits = GroupCommit(sqlite_store, {"things": write})
    for i in range(100):
        commits.submit("things", f"{i}" * 4000).result(10)
    log, file = size("s.db-wal"), size("s.db")
    checkpoints = Checkpoints(sqlite_store, least_bytes=100_000, commits=commits)
    with sqlite_store.reading() as reader:
        reader.execute(text("SELECT count(*) FROM things"))
        commits.submit("things", "while somebody reads").result(10)
        assert checkpoints.look() > 100
        assert checkpoints.look() < log // 4096 + 10  # the reader holds the rest back
    commits.submit("things", "the writer copies all of it").result(10)
    assert size("s.db") > file
    grown = size("s.db-wal")
    for i in range(20):
        commits.submit("things", f"{i}" * 4000).result(10)
    assert size("s.db-wal") == grown  # written from its beginning
    commits.close()
    with sqlite_store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM things")).scalar() == 123


def test_a_writer_and_a_reader_do_not_wait_for_it(sqlite_store):
    fill(sqlite_store)
    with sqlite_store.reading() as reader, sqlite_store.writing() as writer:
        assert reader.execute(text("SELECT count(*) FROM things")).scalar() == 300
        writer.execute(text("INSERT INTO things VALUES ('y')"))
        begun = time.monotonic()
        assert Checkpoints(sqlite_store, least_bytes=1).look() >= 0
        assert time.monotonic() - begun < 20  # busy_timeout is 30 s: it did not wait for them


def test_the_thread_does_it_by_itself_and_ends(sqlite_store):
    fill(sqlite_store)
    checkpoints = Checkpoints(sqlite_store, least_bytes=100_000, every_s=0.01)
    seen = []
    look, checkpoints.look = checkpoints.look, lambda: seen.append(look())
    checkpoints.start()
    deadline = time.monotonic() + 20
    while not any(seen) and time.monotonic() < deadline:
        time.sleep(0.01)
    checkpoints.close()
    assert any(seen)


@pytest.mark.postgres
def test_postgresql_needs_none(postgres_store_url):
    with open_store(postgres_store_url) as store:
        checkpoints = Checkpoints(store)
        checkpoints.start()
        checkpoints.close()
