import pytest
from sqlalchemy import text

from growthbench.store.group_commit import GroupCommit
from growthbench.store.inserting import write_tuples


@pytest.fixture
def table(store):
    with store.writing() as connection:
        connection.execute(text("CREATE TABLE things (number BIGINT PRIMARY KEY, word TEXT, more TEXT)"))
    return store


def rows(store):
    with store.reading() as connection:
        found = connection.execute(text("SELECT number, word, more FROM things ORDER BY number"))
        return [tuple(row) for row in found]


@pytest.mark.parametrize("count", [0, 1, 19, 20, 399, 1_234])
def test_rows_come_out_as_they_went_in_whichever_columns_are_empty(table, count):
    given = [(i, None if i % 3 else f"w{i}", None) for i in range(count)]
    with table.writing() as connection:
        write_tuples(connection, "things", ("number", "word", "more"), iter(given))
    assert rows(table) == given


@pytest.mark.parametrize("count", [5, 500])
def test_a_row_that_is_refused_leaves_nothing_of_its_transaction(table, count):
    driver = table.engine.dialect.import_dbapi()
    with pytest.raises(driver.IntegrityError), table.writing() as connection:
        write_tuples(connection, "things", ("number", "word"), [(-1, "before")])
        write_tuples(connection, "things", ("number", "word"), [(i % (count - 1), "w") for i in range(count)])
    assert rows(table) == []
    with table.writing() as connection:
        write_tuples(connection, "things", ("number", "word"), [(7, "after")])
    assert rows(table) == [(7, "after", None)]


def test_a_row_that_is_refused_fails_alone_in_a_group_commit(table):
    def write(connection, items):
        for item in items:
            write_tuples(connection, "things", ("number", "word"), item)
        return [len(item) for item in items]

    commits = GroupCommit(table, {"things": write})
    some, wrong, others = [(i, "a") for i in range(30)], [(99, "x"), (99, "y")], [(i, "b") for i in range(30, 60)]
    futures = [commits.submit("things", item) for item in (some, wrong, others)]
    assert [futures[0].result(10), futures[2].result(10)] == [30, 30]
    with pytest.raises(Exception, match=r"(?i)unique"):
        futures[1].result(10)
    commits.close()
    assert [number for number, *_ in rows(table)] == list(range(60))
