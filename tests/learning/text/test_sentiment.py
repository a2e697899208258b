"""Sentiment in [-1, 1]: the model that ships, and the recipe that made it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.datasets import load
from growthbench.learning.sentiment import SHIPPED, load_sentiment, save_sentiment, shipped_sentiment
from growthbench.learning.sentiment_training import (
    Sentences,
    fit_sentiment,
    held_out_scores,
    judge_sentiment,
    sentiment_metrics,
)
from growthbench.learning.threads import one_thread
from growthbench.text import open_encoder, weights

GOOD = [
    "great phone",
    "I love this place",
    "excellent food",
    "works perfectly",
    "wonderful acting",
    "very happy with it",
]
BAD = [
    "awful phone",
    "I hate this place",
    "terrible food",
    "broke after a day",
    "dreadful acting",
    "very angry about it",
]
PLAIN = ["what time is it", "show my invoice", "list the plans"]


@pytest.fixture(scope="module")
def small():
    texts = [f"{t} {word}" for t in GOOD + BAD for word in ("", "indeed", "overall")]
    positive = np.repeat([1, 0], len(texts) // 2)
    return Sentences.of(texts, positive, PLAIN, open_encoder())


@pytest.fixture(scope="module")
def fitted(small):
    return fit_sentiment(small, open_encoder())


def test_the_shipped_model_tells_praise_from_anger():
    model = shipped_sentiment()
    praise, anger = model.score(["Thanks, that helped a lot!", "this is the worst service ever, I am furious"])
    assert -1 <= anger < -0.8 < 0.5 < praise <= 1
    assert model.reads == "words, and meaning by all-MiniLM-L6-v2"


def test_plain_requests_lie_between_praise_and_anger():
    praise, plain, anger = shipped_sentiment().score(["I love it", "what does the pro plan cost?", "I hate it"])
    assert anger < -0.5 < plain < 0.5 < praise


def test_without_the_wheel_words_are_read_alone_and_said_so(monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package_of_weights")
    model = load_sentiment(SHIPPED)
    assert model.reads.startswith("words only")
    praise, anger = model.score(["excellent, I love it", "terrible waste of money"])
    assert anger < 0 < praise


def test_no_batch_matters(fitted):
    texts = [*GOOD, *BAD, ""]
    assert fitted.score(texts).tolist() == [fitted.score([t])[0] for t in texts]


def test_saved_and_loaded_is_the_same(fitted, tmp_path):
    save_sentiment(fitted, tmp_path / "model")
    assert load_sentiment(tmp_path / "model").score(GOOD).tolist() == fitted.score(GOOD).tolist()
    assert {p.suffix for p in (tmp_path / "model").iterdir()} == {".json", ".npy"}


def test_an_altered_model_is_refused(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "model")
    told = json.loads((tmp_path / "model" / "sentiment.json").read_text())
    (tmp_path / "model" / "sentiment.json").write_text(json.dumps(told | {"blend": told["blend"][::-1]}))
    with pytest.raises(ArtifactError, match="was altered"):
        load_sentiment(tmp_path / "model")


def test_what_is_no_text_is_named(fitted):
    with pytest.raises(BadInputError, match=r"texts\[0\] must be a text"):
        fitted.score([None])


def test_too_few_sentences_are_refused(small):
    with pytest.raises(BadInputError, match="at least 10"):
        fit_sentiment(small.take(np.arange(20)), open_encoder())


def test_a_sentence_is_never_judged_by_a_model_that_saw_it(small):
    """Labels of a group that contradict the others are not learned: their scores stay those of the others."""
    groups = np.arange(36) % 3
    turned = replace(small, positive=np.where(np.r_[groups, np.full(6, -1)] == 0, 1 - small.positive, small.positive))
    before = held_out_scores(small, groups, open_encoder())[groups == 0]
    after = held_out_scores(turned, groups, open_encoder())[groups == 0]
    np.testing.assert_allclose(before, after, atol=1e-9)


def test_figures_have_intervals():
    y = np.array([0, 1] * 50)
    found = sentiment_metrics(y, np.where(y == 1, 0.6, -0.4), np.random.default_rng(0), 200)
    assert (found["accuracy"].value, found["auc"].value) == (1.0, 1.0)
    assert found["accuracy"].lo <= found["accuracy"].value <= found["accuracy"].hi


@pytest.mark.data
def test_the_data_set_is_the_published_one(data_home):
    table = load("sentiment-sentences", data_home)
    assert table.frame.groupby("site")["sentiment"].agg(["size", "sum"]).to_numpy().tolist() == [[1000, 500]] * 3
    assert table.frame["text"].str.len().min() > 0


@pytest.mark.data
@pytest.mark.proof("sentiment")
def test_sentiment_of_sentences(data_home, figure):
    frame, plain = load("sentiment-sentences", data_home).frame, load("clinc150-sample").frame
    neutral = plain[(plain["split"] == "train") & ~plain["out_of_scope"]]["text"].tolist()[::2]
    encoder = open_encoder(threads=2)
    given = Sentences.of(frame["text"].tolist(), frame["sentiment"].to_numpy(), neutral, encoder)
    with one_thread():
        found = judge_sentiment(given, frame["site"], encoder)
    for part, least in (("folds", (0.88, 0.95)), ("left_out_site", (0.84, 0.92))):
        for name, limit in zip(("accuracy", "auc"), least, strict=True):
            told = found[part][name]
            figure(f"sentiment {name}, {part}", told.value, at_least=limit)
            figure(f"sentiment {name}, {part}, 95 % from", told.lo)
            figure(f"sentiment {name}, {part}, 95 % to", told.hi)
