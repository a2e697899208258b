import logging
import time

import pytest

from growthbench.base.errors import ArtifactError, GoldenRowsError, NoChampionError, UnknownNameError
from growthbench.predictions.champions import Champions
from growthbench.predictions.deployments import deploy, model_folder, rollback


@pytest.fixture
def champions(store, home):
    return Champions(store, home, "local", ("churn", "intent"), follow_s=0.05)


def test_a_task_without_a_champion_and_a_name_that_is_no_task_are_told_apart(champions):
    with pytest.raises(NoChampionError, match="no champion for churn"):
        champions.get("churn")
    with pytest.raises(UnknownNameError, match="unknown task 'chrun': did you mean 'churn'"):
        champions.get("chrun")


def test_a_promotion_and_a_rollback_elsewhere_are_followed(champions, store, home, artifacts):
    deploy(store, home, "local", "churn", artifacts["churn"], "a")
    time.sleep(0.06)
    assert champions.get("churn").deployment.champion_run == "a"
    deploy(store, home, "local", "churn", artifacts["churn_2"], "b")
    time.sleep(0.06)
    served = champions.get("churn")
    assert (served.deployment.champion_run, served.model.digest) == ("b", served.deployment.champion)
    rollback(store, home, "local", "churn")
    time.sleep(0.06)
    assert champions.get("churn").deployment.champion_run == "a"


def test_the_rows_are_read_once_within_the_time_allowed(store, home, artifacts, monkeypatch):
    deploy(store, home, "local", "churn", artifacts["churn"])
    champions = Champions(store, home, "local", follow_s=60)
    first = champions.get("churn")
    with monkeypatch.context() as patched:
        patched.setattr(store, "engine", None)  # any further query would fail
        assert champions.get("churn").model is first.model


def test_a_damaged_champion_is_refused_by_name_without_its_path_and_loudly(champions, store, home, artifacts, caplog):
    made = deploy(store, home, "local", "churn", artifacts["churn"])
    (model_folder(home, "churn", made.champion) / "calibration.json").write_text("{}")
    with caplog.at_level(logging.ERROR), pytest.raises(ArtifactError) as caught:
        champions.get("churn")
    assert made.model_version in str(caught.value)
    assert str(home) not in str(caught.value)
    assert "calibration.json" in caplog.text
    assert champions.load_all() == {"churn": caught.value}


def test_a_champion_that_misses_its_golden_rows_is_refused_as_such(champions, store, home, artifacts, spoiled):
    made = deploy(store, home, "local", "churn", artifacts["churn"])
    folder = model_folder(home, "churn", made.champion)
    for path in spoiled.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    with pytest.raises(GoldenRowsError, match="does not reproduce its golden rows: not served"):
        champions.get("churn")
