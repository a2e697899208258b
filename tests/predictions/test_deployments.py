import shutil

import pytest

from growthbench.base.errors import ArtifactError, BadInputError, GoldenRowsError, NoChampionError
from growthbench.learning.artifact import load_model
from growthbench.predictions.deployments import champion, deploy, deployed, history, model_folder, rollback


def test_deploying_copies_the_folder_and_names_it_in_one_row(store, home, artifacts):
    made = deploy(store, home, "local", "churn", artifacts["churn"], "run-1", {"auc": 0.8})
    assert load_model(model_folder(home, "churn", made.champion)).digest == made.champion
    assert champion(store, "local", "churn") == made
    assert (made.champion_run, made.evidence, made.version) == ("run-1", {"auc": 0.8}, 1)


def test_nothing_is_deployed_for_another_tenant_or_task(store, home, artifacts):
    deploy(store, home, "local", "churn", artifacts["churn"])
    assert champion(store, "other", "churn") is None
    assert champion(store, "local", "intent") is None
    assert list(deployed(store, "local")) == ["churn"]


def test_deploying_the_same_model_of_the_same_run_again_changes_nothing(store, home, artifacts):
    first = deploy(store, home, "local", "churn", artifacts["churn"], "run-1")
    assert deploy(store, home, "local", "churn", artifacts["churn"], "run-1") == first
    assert len(history(store, "local", "churn")) == 1


def test_rollback_goes_back_one_promotion_each_time_and_then_says_that_nothing_is_before(store, home, artifacts):
    digests = [deploy(store, home, "local", "churn", artifacts[a], a).champion for a in ("churn", "churn_2")]
    third = deploy(store, home, "local", "churn", artifacts["churn"], "run-3")
    assert third.champion == digests[0]
    assert rollback(store, home, "local", "churn").champion_run == "churn_2"
    assert rollback(store, home, "local", "churn", {"why": "drift"}).champion_run == "churn"
    with pytest.raises(BadInputError, match="nothing was served for churn before"):
        rollback(store, home, "local", "churn")
    told = history(store, "local", "churn")
    assert [row["action"] for row in told] == ["rollback", "rollback", "promote", "promote", "promote"]
    assert told[0]["evidence"] == {"why": "drift"}
    assert champion(store, "local", "churn").version == 5


def test_a_promotion_after_a_rollback_returns_to_what_was_rolled_back_to(store, home, artifacts):
    deploy(store, home, "local", "churn", artifacts["churn"], "a")
    deploy(store, home, "local", "churn", artifacts["churn_2"], "b")
    rollback(store, home, "local", "churn")
    deploy(store, home, "local", "churn", artifacts["churn_2"], "c")
    assert rollback(store, home, "local", "churn").champion_run == "a"


def test_rollback_without_a_champion_is_refused(store, home):
    with pytest.raises(NoChampionError, match="no champion for churn"):
        rollback(store, home, "local", "churn")


def test_rollback_to_a_folder_that_is_gone_changes_nothing(store, home, artifacts):
    first = deploy(store, home, "local", "churn", artifacts["churn"])
    second = deploy(store, home, "local", "churn", artifacts["churn_2"])
    shutil.rmtree(model_folder(home, "churn", first.champion))
    with pytest.raises(ArtifactError):
        rollback(store, home, "local", "churn")
    assert champion(store, "local", "churn") == second


def test_a_model_that_misses_its_golden_rows_is_not_deployed(store, home, spoiled):
    with pytest.raises(GoldenRowsError):
        deploy(store, home, "local", "churn", spoiled)
    assert deployed(store, "local") == {}
    assert not (home / "models").exists()


def test_a_model_of_another_task_is_not_deployed(store, home, artifacts):
    with pytest.raises(BadInputError, match="a model of churn, not of intent"):
        deploy(store, home, "local", "intent", artifacts["churn"])


def test_a_damaged_copy_is_replaced_by_a_good_one(store, home, artifacts):
    made = deploy(store, home, "local", "churn", artifacts["churn"], "a")
    (model_folder(home, "churn", made.champion) / "calibration.json").write_text("{}")
    deploy(store, home, "local", "churn", artifacts["churn"], "b")
    assert load_model(model_folder(home, "churn", made.champion)).digest == made.champion
