from pathlib import Path

import pytest

from growthbench.base.errors import SettingsError
from growthbench.learning.params import TrainParams, load_data_params, load_params
from growthbench.learning.tasks import TASKS

SHIPPED = Path(__file__).parents[3] / "params.yaml"


@pytest.mark.parametrize("task", [*TASKS, "table"])
def test_the_shipped_file_is_valid_for_every_task(task):
    assert isinstance(load_params(SHIPPED, task), TrainParams)


def test_the_shipped_data_section_is_valid():
    data = load_data_params(SHIPPED, {"people": "100"})
    assert (data.source, data.people) == ("world:b2b", 100)


def test_overrides_reach_groups_and_texts_are_read_as_yaml():
    params = load_params(SHIPPED, "churn", {"seed": "1", "search.trials": 20, "linear.weight": "0.5"})
    assert (params.seed, params.search.trials, params.linear.weight) == (1, 20, 0.5)
    assert load_params(SHIPPED, "churn").linear.weight == "auto"


def test_a_tasks_own_defaults_hold_without_a_file_and_under_partial_groups():
    assert load_params(None, "intent").window_days == 7
    assert load_params(None, "churn").window_days == 30
    params = load_params(None, "intent", {"booster.depth": 3})
    assert (params.booster.depth, params.booster.learning_rate) == (3, 0.1)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("sed", 1, "known are seed"),
        ("booster.detph", 1, "known are rounds"),
        ("bosster.depth", 1, "known are"),
        ("seed.part", 1, "no parts"),
        ("seed", "one", "whole number"),
        ("seed", True, "whole number"),
        ("seed", 1.5, "whole number"),
        ("seed", -1, "between 0"),
        ("booster", 3, "mapping"),
        ("leaks", "hide", "drop, keep"),
        ("linear.weight", 1.5, "between 0 and 1"),
        ("linear.weight", "never", "a number or auto"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_key(key, value, said):
    with pytest.raises(SettingsError, match=said) as refused:
        load_params(SHIPPED, "churn", {key: value})
    assert refused.value.field == key


@pytest.mark.parametrize("content", ["- a list", "churn: [1]", "churn: {seed: 1", "\x00"])
def test_a_broken_file_is_one_clear_error(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(SettingsError):
        load_params(path, "churn")


def test_flat_names_read_back_to_the_same_parameters():
    params = load_params(SHIPPED, "churn", {"booster.depth": 7})
    assert load_params(None, "table", params.flat()) == params
