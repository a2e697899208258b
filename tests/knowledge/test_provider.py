"""A knowledge base whose vectors a provider makes: a real server on this machine, that may be away."""

import logging

import pytest

from growthbench.base.errors import SettingsError
from growthbench.base.settings import Settings
from growthbench.knowledge import kept
from growthbench.knowledge.answers import answer, shelf_of
from growthbench.knowledge.base import WITHOUT_VECTORS, KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.knowledge.opening import open_knowledge
from growthbench.language import Embeddings, EmbeddingSettings, LanguageSettings, Patience, providers, spending
from growthbench.ledger import Ledger, set_limit
from tests.knowledge.letters import Letters
from tests.knowledge.test_base import PAGES, found, page
from tests.language.loopback import dead_url
from tests.language.vector_loopback import VectorLoopback

QUESTION = "What does the Pro plan cost?"


@pytest.fixture(autouse=True)
def _closed_circuits():
    providers.forget_breakers()
    yield
    providers.forget_breakers()


@pytest.fixture
def server():
    with VectorLoopback() as running:
        yield running


def settings_for(url, **more):
    patience = Patience(1.0, 5.0, 1)
    told = {"model": "openai/tiny", "base_url": url, "price": 1_000_000} | more
    return EmbeddingSettings(**told, question=patience, documents=patience)


@pytest.fixture
def open_base(store, server):
    """A knowledge base as another process would open it."""

    def make(url=None, reader=None, **more):
        return KnowledgeBase(store, Embeddings(settings_for(url or server.url, **more), store), reader=reader)

    return make


@pytest.fixture
def base(open_base):
    made = open_base()
    made.ingest(PAGES, "t", progress=False)
    return made


def test_passages_and_questions_are_read_by_the_provider(base, server):
    search = base.search(QUESTION, tenant="t")
    assert (search.method, search.note, search.tokens) == ("hybrid", "", None)
    assert found(search)[0] == "prices"
    assert server.texts[-1] == QUESTION
    assert base.rank_documents(QUESTION, tenant="t")[0][0] == "prices"


def test_it_ranks_as_the_same_vectors_made_here(store, base):
    here = KnowledgeBase(store, Letters())
    here.ingest(PAGES, "t", progress=False)
    one, other = (b.search(QUESTION, tenant="t", role="lead") for b in (base, here))
    assert found(one) == found(other)
    assert [h.score for h in one.hits] == pytest.approx([h.score for h in other.hits], abs=1e-5)


def test_documents_are_sent_together_and_the_second_ingest_sends_nothing(base, server, open_base):
    assert [len(body["input"]) for body in server.requests] == [5]
    for again in (base, open_base()):
        told = again.ingest(PAGES, "t", progress=False)
        assert (told.unchanged, told.embedded, told.fault) == (5, 0, "")
    assert len(server.requests) == 1
    assert open_base().search(QUESTION, tenant="t").method == "hybrid"  # its dimensions are known from the store
    told = base.ingest([page("refunds", "Refunds are paid within thirty days.")], "t", progress=False)
    assert (told.changed, told.embedded, len(server.texts)) == (1, 1, 7)


def test_two_tenants_pay_for_themselves(base, server, store):
    base.ingest([page("one", "One page of another tenant.")], "u", progress=False)
    base.search("page", tenant="u")
    billed = [tokens for tokens, _ in server.billed]
    assert (Ledger(store).balance("t").spent, Ledger(store).balance("u").spent) == (billed[0], sum(billed[1:]))


def test_what_the_server_receives_holds_no_personal_data(base, server):
    base.ingest([page("who", "Write to ann@example.com or call +49 151 23456789.")], "t", progress=False)
    base.search("Who is ann@example.com?", tenant="t")
    assert "@example.com" not in str(server.requests)
    assert "23456789" not in str(server.requests)
    assert server.texts[-1] == "Who is [EMAIL]?"
    assert "ann@example.com" in base.search("Who is ann@example.com?", tenant="t").hits[0].passage.text


