import asyncio
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.errors import BadInputError, NotReadyError
from growthbench.store.group_commit import GroupCommit


@pytest.fixture
def table(store):
    with store.writing() as connection:
        connection.execute(text("CREATE TABLE things (value BIGINT PRIMARY KEY)"))
    return store


def write_things(connection, items):
    for item in items:
        if item < 0:
            raise BadInputError(f"{item} is negative", field="value")
        connection.execute(text("INSERT INTO things VALUES (:v)"), {"v": item})
    return [item * 10 for item in items]


def values(store):
    with store.reading() as connection:
        return list(connection.execute(text("SELECT value FROM things ORDER BY value")).scalars())


@pytest.fixture
def commits(table):
    made = GroupCommit(table, {"things": write_things}, later_s=0.01)
    yield made
    made.close()


def test_what_is_answered_is_in_the_store(table, commits):
    assert [commits.submit("things", i).result(10) for i in range(3)] == [0, 10, 20]
    assert values(table) == [0, 1, 2]


def test_many_who_wait_share_commits(table):
    begun, go, sizes = threading.Event(), threading.Event(), []

    def slow(connection, items):
        sizes.append(len(items))
        begun.set()
        go.wait(10)
        return write_things(connection, items)

    commits = GroupCommit(table, {"things": slow})
    first = commits.submit("things", 0)
    begun.wait(10)
    others = [commits.submit("things", i) for i in range(1, 50)]
    go.set()
    assert [f.result(10) for f in [first, *others]] == [i * 10 for i in range(50)]
    commits.close()
    assert sizes == [1, 49]


def test_one_bad_item_fails_alone(table, commits):
    hold = threading.Event()
    commits._writers = {"hold": lambda c, items: [hold.wait(10) for _ in items]} | commits._writers
    commits.submit("hold", 1)
    futures = [commits.submit("things", i) for i in (1, -5, 2)]
    hold.set()
    assert futures[0].result(10) == 10
    with pytest.raises(BadInputError, match="-5 is negative"):
        futures[1].result(10)
    assert futures[2].result(10) == 20
    assert values(table) == [1, 2]


def test_an_outage_refuses_who_waits_and_keeps_what_was_for_later(table, commits):
    with table.writing() as connection:
        connection.execute(text("ALTER TABLE things RENAME TO hidden"))
    commits.later("things", 1)
    with pytest.raises(SQLAlchemyError):
        commits.submit("things", 2).result(10)
    with table.writing() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO things"))
    commits.flush()
    assert values(table) == [1]
    assert commits.lost == 0


def test_flush_and_close_write_what_was_for_later(table, commits):
    for i in range(100):
        commits.later("things", i)
    commits.flush()
    assert values(table) == list(range(100))
    commits.later("things", 100)
    commits.close()
    assert values(table)[-1] == 100
    with pytest.raises(NotReadyError, match="stopping"):
        commits.submit("things", 1)


def test_too_many_for_later_are_refused(table):
    commits = GroupCommit(table, {"things": write_things}, later_s=30, most_later=3)
    for i in range(3):
        commits.later("things", i)
    with pytest.raises(NotReadyError, match="too much waits"):
        commits.later("things", 3)
    commits.close()
    assert values(table) == [0, 1, 2]


def test_an_event_loop_gets_its_answers(table, commits):
    async def many():
        return await asyncio.gather(*(commits.submit_async("things", i) for i in range(20)))

    assert asyncio.run(many()) == [i * 10 for i in range(20)]


def test_an_outage_that_the_driver_tells_is_told_as_an_outage_of_the_store(table):
    driver = table.engine.dialect.import_dbapi()
    away = [True]

    def write(connection, items):
        if away[0]:
            raise driver.OperationalError("the disk is full")
        return write_things(connection, items)

    commits = GroupCommit(table, {"things": write})
    with pytest.raises(SQLAlchemyError, match="the disk is full"):
        commits.submit("things", 1).result(10)
    away[0] = False
    assert commits.submit("things", 1).result(10) == 10
    commits.close()
    assert values(table) == [1]


def test_what_an_event_loop_gave_just_before_it_ended_is_written(table, commits):
    async def give():
        commits.submit_async("things", 7)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(give())
    loop.close()
    assert commits.submit("things", 8).result(10) == 80
    assert values(table) == [7, 8]
