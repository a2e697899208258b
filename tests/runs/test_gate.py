import shutil

import numpy as np
import pandas as pd
import pytest

from growthbench.base.errors import BadInputError, GateError, SettingsError
from growthbench.runs.gate import GateParams, check


def answers(result):
    return {one.name: one.passed for one in result.checks}


def failed(result):
    return [one.name for one in result.checks if not one.passed]


def test_a_better_model_passes_every_check(run):
    result = check(run("sharp"), run("blunt"))
    assert answers(result) == dict.fromkeys(
        ("golden_rows", "leaks", "calibration", "baselines", "champion", "slices"), True
    )
    assert result.passed
    assert result.reasons == []
    result.require()
    assert result.to_dict()["checks"][4]["figures"]["lo"] > 0


def test_the_first_model_has_the_baselines_to_beat(run):
    result = check(run("blunt"), None)
    assert result.passed
    assert result.to_dict()["champion"] is None
    assert "nothing is served yet" in str(result)


def test_a_worse_model_is_refused_for_that_alone(run):
    result = check(run("blunt"), run("sharp"), GateParams(max_slice_drop=0.5))
    assert failed(result) == ["champion"]
    with pytest.raises(GateError, match="champion: auc -0"):
        result.require()


def test_an_equal_model_is_not_better_unless_the_parameters_allow_a_margin(run):
    again, sharp = run("again"), run("sharp")
    again.tags["artifact_digest"] = "another"  # the same answers by another artifact
    assert "champion" in failed(check(again, sharp))
    assert "champion" not in failed(check(again, sharp, GateParams(margin=0.01)))


def test_a_margin_still_refuses_what_may_be_worse_by_more(run):
    blunt, sharp = run("blunt"), run("sharp")
    loss = -check(blunt, sharp).checks[4].figures["lo"]
    assert "champion" in failed(check(blunt, sharp, GateParams(margin=loss * 0.9)))
    assert "champion" not in failed(check(blunt, sharp, GateParams(margin=loss * 1.1)))


def test_what_is_served_already_passes(run):
    assert "champion" not in failed(check(run("again"), run("sharp")))


def test_a_champion_judged_on_other_rows_cannot_be_compared_with(run):
    result = check(run("blunt"), run("elsewhere"))
    assert "champion" in failed(result)
    assert "0 rows in common" in result.checks[4].detail


def test_a_miscalibrated_model_is_refused_for_that_alone(run):
    result = check(run("bold"), None)
    assert failed(result) == ["calibration"]
    figures = result.checks[2].figures
    assert figures["ece"] > figures["floor"] + 0.03
    assert "calibration" not in failed(check(run("bold"), None, GateParams(max_ece=0.5)))


def test_a_collapsed_slice_is_refused_and_named(run):
    result = check(run("fallen"), run("blunt"), GateParams(margin=0.5, max_ece=0.5))
    assert failed(result) == ["slices"]
    assert "channel = email" in result.reasons[0]
    assert "slices" not in failed(check(run("fallen"), run("blunt"), GateParams(min_slice_rows=2000)))
    assert "slices" not in failed(check(run("fallen"), run("blunt"), GateParams(max_slice_drop=0.9)))


def test_a_slice_worse_than_knowing_nothing_is_refused_without_a_champion(run):
    assert "slices" in failed(check(run("fallen"), None))


def test_altered_golden_rows_are_refused(run, tmp_path):
    sharp = run("sharp")
    folder = tmp_path / "artifact"
    shutil.copytree(sharp.artifact, folder)
    golden = folder / "golden.json"
    golden.write_text(golden.read_text(encoding="utf-8").replace("2.5", "2.0"), encoding="utf-8")
    sharp.__dict__["artifact"] = folder
    result = check(sharp, None)
    assert failed(result) == ["golden_rows"]
    assert "altered" in result.reasons[0]


def test_another_sound_artifact_in_place_of_the_logged_one_is_refused(run):
    sharp = run("sharp")
    sharp.__dict__["artifact"] = run("blunt").artifact
    result = check(sharp, None)
    assert failed(result) == ["golden_rows"]
    assert "is not the logged model" in result.reasons[0]


def test_a_column_that_the_alarm_rang_for_is_refused_only_if_the_model_reads_it(run):
    assert failed(check(run("leaky"), None)) == ["leaks"]
    dropped = run("leaky")
    dropped.__dict__["tables"] = {"leaks": [{"column": "contract_end", "known": True}]}
    assert check(dropped, None).passed
    dropped.__dict__["tables"] = {}
    assert failed(check(dropped, None)) == ["leaks"]


def test_lead_scoring_must_beat_its_blend(run):
    lead = run("lead")
    assert check(lead, None).passed
    lead.__dict__["evaluation"] = lead.evaluation.assign(baseline_blend=lead.evaluation["score"])
    result = check(lead, None)
    assert failed(result) == ["baselines"]
    assert "blend" in result.reasons[0]


def test_a_baseline_shown_to_be_better_refuses(run):
    sharp, blunt = run("sharp"), run("blunt")
    blunt.__dict__["evaluation"] = blunt.evaluation.assign(baseline_logistic=sharp.evaluation["score"])
    assert failed(check(blunt, None)) == ["baselines"]
    sharp.__dict__["evaluation"] = sharp.evaluation.assign(baseline_logistic=blunt.evaluation["score"])
    assert check(sharp, None).passed


def test_no_baseline_to_compare_with_is_a_failure(run):
    sharp = run("sharp")
    sharp.__dict__["evaluation"] = sharp.evaluation.drop(columns="baseline_prior")
    assert "baseline_prior" in check(sharp, None).reasons[0]


def test_classes_are_judged_by_accuracy(run):
    view = run("sharp")
    rng = np.random.default_rng(0)
    n = 1000
    right = rng.random(n) < 0.7
    rows = {
        "key": [f"t{i}" for i in range(n)],
        "fold": "test",
        "label": "a",
        "predicted": np.where(right, "a", "b"),
        "calibrated": np.full(n, 0.7),
        "label_probability": np.where(right, 0.7, 0.3),
        "label_rank": np.where(right, 1, 2),
        "baseline_prior": 0.5,
        "baseline_prior_hit": rng.random(n) < 0.5,
    }
    view.__dict__["evaluation"] = pd.DataFrame(rows)
    object.__setattr__(view, "kind", "multiclass")
    object.__setattr__(view, "task", "table")
    result = check(view, None)
    assert failed(result) == ["golden_rows"]  # the artifact is still the one of churn
    assert result.checks[3].figures["prior"]["name"] == "accuracy"


def test_a_metric_that_cannot_be_measured_is_refused_by_name(run):
    with pytest.raises(BadInputError, match="none of accuracy can be measured"):
        check(run("sharp"), run("blunt"), GateParams(metric="accuracy"))


def test_parameters_come_from_their_section_and_unknown_ones_are_refused(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text("gate: {margin: 0.01, max_slice_drop: 0.1}\nchurn: {seed: 1}\n", encoding="utf-8")
    assert GateParams.load(file) == GateParams(margin=0.01, max_slice_drop=0.1)
    assert GateParams.load(None) == GateParams.from_mapping({}) == GateParams()
    with pytest.raises(SettingsError, match=r"unknown parameter 'gate\.margins'"):
        GateParams.from_mapping({"margins": 1})
    with pytest.raises(SettingsError, match=r"gate\.max_ece must lie between"):
        GateParams.from_mapping({"max_ece": 2})
    file.write_text("gate: 3\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="section gate"):
        GateParams.load(file)
