import shutil
from dataclasses import replace

import numpy as np
import pytest

from growthbench.base.errors import BadInputError, GateError, NoChampionError, NotFoundError
from growthbench.predictions.deployments import champion, history
from growthbench.runs.gate import GateParams
from growthbench.runs.reading import find_run
from growthbench.runs.registry import promote, register, rollback, sync
from growthbench.runs.tracker import open_tracker
from growthbench.store.engine import open_store


@pytest.fixture
def place(own):
    """Settings, ids and an open store of a home of one's own."""
    settings, ids = own
    with open_store(settings.database_url) as store:
        yield settings, ids, store


def test_promotion_deploys_with_its_evidence_and_the_alias_follows(place):
    settings, ids, store = place
    done = promote(settings, store, ids["blunt"], by="ann")
    assert (done.gate.passed, done.forced, done.mirrored) == (True, False, True)
    now = champion(store, "local", "churn")
    assert now.champion_run == ids["blunt"]
    assert now.evidence["gate"]["passed"] is True
    assert now.evidence["by"] == "ann"
    assert (settings.home / "models" / "churn" / now.champion / "manifest.json").is_file()
    assert find_run(settings, "churn@champion").id == ids["blunt"]
    assert find_run(settings, now.model_version).digest == now.champion
    version = open_tracker(settings).client.get_model_version_by_alias("local.churn", "champion")
    assert version.tags["promoted_by"] == "ann"
    assert version.tags["deployment_version"] == "1"
    assert done.to_dict()["model_version"] == now.model_version
    assert "is now champion" in str(done)


def test_a_refused_candidate_changes_nothing(place):
    settings, ids, store = place
    promote(settings, store, ids["sharp"])
    with pytest.raises(GateError) as refused:
        promote(settings, store, ids["blunt"])
    assert any(reason.startswith("champion:") for reason in refused.value.reasons)
    assert champion(store, "local", "churn").champion_run == ids["sharp"]
    assert len(history(store, "local", "churn")) == 1
    assert find_run(settings, "churn@champion").id == ids["sharp"]


def test_force_deploys_what_the_gate_refused_and_the_evidence_says_so(place):
    settings, ids, store = place
    promote(settings, store, ids["sharp"])
    done = promote(settings, store, ids["blunt"], force=True, by="ben")
    assert done.forced
    assert not done.gate.passed
    evidence = champion(store, "local", "churn").evidence
    assert evidence["forced"] is True
    assert evidence["gate"]["passed"] is False
    assert "(forced)" in str(done)


def test_rollback_flips_back_and_the_alias_follows(place):
    settings, ids, store = place
    promote(settings, store, ids["blunt"])
    promote(settings, store, ids["sharp"])
    assert find_run(settings, "churn@champion").id == ids["sharp"]
    done = rollback(settings, store, "churn", by="ann")
    assert done.mirrored
    assert done.deployment.champion_run == ids["blunt"]
    assert find_run(settings, "churn@champion").id == ids["blunt"]
    assert [row["action"] for row in history(store, "local", "churn")] == ["rollback", "promote", "promote"]
    with pytest.raises(BadInputError, match="nothing was served"):
        rollback(settings, store, "churn")
    with pytest.raises(NoChampionError):
        rollback(settings, store, "intent")


def test_a_registry_that_is_away_leaves_the_deployment_and_sync_repairs_it(place, monkeypatch):
    from mlflow.exceptions import MlflowException

    settings, ids, store = place

    def away(*_):
        raise MlflowException("the registry is away")

    with monkeypatch.context() as broken:
        broken.setattr("growthbench.runs.registry._point", away)
        done = promote(settings, store, ids["blunt"])
    assert (done.mirrored, done.problem) == (False, "the registry is away")
    assert "sync" in str(done)
    assert champion(store, "local", "churn").champion_run == ids["blunt"]
    with pytest.raises(NotFoundError):
        find_run(settings, "churn@champion")
    assert [one.mirrored for one in sync(settings, store)] == [True]
    assert find_run(settings, "churn@champion").id == ids["blunt"]


