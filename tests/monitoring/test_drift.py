import json
import re

import numpy as np
import pytest

from growthbench.base.errors import BadInputError
from growthbench.monitoring.drift import drift_report

KINDS = {"visits": "number", "idle": "number", "channel": "category"}


def by_name(summary):
    return {column.name: column for column in summary.columns}


def test_rows_of_one_distribution_have_not_drifted(model, rows, tmp_path):
    summary = drift_report(rows(3000, 1), rows(3000, 2), KINDS, tmp_path, model)
    assert summary.share == 0.0
    assert summary.score_psi < 0.02
    assert summary.decisions.effects == ()
    assert summary.decisions.shift_lo < 0 < summary.decisions.shift_hi
    assert summary.decisions.moved < 0.03


def test_a_shift_of_one_sigma_is_found_in_its_column_alone(rows, tmp_path):
    summary = drift_report(rows(3000, 1), rows(3000, 2, visits=1.0), KINDS, tmp_path)
    found = by_name(summary)
    # Two normals of unit variance one sigma apart have Jeffreys divergence 1, which the PSI estimates on bins.
    assert found["visits"].psi == pytest.approx(1.0, abs=0.15)
    assert [name for name, column in found.items() if column.drifted] == ["visits"]
    assert summary.columns[0].name == "visits"
    assert summary.decisions is None
    assert summary.score_psi is None


def test_drift_that_no_decision_feels_is_told_apart_from_drift_that_many_feel(model, rows, tmp_path):
    idle = drift_report(rows(3000, 1), rows(3000, 2, idle=2.0), KINDS, tmp_path, model)
    assert by_name(idle)["idle"].drifted
    assert idle.decisions.moved < 0.03
    assert [(e.column, e.decisions_changed, e.score_shift) for e in idle.decisions.effects] == [("idle", 0.0, 0.0)]
    both = drift_report(rows(3000, 1), rows(3000, 2, visits=1.5, idle=2.0), KINDS, tmp_path, model)
    assert [e.column for e in both.decisions.effects] == ["visits", "idle"]
    visits = both.decisions.effects[0]
    assert visits.decisions_changed >= both.decisions.moved - 0.03  # it alone moved the decisions
    assert visits.score_shift == pytest.approx(both.decisions.shift, abs=0.02)
    assert both.decisions.shift_lo > 0.2


def test_a_category_that_takes_over_is_charged_with_the_decisions_it_changes(model, rows, tmp_path):
    reference, current = rows(4000, 1, web=0.1), rows(4000, 2, web=0.9)
    summary = drift_report(reference, current, KINDS, tmp_path, model)
    assert by_name(summary)["channel"].psi == pytest.approx(2 * 0.8 * np.log(9), rel=0.1)
    effect = summary.decisions.effects[0]
    assert effect.column == "channel"
    assert effect.score_shift == pytest.approx(summary.decisions.shift, abs=0.02)
    # Only the rows that must give up ``web`` may change: 80 % of them, and no more.
    assert 0 < effect.decisions_changed <= 0.82


def test_values_that_go_missing_are_drift_though_the_present_ones_look_the_same(model, rows, tmp_path):
    reference, current = rows(2000, 1), rows(2000, 2)
    current.loc[current.index % 2 == 0, "visits"] = np.nan
    current.loc[current.index % 2 == 1, "channel"] = None
    found = by_name(drift_report(reference, current, KINDS, tmp_path, model))
    assert found["visits"].psi < 0.05
    assert found["visits"].drifted
    assert (found["visits"].missing_reference, found["visits"].missing_current) == (0.0, 0.5)
    assert found["channel"].drifted


def test_columns_without_values_and_of_one_value_do_not_stop_the_report(rows, tmp_path):
    reference, current = rows(500, 1), rows(500, 2)
    for frame in (reference, current):
        frame["empty"], frame["constant"] = np.nan, 1.0
    reference["gone"], current["gone"] = 1.0, np.nan
    kinds = KINDS | {"empty": "number", "constant": "number", "gone": "number"}
    summary = drift_report(reference, current, kinds, tmp_path)
    found = by_name(summary)
    assert summary.left_out == {"empty": "no value at all", "gone": "no value on one side"}
    assert found["gone"].drifted
    assert "empty" not in found
    assert not found["constant"].drifted


def test_the_summary_on_disk_is_the_one_returned_and_the_page_needs_no_network(model, rows, tmp_path):
    summary = drift_report(rows(500, 1), rows(500, 2), KINDS, tmp_path, model)
    assert json.loads(summary.json.read_text(encoding="utf-8")) == json.loads(json.dumps(summary.to_dict()))
    page = summary.html.read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']https?:", page)
    assert "columns drifted" in str(summary)


def test_many_rows_are_sampled_the_same_way_each_time(rows, tmp_path):
    reference, current = rows(30_000, 1), rows(30_000, 2)
    first = drift_report(reference, current, KINDS, tmp_path)
    assert first.rows_reference == first.rows_current == 20_000
    assert first.to_dict() == drift_report(reference, current, KINDS, tmp_path).to_dict()


def test_columns_beside_the_model_are_compared_too_and_its_own_may_be_told_as_they_are(model, rows, tmp_path):
    reference, current = rows(500, 1), rows(500, 2)
    reference["colour"], current["colour"] = "red", "blue"
    found = drift_report(reference, current, KINDS | {"colour": "category"}, tmp_path, model)
    assert by_name(found)["colour"].drifted
    assert found.decisions.effects == ()
    plain = drift_report(reference, current, model.columns, tmp_path, model)
    assert {c.name for c in plain.columns} == set(KINDS)


def test_bad_rows_are_refused_by_name(rows, tmp_path):
    with pytest.raises(BadInputError, match="current rows lack idle"):
        drift_report(rows(500, 1), rows(500, 2).drop(columns="idle"), KINDS, tmp_path)
    with pytest.raises(BadInputError, match="at least 100 current rows, found 99"):
        drift_report(rows(500, 1), rows(99, 2), KINDS, tmp_path)
    with pytest.raises(BadInputError, match="nothing to compare"):
        drift_report(rows(500, 1), rows(500, 2), {"channel": "text"}, tmp_path)
