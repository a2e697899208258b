import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from growthbench.base.clock import DAY_US
from growthbench.base.errors import BadInputError
from growthbench.learning.artifact import load_model
from growthbench.learning.baselines import fit_baselines
from growthbench.learning.estimator import fit_estimator
from growthbench.learning.evaluation import evaluate
from growthbench.learning.frame import frame_from_table
from growthbench.learning.params import load_params
from growthbench.learning.splits import stratified_folds
from growthbench.learning.tasks import table_task
from growthbench.learning.threads import one_thread
from growthbench.learning.training import TrainingResult, train

QUICK = {"folds": 3, "booster.rounds": 60, "booster.learning_rate": 0.1, "booster.members": 1, "bootstrap": 200}


def params(**more):
    return load_params(None, "table", QUICK | more)


@pytest.fixture(scope="module")
def trained(frame, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    result = train(table_task(), frame, params(), out)
    return result, evaluate(table_task(), frame, result, params(), out)


def test_each_row_is_predicted_once_by_a_model_made_without_its_fold(trained, frame):
    predictions = trained[0].predictions
    assert predictions["key"].tolist() == frame.key.tolist()
    assert predictions["fold"].tolist() == stratified_folds(frame.y, 3, 0).astype(str).tolist()
    assert predictions["label"].tolist() == frame.y.tolist()


def test_a_folds_predictions_come_from_the_other_folds_alone(trained, frame):
    """Trees, blend, calibration and rivals made of the other rows only give the same predictions, bit for bit."""
    fold = stratified_folds(frame.y, 3, 0)
    others, mine = frame.take(fold != 1), frame.take(fold == 1)
    with one_thread():
        score, calibrated = fit_estimator(others, params()).predict(mine)
        rivals = {n: b(mine, calibrated) for n, b in fit_baselines(table_task(), others, params()).items()}
    predicted = trained[0].predictions[fold == 1]
    assert np.array_equal(predicted["score"], score)
    assert np.array_equal(predicted["calibrated"], calibrated)
    for name, values in rivals.items():
        assert np.array_equal(predicted[f"baseline_{name}"], values), name


def test_the_same_seed_gives_the_same_model_bit_for_bit(trained, frame, tmp_path):
    again = train(table_task(), frame, params(), tmp_path)
    assert load_model(again.artifact).digest == load_model(trained[0].artifact).digest
    pd.testing.assert_frame_equal(again.predictions, trained[0].predictions)


def test_metrics_are_scikit_learns(trained):
    result, record = trained
    p = result.predictions
    parts = [part for _, part in p.groupby("fold")]
    by_fold = {"auc": roc_auc_score, "ap": average_precision_score}
    for name, metric in by_fold.items():
        assert record.metrics[name] == pytest.approx(np.mean([metric(f["label"], f["calibrated"]) for f in parts]))
    assert record.metrics["auc_pooled"] == pytest.approx(roc_auc_score(p["label"], p["calibrated"]))
    assert record.metrics["log_loss"] == pytest.approx(log_loss(p["label"], p["calibrated"]))
    assert record.metrics["brier"] == pytest.approx(brier_score_loss(p["label"], p["calibrated"]))
    for name in ("auc", "ap", "log_loss", "brier", "ece", "lift_at_10", "cost"):
        assert record.metrics[f"{name}_lo"] <= record.metrics[name] <= record.metrics[f"{name}_hi"]


def test_the_model_beats_its_rivals_on_a_bent_signal(trained):
    rows = {r["name"]: r for r in trained[1].tables["baselines"]}
    assert rows["prior"]["auc"] == pytest.approx(0.5)
    assert rows["prior"]["model_minus_auc_lo"] > 0.1
    assert rows["logistic"]["model_minus_log_loss"] < 0
    assert rows["best_single"]["model_minus_auc"] > 0
    for name in ("prior", "logistic", "best_single"):
        gap = rows["model"]["auc"] - rows[name]["auc"]
        assert rows[name]["model_minus_auc"] == pytest.approx(gap)


def test_everything_a_reviewer_needs_is_written(trained):
    result, record = trained
    stored = pd.read_parquet(record.evaluation)
    assert {"key", "fold", "label", "score", "calibrated", "slice_plan"} <= set(stored)
    assert set(record.plots) == {"roc", "pr", "calibration", "lift", "slices"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in record.plots.values())
    assert {r["value"] for r in record.tables["slices"] if r["slice"] == "plan"} == {"free", "pro", "team"}
    assert sum(r["n"] for r in record.tables["slices"] if r["slice"] == "plan") == len(stored)
    assert record.tables["gains"][-1]["cumulative_gain"] == pytest.approx(1.0)
    assert (result.artifact / "card.md").read_text() == record.card
    for word in ("## Metrics", "## Leaks", "## Limits", "| noise |", "best_single"):
        assert word in record.card


def test_a_result_comes_back_from_its_folder(trained):
    result, _ = trained
    back = TrainingResult.load(result.artifact.parent)
    pd.testing.assert_frame_equal(back.predictions, result.predictions)
    assert (back.artifact, dict(back.params_used), back.leaks) == (result.artifact, dict(result.params_used), [])


def test_a_time_split_judges_the_very_model_that_is_shipped(table, tmp_path):
    rng = np.random.default_rng(6)
    dated = table.assign(when=rng.integers(0, 120, len(table)) * DAY_US, who=rng.integers(0, 700, len(table)))
    frame = frame_from_table(dated, "bought", time="when", group="who")
    result = train(table_task(), frame, params(window_days=20), tmp_path)
    split, predictions = result.split, result.predictions
    assert split["kind"] == "time"
    assert split["train_rows"] + split["test_rows"] + split["left_out_rows"] == len(frame)
    cut = predictions["time"].min()
    assert frame.time[: len(frame)][frame.time <= cut - 20 * DAY_US].size == split["train_rows"]
    rows = frame.take(np.flatnonzero(np.isin(frame.key, predictions["key"])))
    assert np.array_equal(load_model(result.artifact).score(rows.inputs).score, predictions["calibrated"])


def test_known_leaks_are_dropped_loudly_or_kept_and_named(table, tmp_path, caplog):
    leaky = table.assign(tag=np.where(table["bought"] == "yes", "won", "lost"))
    frame = frame_from_table(leaky, "bought", known_leaks={"tag": "written by sales"})
    with caplog.at_level(logging.WARNING):
        dropped = train(table_task(), frame, params(), tmp_path / "a")
        kept = train(table_task(), frame, params(leaks="keep"), tmp_path / "b")
    assert "tag" in caplog.text
    assert "known, dropped" in caplog.text
    assert "known, KEPT" in caplog.text
    assert [c.name for c in load_model(dropped.artifact).columns] == ["visits", "plan", "noise"]
    assert "tag" in [c.name for c in load_model(kept.artifact).columns]
    for result in (dropped, kept):
        assert [(leak.column, leak.known, leak.found) for leak in result.leaks] == [("tag", True, True)]


def test_several_classes_beat_the_prior(table, tmp_path):
    frame = frame_from_table(table.drop(columns="plan").assign(plan2=table["plan"]), "plan2")
    task = table_task(kind="multiclass")
    used = params(**{"booster.rounds": 20})
    result = train(task, frame, used, tmp_path)
    record = evaluate(task, frame, result, used, tmp_path)
    p = result.predictions
    assert record.metrics["accuracy"] == pytest.approx((p["label"] == p["predicted"]).mean())
    assert np.allclose(p[[f"score_{c}" for c in frame.classes]].sum(axis=1), 1)
    rows = {r["name"]: r for r in record.tables["baselines"]}
    assert rows["model"]["log_loss"] < rows["prior"]["log_loss"]
    assert {"calibration", "confusion"} <= set(record.plots)


def test_the_search_keeps_to_its_budget_and_its_seed(frame, tmp_path):
    calls = []
    budget = params(**{"search.trials": 2, "booster.rounds": 20})
    first = train(table_task(), frame, budget, tmp_path / "a", lambda what, done, total: calls.append((done, total)))
    second = train(table_task(), frame, budget, tmp_path / "b")
    assert first.params_used == second.params_used
    assert "used.booster.depth" in first.params_used
    assert calls[-1][0] == calls[-1][1] == (3 + 1) * (3 + 1 + 2)


def test_a_task_of_the_wrong_kind_is_refused(frame, tmp_path):
    with pytest.raises(BadInputError, match="multiclass"):
        train(table_task(kind="multiclass"), frame, params(), tmp_path)
