from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from growthbench.base.errors import BadInputError
from growthbench.store.audit import FIRST, Audit
from growthbench.store.engine import open_store
from growthbench.store.tenant_tables import audit as table


@pytest.fixture
def audit(store):
    chain = Audit(store)
    for number in range(1, 6):
        assert chain.write("shop", "operator", "key.created", f"k{number}", {"n": number}) == number
    chain.write("other", "operator", "key.created", "k", {})
    return chain


def _change(store, number, **values):
    with store.writing() as connection:
        connection.execute(
            sa.update(table).where(table.c.tenant_id == "shop", table.c.number == number).values(**values)
        )


def test_an_untouched_chain_is_whole(audit):
    assert audit.verify("shop") is None
    assert audit.verify("other") is None
    assert audit.verify("nobody") is None


@pytest.mark.parametrize("column", ["at", "actor", "action", "target", "detail", "previous", "digest"])
def test_a_change_of_any_column_is_found(audit, store, column):
    _change(store, 3, **{column: 7 if column == "at" else "changed"})
    assert audit.verify("shop") == 3
    assert audit.verify("other") is None


def test_a_dropped_row_is_found(audit, store):
    with store.writing() as connection:
        connection.execute(sa.delete(table).where(table.c.tenant_id == "shop", table.c.number == 2))
    assert audit.verify("shop") == 2


def test_a_row_moved_to_another_tenant_is_found(audit, store):
    with store.writing() as connection:
        connection.execute(sa.delete(table).where(table.c.tenant_id == "other"))
        connection.execute(sa.update(table).where(table.c.number == 1).values(tenant_id="other"))
    assert audit.verify("other") == 1


def test_rows_cut_off_and_a_chain_written_anew_show_against_a_noted_head(audit, store):
    known = audit.head("shop")
    audit.write("shop", "operator", "more", "k", {})
    assert audit.verify("shop", known) is None
    with store.writing() as connection:
        connection.execute(sa.delete(table).where(table.c.tenant_id == "shop", table.c.number >= 5))
    assert audit.verify("shop") is None  # by itself, a shorter chain is a chain
    assert audit.verify("shop", known) == 5
    audit.write("shop", "operator", "key.created", "forged", {})
    assert audit.verify("shop", known) == 5


def test_the_head_of_nothing(audit):
    assert audit.head("nobody") == (0, FIRST)
    assert audit.verify("shop", (0, FIRST)) is None


def test_a_row_shares_the_transaction_it_was_given(audit, store):
    with pytest.raises(RuntimeError, match="stop"), store.writing() as connection:
        audit.write("shop", "operator", "undone", "k", {}, connection)
        raise RuntimeError("stop")
    assert audit.head("shop")[0] == 5
    assert audit.verify("shop") is None


def test_writers_at_once_keep_the_chain_whole(store, store_url):
    def write(worker):
        with open_store(store_url) as own:
            chain = Audit(own)
            return [chain.write("shop", worker, "done", str(n), {}) for n in range(15)]

    with ThreadPoolExecutor(6) as pool:
        numbers = [n for given in pool.map(write, "abcdef") for n in given]
    assert sorted(numbers) == list(range(1, 91))
    assert Audit(store).verify("shop") is None


def test_rows_come_newest_first_page_by_page(audit):
    first = audit.rows("shop", limit=2)
    assert [row.number for row in first] == [5, 4]
    assert first[0].detail == {"n": 5}
    assert [row.number for row in audit.rows("shop", limit=10, before=4)] == [3, 2, 1]
    assert audit.rows("shop", action="tenant.") == []
    assert len(audit.rows("shop", action="key.")) == 5
    with pytest.raises(BadInputError, match="limit"):
        audit.rows("shop", limit=0)
