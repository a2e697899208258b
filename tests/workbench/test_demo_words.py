"""The words of the demo, without the rest of it."""

import time

import pytest

from growthbench.base.errors import GrowthbenchError
from growthbench.base.settings import Settings
from growthbench.content.library import list_content
from growthbench.store.engine import open_store
from growthbench.workbench import demo_words


def test_three_answers_one_refusal_and_an_email_in_three_variants():
    settings, said, shown = Settings.read(), [], []
    began = time.process_time()
    demo_words.show_words(settings, said.append, shown.append)
    text = "\n".join(shown)
    assert all(question in text for question in (*demo_words.QUESTIONS, demo_words.UNANSWERABLE))
    assert "EUR 199" in text
    assert "30 days" in text
    assert "30 finished cards" in text
    assert "This is not in the documents." in text
    assert any("3 variants, draft, written by offline" in line for line in said)
    with open_store(settings.database_url) as store:
        assert len(list_content(store, settings.tenant)) == 3
    assert time.process_time() - began < 120  # of processor time; the demo has 30 s of a quiet machine for it


def test_an_answer_where_none_should_be_stops_the_demo(monkeypatch):
    monkeypatch.setattr("growthbench.workbench.ask.encoder_of", lambda home: None)  # words alone are quicker
    monkeypatch.setattr(demo_words, "QUESTIONS", ())
    monkeypatch.setattr(demo_words, "UNANSWERABLE", "What does Pro cost?")
    with pytest.raises(GrowthbenchError, match="was answered"):
        demo_words.show_words(Settings.read(), lambda _: None, lambda _: None)
