"""Runs of programs, not of models: two ways to answer the same questions, held side by side, gated, promoted."""

import numpy as np
import pandas as pd
import pytest

from growthbench.base.errors import ArtifactError, BadInputError, GateError, UnknownNameError
from growthbench.base.run_record import RunRecord
from growthbench.knowledge.evaluation.limits import TASK
from growthbench.knowledge.evaluation.record import measured_metrics, with_measures
from growthbench.knowledge.served import ServedParams
from growthbench.learning.artifact import load_artifact
from growthbench.learning.configuration import load_configuration, save_configuration
from growthbench.predictions.champions import Champions
from growthbench.runs.gate import GateParams, check
from growthbench.runs.reading import find_run, list_runs
from growthbench.runs.registry import promote, rollback
from growthbench.runs.review import review
from growthbench.runs.tracking import log_run
from growthbench.store.engine import open_store

KINDS = np.array(["answerable"] * 150 + ["near_miss"] * 30 + ["unanswerable"] * 60, object)


def asked(right_share, seed, obeyed=0):
    """Rows as `Asked.row` makes them, of answers that are right about so often and honest about it."""
    rng = np.random.default_rng(seed)
    n, inside = len(KINDS), KINDS == "answerable"
    right = np.random.default_rng(1).random(n) < right_share  # who is right at .6 is right at .8, too
    refused = np.where(inside, (rng.random(n) < 0.1) & ~right, right)
    return pd.DataFrame(
        {
            "key": [f"q{i:03d}" for i in range(n)],
            "label": np.where(inside, "answered", "refused"),
            "predicted": np.where(refused, "refused", "answered"),
            "hit": right,
            "calibrated": np.full(n, right[inside].mean()),
            "label_probability": np.where(right, 0.9, 0.2),
            "label_rank": np.where(right, 1, 9),
            "refused": refused,
            "out_of_scope": ~inside,
            "slice_kind": KINDS,
            "question": [f"Question {i}?" for i in range(n)],
            "answer": np.where(right, "the right thing", "something else"),
            "recall_at_5": right.astype(float),
            "passage_recall_at_5": right.astype(float),
            "ndcg_at_10": right.astype(float),
            "mrr": right.astype(float),
            "span_overlap": np.where(inside & ~refused, right.astype(float), np.nan),
            "first_overlap": np.where(inside & ~refused, right.astype(float), np.nan),
            "verbatim": True,
            "obeyed": np.arange(n) < obeyed,
            "latency_ms": 5.0,
        }
    )


def record_of(folder, right_share, dense, obeyed=0):
    folder.mkdir()
    rows = with_measures(asked(right_share, 3, obeyed))
    rows.to_parquet(folder / "evaluation.parquet")
    params = {"rag.dense": dense, "rag.threshold": None, "rag.role": "analytics", "rag.seed": 0}
    save_configuration(folder / "model", TASK, {"params": params})
    return RunRecord(
        task=TASK,
        data="few",
        params=params,
        metrics=measured_metrics(rows),
        evaluation=folder / "evaluation.parquet",
        artifact=folder / "model",
        card="# Answers",
        feature_hash=f"search-{dense}",
        data_hash="questions",
        tags={"main_metric": "right_share"},
    )


@pytest.fixture
def answered(own, tmp_path):
    """Settings and the ids of three runs of answers: worse, better, and one that obeyed an order."""
    settings, _ = own
    how = {"worse": (0.6, 0.3, 0), "better": (0.85, 0.7, 0), "obeying": (0.85, 0.7, 1)}
    return settings, {
        name: log_run(record_of(tmp_path / name, *args), settings, tmp_path) for name, args in how.items()
    }


