import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import growthbench.events.tables
import growthbench.people.tables
import growthbench.predictions.tables
import growthbench.store.answer_tables
import growthbench.store.chat_tables
import growthbench.store.content_tables
import growthbench.store.knowledge_tables
import growthbench.store.ledger_tables
import growthbench.store.message_tables
import growthbench.store.tenant_tables
from growthbench.base.errors import NotReadyError
from growthbench.store.engine import open_store
from growthbench.store.migrate import alembic_config
from growthbench.store.tables import SCHEMA_VERSION, metadata


def test_migrated_schema_equals_the_declared_tables(store):
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    assert differences == []


def test_schema_version_is_the_newest_migration():
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == SCHEMA_VERSION


def test_opening_twice_changes_nothing(store_url):
    with open_store(store_url) as first, open_store(store_url) as second:
        tables = [sorted(sa.inspect(s.engine).get_table_names()) for s in (first, second)]
    assert tables[0] == tables[1]


def test_a_failed_write_leaves_nothing(store):
    heads = growthbench.events.tables.log_heads
    with pytest.raises(RuntimeError, match="stop"), store.writing() as connection:
        connection.execute(sa.insert(heads).values(tenant_id="t", seq=1, received_at=1))
        raise RuntimeError("stop")
    with store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(heads)).scalar() == 0


def test_a_reader_keeps_its_snapshot_while_a_writer_commits(store):
    heads = growthbench.events.tables.log_heads
    count = sa.select(sa.func.count()).select_from(heads)
    with store.reading() as reader:
        before = reader.execute(count).scalar()
        with store.writing() as writer:
            writer.execute(sa.insert(heads).values(tenant_id="t", seq=1, received_at=1))
        assert reader.execute(count).scalar() == before
    with store.reading() as reader:
        assert reader.execute(count).scalar() == before + 1


def test_text_compares_by_bytes_on_every_database(store):
    heads = growthbench.events.tables.log_heads
    names = ["a", "B", "é", "z", "Z", "ö"]
    with store.writing() as connection:
        connection.execute(sa.insert(heads), [{"tenant_id": n, "seq": 0, "received_at": 0} for n in names])
    with store.reading() as connection:
        found = list(connection.execute(sa.select(heads.c.tenant_id).order_by(heads.c.tenant_id)).scalars())
    assert found == sorted(names, key=str.encode)


def test_an_unreachable_store_is_named_without_its_password():
    with pytest.raises(NotReadyError) as caught:
        open_store("postgresql+psycopg://me:secret@127.0.0.1:1/nothing?connect_timeout=2")
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)
