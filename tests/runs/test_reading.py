import pytest

from growthbench.base.errors import BadInputError, NotFoundError, UnknownNameError
from growthbench.runs.reading import find_run, list_runs


def test_a_run_is_found_by_id_prefix_name_and_model_version(tracked, run):
    settings, ids = tracked
    sharp = run("sharp")
    assert find_run(settings, ids["sharp"][:12]).id == ids["sharp"]
    assert find_run(settings, "churn/world:b2b/2").id == ids["sharp"]
    assert find_run(settings, f"lead_scoring@{run('lead').digest[:12]}").id == ids["lead"]
    assert find_run(settings, f"churn@{sharp.digest[:12]}").digest == sharp.digest
    assert find_run(settings, "lead_scoring@latest").id == ids["lead"]


def test_unknown_runs_are_refused_with_those_that_exist(tracked):
    settings, _ = tracked
    with pytest.raises(UnknownNameError, match="did you mean 'churn/world:b2b/1'"):
        find_run(settings, "churn/world:b2b/17")
    with pytest.raises(UnknownNameError, match="unknown run"):
        find_run(settings, "0" * 32)
    with pytest.raises(UnknownNameError, match="known are churn, lead_scoring"):
        find_run(settings, "nothing@champion")
    with pytest.raises(UnknownNameError, match="unknown alias 'winner'"):
        find_run(settings, "churn@winner")
    with pytest.raises(NotFoundError, match="churn has no champion"):
        find_run(settings, "churn@champion")


def test_a_prefix_of_several_runs_is_refused(tracked, monkeypatch):
    settings, _ = tracked
    monkeypatch.setattr("growthbench.runs.reading._MIN_PREFIX", 0)
    with pytest.raises(BadInputError, match="give more digits"):
        find_run(settings, "")


def test_runs_are_listed_newest_first_and_by_task(tracked):
    settings, ids = tracked
    runs = list_runs(settings)
    assert [run.id for run in runs] == list(reversed(ids.values()))
    assert [run.id for run in list_runs(settings, task="lead_scoring")] == [ids["lead"]]
    assert len(list_runs(settings, limit=3)) == 3
    assert list_runs(settings, task="intent") == []
    assert runs[0].summary()["run"] == "lead_scoring/world:b2b/1"


def test_a_file_that_a_run_does_not_have_is_named(run):
    with pytest.raises(NotFoundError, match=r"nothing\.txt"):
        run("sharp").file("nothing.txt")