@pytest.mark.parametrize("fault", ["slow", "429", "500", "malformed", "wrong_dims", "400"])
def test_a_question_is_searched_by_words_while_the_provider_fails(base, server, fault, caplog):
    server.fault, server.slow_s = (lambda number: fault), 2.0
    with caplog.at_level(logging.WARNING, "growthbench.knowledge"):
        search = base.search("refunds of an invoice", tenant="t")
    assert search.method == "bm25"
    assert search.note.startswith("words alone: openai/tiny")
    assert server.url not in search.note
    assert "openai/tiny" in caplog.text
    assert found(search)[0] == "refunds"
    server.fault = lambda number: "normal"
    assert base.search("refunds of an invoice", tenant="t").method == "hybrid"


def test_a_limit_that_is_reached_leaves_words(base, store, server):
    spent = Ledger(store).balance("t").spent
    set_limit(store, "t", "tenant", "total", spent + 10)
    sent = len(server.requests)
    search = base.search(QUESTION, tenant="t")
    assert (search.method, search.note) == ("bm25", "words alone: a limit leaves no money for openai/tiny")
    told = base.ingest([page("new", "A new page about seats.")], "t", progress=False)
    assert (told.new, told.without_vectors) == (1, 1)
    assert "would pass it" in told.fault
    assert len(server.requests) == sent
    assert Ledger(store).balance("t") == (0, spent)


@pytest.mark.parametrize("fault", ["500", "malformed", "wrong_count", "nan", "ragged"])
def test_documents_are_kept_while_the_provider_fails_and_embedded_at_the_next_ingest(open_base, server, fault, store):
    base, server.fault = open_base(), lambda number: fault
    told = base.ingest(PAGES, "t", progress=False)
    assert (told.new, told.embedded, told.without_vectors) == (5, 0, 5)
    assert "openai/tiny" in told.fault
    search = base.search("refunds of an invoice", tenant="t")
    assert (search.method, search.note, found(search)[0]) == ("bm25", WITHOUT_VECTORS, "refunds")
    server.fault = lambda number: "normal"
    told = base.ingest(PAGES, "t", progress=False)
    assert (told.unchanged, told.embedded, told.without_vectors, told.fault) == (5, 5, 0, "")
    assert base.search("refunds of an invoice", tenant="t").method == "hybrid"


def test_where_nobody_listens_documents_are_kept_and_completed_from_the_store(open_base, store, server):
    away = open_base(dead_url())
    told = away.ingest(PAGES, "t", progress=False)
    assert (told.new, told.without_vectors) == (5, 5)
    assert "cannot be reached" in told.fault
    assert Ledger(store).balance("t") == (0, 0)
    base = open_base()
    done = base.complete("t", progress=False)
    assert (done.embedded, done.without_vectors, done.fault) == (5, 0, "")
    assert base.search(QUESTION, tenant="t").method == "hybrid"
    assert base.complete("t", progress=False).embedded == 0
    assert base.ingest(PAGES, "t", progress=False).embedded == 0
    assert len(server.texts) == 6


def test_what_was_embedded_before_a_fault_is_kept_and_not_paid_again(open_base, server):
    pages = [page(f"page {i}", f"Page {i} says number {i}.") for i in range(250)]
    base, server.fault = open_base(), lambda number: "500" if number == 1 else "normal"
    told = base.ingest(pages, "t", progress=False)
    assert (told.new, told.embedded, told.without_vectors) == (250, 96, 154)
    assert len(server.requests) == 2  # a provider that is away is not asked again in the same ingest
    told = base.ingest(pages, "t", progress=False)
    assert (told.unchanged, told.embedded, told.without_vectors) == (250, 154, 0)
    assert [len(body["input"]) for body in server.requests] == [96, 96, 96, 58]
    assert base.search("page", tenant="t").method == "hybrid"


def test_a_text_that_is_refused_costs_its_own_batch_alone(open_base, server):
    pages = [page(f"page {i}", f"Page {i} says number {i}.") for i in range(200)]
    base, server.fault = open_base(), lambda number: "400" if number == 0 else "normal"
    told = base.ingest(pages, "t", progress=False)
    assert (told.new, told.embedded, told.without_vectors) == (200, 104, 96)
    assert "scripted 400" in told.fault


