import pytest

from growthbench.language import offline, providers
from growthbench.language.settings import LanguageSettings, Patience
from tests.language.loopback import Loopback

PRICE = (1_000_000, 2_000_000)
"""1 and 2 USD per 1,000,000 tokens."""


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """Closed circuits, no language settings of the developer's, DSPy as it was."""
    import os

    for name in [n for n in os.environ if n.startswith("GROWTHBENCH_LM") or n.endswith("_API_KEY")]:
        monkeypatch.delenv(name)
    providers.forget_breakers()
    yield
    providers.forget_breakers()


@pytest.fixture
def server():
    with Loopback() as running:
        yield running


@pytest.fixture
def settings_for():
    """Settings for the loopback server, impatient."""

    def make(url, *models, timeout_s=1.0, attempts=2, price=PRICE, **more):
        patience = Patience(timeout_s, 10.0, attempts)
        return LanguageSettings(
            models or ("openai/tiny",), url, {"openai": "secret"}, price, None, patience, patience, **more
        )

    return make


@pytest.fixture
def program():
    """A signature ``Reply`` (question -> answer) with an offline writer."""
    import dspy

    class Reply(dspy.Signature):
        """Answer the question."""

        question: str = dspy.InputField()
        answer: str = dspy.OutputField()

    @offline.writer(Reply)
    def reply(inputs):
        return {"answer": f"offline: {inputs['question']}"}

    yield Reply
    offline.forget("Reply")
