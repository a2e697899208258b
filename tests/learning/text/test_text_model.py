"""A trained text model: equal to scikit-learn, exact, explained, and able to say that a text is out of scope."""

import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.learning.artifact import load_model
from growthbench.learning.params import load_params
from growthbench.learning.tasks.chat_intent import ChatIntent, frame_from_texts
from growthbench.learning.text_evaluation import text_metrics
from growthbench.learning.text_training import train_text

HEAVY = ("pandas", "sklearn", "xgboost", "scipy", "pyarrow", "matplotlib")
UNICODE = ["ÅNGRA beställning??", "漢字 freeze", "ma carte a été volée 🎉", "İ lost my ſcard", "", "  "]


@pytest.fixture(scope="module")
def model(trained):
    return load_model(trained.artifact)


def test_scores_equal_scikit_learn(trained, model, texts, params):
    inside = texts[~texts["out_of_scope"]]
    train = inside[inside["split"] == "train"]
    counters = [
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
    ]
    matrix = hstack([c.fit_transform(train["text"]) for c in counters]).tocsr()
    head = LinearSVC(C=trained.params_used["c"], random_state=params.seed, max_iter=5000).fit(matrix, train["intent"])
    asked = texts["text"].tolist()[::3] + UNICODE
    margins = head.decision_function(hstack([c.transform(asked) for c in counters]).tocsr())
    scores = model.score({"text": asked})
    assert list(model.classes) == head.classes_.tolist()
    np.testing.assert_allclose(scores.raw, margins, rtol=0, atol=1e-6)
    expected = softmax(trained.params_used["temperature"] * margins, axis=1)
    np.testing.assert_allclose(scores.score, expected, rtol=0, atol=1e-6)


def test_the_sample_is_learned_and_strangers_are_turned_away(trained):
    found = text_metrics(trained.predictions, 300, np.random.default_rng(0))
    assert found["accuracy"].value >= 0.86
    assert found["top3"].value >= 0.95
    assert found["oos_recall"].value >= 0.6
    assert found["in_scope_refused"].value <= 0.07  # 400 texts: two standard errors above the 4 % aimed at
    assert found["ece"].value <= found["ece_floor"].hi + 0.02
    for estimate in found.values():
        assert estimate.lo <= estimate.value <= estimate.hi


def test_the_threshold_refuses_no_more_validation_texts_than_asked(model, texts, params):
    valid = texts[(texts["split"] == "valid") & ~texts["out_of_scope"]]
    refused = model.score({"text": valid["text"]}).refused
    assert 0 < refused.mean() <= params.text.refused


def test_predictions_are_those_of_the_artifact_on_the_test_texts(trained, model, texts):
    test = texts[texts["split"] == "test"]
    found = trained.predictions
    scores = model.score({"text": test["text"]})
    assert found["predicted"].tolist() == scores.label
    assert (found["calibrated"].to_numpy() == scores.confidence).all()
    assert found["key"].tolist() == [str(i) for i in test.index]
    assert found["label"].tolist() == test["intent"].tolist()
    assert found["out_of_scope"].sum() == 100
    assert found["label_probability"].isna().sum() == 100
    best = found[found["label_rank"] == 1]
    assert (best["label"] == best["predicted"]).all()


def test_no_batch_matters(model, texts):
    asked = texts["text"].tolist()[:200] + UNICODE
    together = model.score({"text": asked})
    for i, text in enumerate(asked):
        alone = model.score_rows([{"text": text}])
        assert (alone.score[0] == together.score[i]).all()
        assert alone.refused[0] == together.refused[i]


def test_a_text_without_a_known_term_is_refused(model):
    scores = model.score({"text": ["", "漢字", "☃☃☃"]})
    assert scores.refused.all()
    assert scores.score.sum(1) == pytest.approx(np.ones(3))


def test_reasons_name_words_and_sum_to_the_log_odds(model):
    text = "I lost my credit card, please freeze my account!"
    told = model.explain({"text": [text]})
    assert told.bias + sum(r["contribution"] for r in told.reasons) == pytest.approx(told.log_odds, abs=1e-12)
    assert told.log_odds == pytest.approx(np.log(told.score / (1 - told.score)), abs=1e-9)
    assert told.label == "freeze_account"
    assert told.reasons[0]["value"] == "freeze"
    assert {r["column"] for r in told.reasons} == {"text"}
    other = model.explain({"text": [text]}, label="report_lost_card")
    assert next(r for r in other.reasons if r["value"] == "lost")["contribution"] > 1


