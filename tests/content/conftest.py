"""The sample company, ingested once, and language settings for a loopback server."""

from pathlib import Path

import pytest

from growthbench.knowledge.answers import shelf_of
from growthbench.knowledge.base import KnowledgeBase
from growthbench.language import providers
from growthbench.language.settings import LanguageSettings, Patience
from growthbench.store.engine import open_store
from growthbench.text.minilm import open_encoder
from tests.language.loopback import Loopback

SAMPLE = Path(__file__).parents[2] / "data" / "knowledge"
TODAY = "2026-11-21"


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    """Knowledge base of the sample company and its token shelf."""
    home = tmp_path_factory.mktemp("company")
    with open_store(f"sqlite:///{home / 'store.db'}") as store:
        base = KnowledgeBase(store, open_encoder(home))
        assert base.ingest(SAMPLE, "local", progress=False).refused == []
        yield base, shelf_of(base, "local")


@pytest.fixture
def offline_settings():
    return LanguageSettings()


@pytest.fixture
def server():
    with Loopback() as running:
        yield running
    providers.forget_breakers()


@pytest.fixture
def settings_for():
    """Settings for the loopback server at a price of 1 and 2 USD per 1,000,000 tokens, impatient."""

    def make(url, price=(1_000_000, 2_000_000)):
        patience = Patience(3.0, 20.0, 1)
        return LanguageSettings(("openai/tiny",), url, {"openai": "secret"}, price, None, patience, patience)

    providers.forget_breakers()
    return make


@pytest.fixture
def own_store(tmp_path):
    """An empty store on SQLite, where the database is not what is tested."""
    with open_store(f"sqlite:///{tmp_path / 'own.db'}") as opened:
        yield opened