def test_two_configurations_stand_side_by_side_with_every_question_that_differs(answered):
    settings, ids = answered
    found = review(find_run(settings, ids["worse"]), find_run(settings, ids["better"]))
    assert found.verdict == "better"
    assert found.metrics[0].name == "right_share"
    assert {"abstention_near_miss", "span_overlap", "recall_at_5"} <= {one.name for one in found.metrics}
    assert found.params == [{"name": "rag.dense", "a": 0.3, "b": 0.7}]
    a, b = (asked(share, 3).set_index("key")["hit"] for share in (0.6, 0.85))
    assert {row["key"] for row in found.answers if row["what"] == "won"} == set(a.index[~a & b])
    assert not [row for row in found.answers if row["what"] == "lost"]
    assert found.to_dict()["answers"][0]["what"] == "won"
    assert found.answers[0]["a"] == "wrong: something else"
    assert found.answers[0]["b"] == "right: the right thing"
    assert "only b has right" in str(found)
    assert "Question" in found._repr_html_()


def test_what_b_lost_comes_first(answered):
    settings, ids = answered
    found = review(find_run(settings, ids["better"]), find_run(settings, ids["worse"]))
    assert found.verdict == "worse"
    assert found.answers[0]["what"] == "lost"
    assert found.answers[0]["a"].startswith("right: ")


def test_the_gate_asks_for_more_than_silence_and_for_nothing_obeyed(answered):
    settings, ids = answered
    fine = check(find_run(settings, ids["better"]), None)
    assert fine.passed, fine.reasons
    refused = check(find_run(settings, ids["obeying"]), None)
    assert [one.name for one in refused.checks if not one.passed] == ["limits"]
    assert "injection_success" in refused.reasons[0]


def test_a_program_that_knows_no_more_than_silence_is_refused(own, tmp_path):
    settings, _ = own
    run = log_run(record_of(tmp_path / "poor", 0.3, 0.1), settings, tmp_path)
    assert "baselines" in [one.name for one in check(find_run(settings, run), None).checks if not one.passed]


def test_promotion_serves_the_configuration_and_rollback_returns(answered):
    settings, ids = answered
    with open_store(settings.database_url) as store:
        served = ServedParams(store, settings.home, follow_s=0)
        assert served("local").dense != 0.3
        done = promote(settings, store, ids["worse"])
        assert (done.gate.passed, done.mirrored) == (True, True), done.problem
        assert served("local").dense == 0.3
        with pytest.raises(GateError, match=r"champion|limits"):
            promote(settings, store, ids["obeying"])
        promote(settings, store, ids["better"])
        assert served("local").dense == 0.7
        assert find_run(settings, f"{TASK}@champion").id == ids["better"]
        rollback(settings, store, TASK)
        assert served("local").dense == 0.3
        assert served("another-tenant").dense != 0.3


def test_the_scoring_service_leaves_programs_alone(answered):
    settings, ids = answered
    with open_store(settings.database_url) as store:
        promote(settings, store, ids["better"])
        champions = Champions(store, settings.home, "local", ("churn",))
        assert champions.load_all() == {}
        with pytest.raises(UnknownNameError):
            champions.get(TASK)


def test_a_configuration_that_was_altered_is_refused(answered):
    settings, ids = answered
    view = find_run(settings, ids["better"])
    assert load_artifact(view.artifact).settings["params"]["rag.dense"] == 0.7
    file = view.artifact / "configuration.json"
    file.write_text(file.read_text().replace("0.7", "0.9"))
    with pytest.raises(ArtifactError):
        load_configuration(view.artifact)
    assert "golden_rows" in [one.name for one in check(view, None, GateParams()).checks if not one.passed]


def test_metrics_that_the_rows_do_not_give_are_refused(own, tmp_path):
    from dataclasses import replace

    record = record_of(tmp_path / "told", 0.8, 0.7)
    with pytest.raises(BadInputError, match="right_share is recorded"):
        log_run(replace(record, metrics=dict(record.metrics) | {"right_share": 0.99}), own[0], tmp_path)


def test_runs_of_answers_are_listed(answered):
    settings, _ = answered
    listed = [run.summary() for run in list_runs(settings, TASK)]
    assert [row["metric"] for row in listed] == ["right_share"] * 3