def test_switching_there_and_back_finds_the_old_vectors_again(store, open_base, server):
    local = KnowledgeBase(store, Letters())
    local.ingest(PAGES, "t", progress=False)
    before = [(h.passage.document_id, h.score) for h in local.search(QUESTION, tenant="t").hits]
    away = open_base()
    assert away.search(QUESTION, tenant="t").note == WITHOUT_VECTORS
    assert away.ingest(PAGES, "t", progress=False).embedded == 5
    assert away.search(QUESTION, tenant="t").method == "hybrid"
    back, sent = KnowledgeBase(store, Letters()), len(server.requests)
    told = back.ingest(PAGES, "t", progress=False)
    assert (told.unchanged, told.embedded, back.encoder.asked) == (5, 0, 0)
    assert [(h.passage.document_id, h.score) for h in back.search(QUESTION, tenant="t").hits] == before
    assert len(server.requests) == sent
    with store.reading() as connection:
        assert kept.count_vectors(connection, "t") == 10


def test_another_model_under_the_same_name_embeds_anew_and_mixes_nothing(base, server, open_base):
    server.dims = 32
    other = open_base()
    assert other.search(QUESTION, tenant="t").method == "bm25"  # its answer does not fit the vectors that are kept
    told = other.ingest([page("new", "A new page about seats.")], "t", progress=False)
    assert (told.new, told.embedded) == (1, 1)
    assert other.search(QUESTION, tenant="t").note == WITHOUT_VECTORS
    assert other.complete("t", progress=False).embedded == 5
    assert other.search(QUESTION, tenant="t").method == "hybrid"


def test_tokens_are_read_here_and_kept_under_the_readers_name(store, open_base):
    reader = Letters()
    base = open_base(reader=reader)
    base.ingest(PAGES, "t", progress=False)
    search = base.search(QUESTION, tenant="t", rerank=3)
    assert len(search.tokens.spans) == len(QUESTION.split())
    assert found(search)[0] == "prices"
    assert shelf_of(base, "t").key == reader.digest
    assert shelf_of(base, "t").of([search.hits[0].passage])[0].vectors.shape[1] == reader.dims
    assert len(base.token_vectors(["two words"])[0].spans) == 2


def test_without_a_reader_of_tokens_questions_are_answered_by_what_is_left(base, store):
    assert shelf_of(base, "t") is None
    given = answer(base, QUESTION, tenant="t", settings=LanguageSettings(), agent="answers", run="r", threshold=0.0)
    assert given.answered
    assert given.citations[0].document_id == "prices"
    assert given.search.method == "hybrid"
    assert spending(store, "t", run="r").cost > 0
    assert Ledger(store).balance("t", "agent:answers").spent == spending(store, "t", agent="answers").cost


def test_the_environment_names_the_provider(store, server, monkeypatch):
    reader = Letters()
    assert open_knowledge(store, reader).encoder is reader
    monkeypatch.setenv("GROWTHBENCH_EMBEDDINGS", "openai/tiny")
    with pytest.raises(SettingsError, match="no key"):
        open_knowledge(store, reader)
    monkeypatch.setenv("GROWTHBENCH_EMBEDDINGS_BASE_URL", server.url)
    base = open_knowledge(store, reader)
    assert (base.encoder.name, base.reader) == ("openai/tiny", reader)
    base.ingest([Document("a", "product_docs", "A", "One page.")], "t", progress=False)
    assert (len(server.texts), reader.asked) == (1, 0)


def test_growthbench_ask_embeds_what_is_missing_and_says_what_it_could_not(store, server, monkeypatch, tmp_path):
    from growthbench.workbench import ask

    monkeypatch.setattr(ask, "encoder_of", lambda home: None)  # this test is about the provider
    KnowledgeBase(store).ingest(PAGES, "local", progress=False)
    monkeypatch.setenv("GROWTHBENCH_EMBEDDINGS", "openai/tiny")
    monkeypatch.setenv("GROWTHBENCH_EMBEDDINGS_BASE_URL", server.url)
    said, server.fault = [], lambda number: "401"
    asker = ask.Asker(store, Settings.read(tmp_path), said.append)
    asker.ready()
    assert "5 documents are found by words alone" in said[0]
    server.fault = lambda number: "normal"
    given = asker.ask(QUESTION)
    assert len(said) == 1
    assert given.search.method == "hybrid"
    assert len(server.texts) == 11