def test_equal_trainings_have_equal_digests(trained, model, frame, params, tmp_path):
    again = train_text(ChatIntent(), frame, params, tmp_path / "again")
    assert load_model(again.artifact).digest == model.digest
    pd.testing.assert_frame_equal(again.predictions, trained.predictions)


def test_the_artifact_keeps_no_sentence_of_the_training_texts(trained, texts):
    golden = json.loads((trained.artifact / "golden.json").read_text())["rows"]["text"]
    assert not set(golden) - {""} & set(texts["text"])


def test_progress_is_told_in_order(frame, params, tmp_path):
    seen = []
    train_text(ChatIntent(), frame, params, tmp_path / "a", lambda what, done, total: seen.append((done, total)))
    assert seen == [(i, 7) for i in range(7)]


def test_two_classes_without_given_splits_work(texts, params, tmp_path):
    two = texts[texts["intent"].isin(["freeze_account", "greeting"])][["text", "intent"]].reset_index(drop=True)
    result = train_text(ChatIntent(), frame_from_texts(two), params, tmp_path / "two")
    assert (result.predictions["label"] == result.predictions["predicted"]).mean() > 0.9
    assert 12 <= len(result.predictions) <= 18
    assert load_model(result.artifact).score({"text": ["hello there"]}).label == ["greeting"]


@pytest.mark.parametrize("overrides", [{"text.char_ngrams": 0}, {"text.word_ngrams": 1, "text.max_features": 500}])
def test_other_terms_work(frame, overrides, tmp_path):
    result = train_text(ChatIntent(), frame, load_params(None, "chat_intent", overrides), tmp_path / "other")
    assert load_model(result.artifact).vectors.size == result.params_used["terms"]
    assert "max_features" not in str(overrides) or result.params_used["terms"] <= 500


@pytest.mark.parametrize(
    ("columns", "field", "said"),
    [
        ({"text": [None]}, "text", "must be text, found null"),
        ({"text": [3]}, "text", "found a number 3"),
        ({"text": ["x" * 5000]}, "text", "at most 4000"),
        ({"message": ["hi"]}, "message", "the model reads text"),
        ({"text": "hi"}, "text", "must be a list"),
    ],
)
def test_bad_input_names_its_column(model, columns, field, said):
    with pytest.raises(BadInputError, match=said) as caught:
        model.score(columns)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda t: t.drop(columns="text"), "text"),
        (lambda t: t.assign(text=None), "text"),
        (lambda t: t.assign(split="holdout"), "split"),
        (lambda t: t[t["intent"] == "greeting"], "intent"),
    ],
)
def test_texts_that_cannot_be_learned_from_are_refused(texts, change, field):
    with pytest.raises(BadInputError) as caught:
        frame_from_texts(change(texts))
    assert caught.value.field == field


def test_a_split_without_texts_is_refused(texts, params, tmp_path):
    with pytest.raises(BadInputError, match="'test' has no text"):
        train_text(ChatIntent(), frame_from_texts(texts[texts["split"] != "test"]), params, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_arrays_with_objects_are_refused(trained, tmp_path):
    from growthbench.base.ids import digest

    target = tmp_path / "copy"
    target.mkdir()
    for path in trained.artifact.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    np.save(target / "intercept.npy", np.array([{"a": 1}], object), allow_pickle=True)
    manifest = json.loads((target / "manifest.json").read_text())
    manifest["files"]["intercept.npy"] = digest((target / "intercept.npy").read_bytes())
    (target / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match="not a plain array"):
        load_model(target)


def test_loading_and_scoring_import_no_heavy_package(trained):
    code = f"""
import sys, json
from growthbench.learning.artifact import load_model
model = load_model({str(trained.artifact)!r})
model.score_rows([{{"text": "freeze my card"}}]); model.reasons({{"text": ["freeze my card"]}})
print(json.dumps(sorted(set(sys.modules) & set({HEAVY!r}))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == []


def test_a_text_takes_under_three_milliseconds(model, texts):
    asked = texts["text"].tolist()[:300]
    model.score({"text": asked[:1]})
    before = time.process_time()
    for text in asked:
        model.score({"text": [text]})
    assert (time.process_time() - before) / len(asked) < 0.003
