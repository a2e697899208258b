"""A small home per database: a few documents, words alone, calm visitors."""

import sys
from pathlib import Path

import pytest

from growthbench.content.chat import Assistant
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.language import LanguageSettings, providers
from growthbench.store.keyring import Keyring

sys.path.insert(0, str(Path(__file__).parents[2] / "predictions"))

SAMPLE = Path(__file__).parents[3] / "data" / "knowledge"
REFUND = "Within how many days can a first payment be refunded?"
SECRET = Document(
    "inner",
    "product_docs",
    "Inner",
    "# Inner\n\nThe refund of a first payment has the inner code KESTREL-9.",
    roles=("lead",),
)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def base(store):
    """Knowledge of a tenant and of its neighbour, without an encoder."""
    made = KnowledgeBase(store)
    made.ingest(SAMPLE / "product_docs", "local", progress=False)
    made.ingest([SECRET], "local", progress=False)
    return made


@pytest.fixture
def moods():
    """Sentiment of messages: what a test sets, else 0."""
    return {}


@pytest.fixture
def assistant(store, base, home, moods):
    """An assistant of this home, offline, whose sentiment a test decides."""
    Keyring.open(home)
    return Assistant(
        store, base, LanguageSettings(), home=home, sentiment=lambda texts: [moods.get(text, 0.0) for text in texts]
    )


@pytest.fixture(autouse=True)
def _fresh():
    providers.forget_breakers()
    yield
    providers.forget_breakers()
