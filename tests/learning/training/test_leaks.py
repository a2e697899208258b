import numpy as np
import pytest

from growthbench.learning.frame import frame_from_table
from growthbench.learning.leaks import find_leaks


def leaks_of(table, **given):
    return {leak.column: leak for leak in find_leaks(frame_from_table(table, "bought", **given))}


def test_an_honest_table_raises_no_alarm(frame):
    assert find_leaks(frame) == []


def test_a_planted_leak_is_named_with_evidence(table):
    rng = np.random.default_rng(3)
    wrong = rng.random(len(table)) < 0.02
    after = np.where(wrong, rng.normal(size=len(table)), (table["bought"] == "yes") * 2.0)
    found = leaks_of(table.assign(invoices_after=after))
    assert list(found) == ["invoices_after"]
    assert found["invoices_after"].found
    assert not found["invoices_after"].known
    assert "AUC" in found["invoices_after"].evidence


def test_two_copies_of_a_leak_do_not_hide_each_other(table):
    copy = (table["bought"] == "yes").astype(float)
    assert set(leaks_of(table.assign(a=copy, b=-copy))) == {"a", "b"}


def test_a_column_filled_only_after_the_outcome_is_found_by_its_holes(table):
    bought = (table["bought"] == "yes").to_numpy()
    filled = bought & (np.random.default_rng(4).random(len(table)) < 0.4)
    found = leaks_of(table.assign(reason=np.where(filled, 1.0, np.nan)))
    assert "all but decides" in found["reason"].evidence
    assert found["reason"].auc_missing == pytest.approx(0.5 + filled[bought].mean() / 2)


def test_a_known_leak_is_reported_even_when_its_figures_are_harmless(table):
    found = leaks_of(table, known_leaks={"noise": "written after the call"})
    assert found["noise"].known
    assert not found["noise"].found
    assert found["noise"].evidence == "written after the call"


def test_a_noisy_leak_that_halves_the_error_is_found(table):
    rng = np.random.default_rng(5)
    told = np.where(rng.random(len(table)) < 0.25, rng.random(len(table)) < 0.5, table["bought"] == "yes")
    found = leaks_of(table.assign(told=told.astype(float) + 0.1 * rng.normal(size=len(table))))
    assert list(found) == ["told"]