def test_tenants_have_champions_of_their_own(place):
    settings, ids, store = place
    promote(settings, store, ids["blunt"])
    other = replace(settings, tenant="acme")
    assert champion(store, "acme", "churn") is None
    promote(other, store, ids["sharp"])
    assert find_run(other, "churn@champion").id == ids["sharp"]
    assert find_run(settings, "churn@champion").id == ids["blunt"]


def test_a_run_is_registered_once(place):
    settings, ids, _ = place
    assert register(settings, ids["blunt"]) == register(settings, find_run(settings, ids["blunt"])) == "1"
    assert register(settings, ids["sharp"]) == "2"


def test_a_model_altered_in_the_tracking_store_is_never_deployed(place, people, recorded, tmp_path):
    from growthbench.base.errors import ArtifactError
    from growthbench.runs.tracking import log_run

    settings, _, store = place
    run = find_run(settings, log_run(recorded(tmp_path, people(600, 5), "visits"), settings, tmp_path))
    file = run.artifact / "linear_0.json"
    file.write_text(file.read_text(encoding="utf-8").replace("-1.0", "-1.5"), encoding="utf-8")
    with pytest.raises(GateError, match="golden_rows"):
        promote(settings, store, run)
    with pytest.raises(ArtifactError, match="altered"):
        promote(settings, store, run, force=True)
    assert champion(store, "local", "churn") is None


def test_a_champion_whose_run_is_lost_is_not_taken_for_none(place):
    settings, ids, store = place
    promote(settings, store, ids["blunt"])
    client = open_tracker(settings).client
    client.delete_run(ids["blunt"])
    with pytest.raises(NotFoundError, match="nothing to compare with"):
        promote(settings, store, ids["sharp"])
    done = promote(settings, store, ids["sharp"], force=True)
    assert done.forced
    assert "unknown_champion" in champion(store, "local", "churn").evidence


def test_a_real_training_is_logged_reviewed_gated_and_promoted(place, tmp_path):
    """The whole way with the real recipe: recorded metrics are those of the rows, to the last digit."""
    import pandas as pd

    from growthbench.learning.evaluation import evaluate
    from growthbench.learning.frame import frame_from_table
    from growthbench.learning.params import load_params
    from growthbench.learning.tasks import table_task
    from growthbench.learning.training import train
    from growthbench.runs.review import review
    from growthbench.runs.tracking import log_run

    settings, _, store = place
    rng = np.random.default_rng(0)
    visits, depth = rng.normal(0, 1, (2, 1200))
    plan = rng.choice(np.array(["free", "pro"], object), 1200)
    label = (rng.random(1200) < 1 / (1 + np.exp(1 - visits - 1.2 * depth - (plan == "pro")))).astype(int)
    table = pd.DataFrame({"depth": depth, "visits": visits, "plan": plan, "label": label})
    ids = []
    for number, columns in enumerate((["depth", "plan", "label"], ["depth", "visits", "plan", "label"])):
        small = {"folds": 3, "bootstrap": 100, "booster.rounds": 30, "booster.early_stopping": 0, "booster.members": 1}
        params = load_params(None, "table", small)
        frame, task = frame_from_table(table[columns], "label"), table_task()
        result = train(task, frame, params, tmp_path / str(number))
        record = evaluate(task, frame, result, params, tmp_path / f"report-{number}")
        ids.append(log_run(record, settings, tmp_path))
    first, second = (find_run(settings, i) for i in ids)
    found = review(first, second)
    assert found.verdict == "better"
    assert found.features["only_b"] == ["visits"]
    assert {one.name: (one.a, one.b) for one in found.metrics if one.name in ("auc", "cost", "lift_at_10")} == {
        name: pytest.approx((first.metrics[name], second.metrics[name]), abs=1e-12)
        for name in ("auc", "cost", "lift_at_10")
    }
    promote(settings, store, first, GateParams(max_ece=0.2))
    assert promote(settings, store, second, GateParams(max_ece=0.2, max_slice_drop=0.2)).gate.passed
    assert champion(store, "local", "table").champion_run == second.id
    shutil.rmtree(settings.home / "models")
