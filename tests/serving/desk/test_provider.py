"""The Desk with a provider of embeddings: MiniLM reads the tokens, a server on this machine makes the vectors."""

import threading

import pytest

from growthbench.base.errors import SettingsError
from growthbench.base.settings import Settings
from growthbench.knowledge.documents import Document
from growthbench.language import providers
from growthbench.serving.desk.state import open_desk
from growthbench.serving.desk.warming import _warm
from growthbench.text import MiniLM
from tests.language.vector_loopback import VectorLoopback


@pytest.fixture
def server(monkeypatch):
    providers.forget_breakers()
    with VectorLoopback() as running:
        monkeypatch.setenv("GROWTHBENCH_EMBEDDINGS", "openai/tiny")
        monkeypatch.setenv("GROWTHBENCH_EMBEDDINGS_BASE_URL", running.url)
        yield running
    providers.forget_breakers()


@pytest.fixture
def state(server, tmp_path):
    opened = open_desk(Settings.read(tmp_path / "home"))
    if not isinstance(opened.base.reader, MiniLM):
        opened.close()
        pytest.skip("the weights of MiniLM are not installed")
    yield opened
    opened.close()


def test_a_document_is_kept_while_the_provider_is_away_and_warming_up_completes_it(state, server):
    server.fault = lambda number: "401"
    told = state.ingest("a", Document("prices", "product_docs", "Prices", "The Pro plan costs EUR 199 a month."))
    assert told["state"] == "new"
    assert told["note"].startswith("kept, but only words find it until it has vectors: no vectors from openai/tiny")
    assert state.base.search("What does Pro cost?", tenant="a").method == "bm25"
    server.fault = lambda number: "normal"
    server.requests.clear()
    _warm(state, threading.Event())
    assert len(server.texts) == 1  # the passage; nobody pays for a question that nobody asked
    search = state.base.search("What does Pro cost?", tenant="a")
    assert (search.method, search.note) == ("hybrid", "")
    assert search.tokens.vectors.shape[1] == MiniLM.dims
    told = state.ingest("a", Document("boards", "product_docs", "Boards", "A board has columns."))
    assert "note" not in told


def test_a_provider_that_cannot_be_asked_is_said_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_EMBEDDINGS", "voyage/voyage-3")
    with pytest.raises(SettingsError, match="GROWTHBENCH_EMBEDDINGS_BASE_URL"):
        open_desk(Settings.read(tmp_path / "home"))
    monkeypatch.delenv("GROWTHBENCH_EMBEDDINGS")
    open_desk(Settings.read(tmp_path / "home")).close()
