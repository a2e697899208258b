"""Every task, from a small world to a judged model."""

import numpy as np
import pytest

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.events.lake import Lake
from growthbench.features.shipped import CATALOGUE
from growthbench.learning.artifact import load_model
from growthbench.learning.evaluation import evaluate
from growthbench.learning.frame import TrainingFrame
from growthbench.learning.params import load_params
from growthbench.learning.tasks import TASKS, get_task, table_task
from growthbench.learning.training import train
from growthbench.worlds.generate import generate

QUICK = {"folds": 3, "booster.rounds": 80, "booster.learning_rate": 0.1, "booster.members": 1, "bootstrap": 200}
RUNS = {
    "b2b:lead_scoring": {},
    "b2b:churn": {},
    "b2b:intent": {"moments": 3},
    "shop:churn": {"window_days": 60, "moments": 5},
}


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    root = tmp_path_factory.mktemp("lakes")
    return {world: Lake(root / world).write(generate(world, 2000, 5).data) for world in ("b2b", "shop")}


@pytest.fixture(scope="module", params=RUNS)
def run(request, lakes, tmp_path_factory):
    world, _, name = request.param.partition(":")
    task, out = get_task(name), tmp_path_factory.mktemp("out")
    params = load_params(None, name, QUICK | RUNS[request.param])
    frame = task.frame_from_log(lakes[world], params)
    result = train(task, frame, params, out)
    return task, frame, result, evaluate(task, frame, result, params, out)


def test_the_model_beats_the_prior_and_the_tasks_own_rivals_are_there(run):
    task, _, _, record = run
    rows = {r["name"]: r for r in record.tables["baselines"]}
    assert {"model", "prior", "logistic", *task.baselines} <= set(rows)
    if task.kind == "binary":
        assert rows["prior"]["model_minus_auc_lo"] > 0
    else:
        assert rows["prior"]["model_minus_log_loss_hi"] < 0


def test_no_alarm_rings_for_features_of_the_log(run):
    assert run[2].leaks == []


def test_the_artifact_carries_the_plan_and_scores_as_it_was_judged(run):
    task, frame, result, _ = run
    model = load_model(result.artifact)
    assert (model.task, model.plan.hash) == (task.name, frame.plan.hash)
    assert [c.name for c in model.columns] == [c.name for c in frame.columns]
    rows = frame.take(np.flatnonzero(np.isin(frame.key, result.predictions["key"])))
    scores = model.score(rows.inputs)
    told = scores.score if task.kind == "binary" else scores.confidence
    assert np.array_equal(told, result.predictions["calibrated"])


def test_bands_are_there_for_risks_and_parts_for_the_lead_score(run):
    task, frame, result, record = run
    model = load_model(result.artifact)
    if task.kind == "binary":
        assert model.thresholds.bands[0] == "low"
        assert sum(r["n"] for r in record.tables["bands"]) == len(result.predictions)
    if task.name == "lead_scoring":
        parts = model.parts(frame.take(np.arange(20)).inputs)
        total = 0.4 * parts["behaviour"] + 0.3 * parts["firmographic"] + 0.3 * parts["model"]
        assert parts["blend"] == pytest.approx(total)
        assert model.thresholds.confidence == 0.8


def test_a_frame_of_the_log_survives_saving_with_its_plan(run, tmp_path):
    frame = run[1]
    back = TrainingFrame.load(frame.save(tmp_path))
    assert (back.data_hash, back.feature_hash, back.plan) == (frame.data_hash, frame.feature_hash, frame.plan)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_tells_its_story_and_reads_shipped_features_only(name):
    task = get_task(name)
    assert task.name == name
    assert task.about
    assert set(task.features) <= set(CATALOGUE.names)


def test_an_unknown_task_is_refused_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="did you mean 'churn'"):
        get_task("chrun")


def test_a_table_task_reads_no_log(lakes):
    with pytest.raises(BadInputError, match="made for tables"):
        table_task().frame_from_log(lakes["b2b"], load_params(None, "table"))
