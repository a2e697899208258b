import numpy as np
import pandas as pd
import pytest

from growthbench.base.errors import DataFormatError
from growthbench.events.expectations import check_table


@pytest.fixture
def leads():
    draw = np.random.default_rng(0)
    n = 400
    return pd.DataFrame(
        {
            "id": [f"k{i}" for i in range(n)],
            "visits": draw.gamma(2, 3, n),
            "source": draw.choice(["ads", "search", None], n),
            "won": draw.choice(["no", "yes"], n, p=[0.8, 0.2]),
        }
    )


def check(frame, **more):
    return check_table(frame, "won", positive="yes", key="id", ranges={"visits": (0, 100)}, **more)


def critical(report):
    return {f.about for f in report.failed_critical}


def test_a_sound_table_passes(leads):
    report = check(leads)
    assert report.failed_critical == []
    assert report.facts["label_rate"] == pytest.approx(0.2, abs=0.06)
    assert dict(report.counts) == leads["won"].value_counts().to_dict()


@pytest.mark.parametrize(
    ("column", "cells", "about"),
    [
        ("won", {0: None}, "every row has a label"),
        ("won", dict.fromkeys(range(400), "no"), "the label has at least two values"),
        ("won", dict.fromkeys(range(398), "no"), "1% to 99% of the rows are positive"),
        ("id", {0: "k1"}, "a key comes once"),
        ("id", {0: None}, "every row has a key"),
        ("visits", {0: -1.0}, "visits lies between 0 and 100"),
        ("visits", {0: np.inf}, "visits lies between 0 and 100"),
    ],
)
def test_a_broken_table_fails_critically(leads, column, cells, about):
    values = leads[column].astype(object)
    for place, value in cells.items():
        values[place] = value
    leads[column] = values.astype(leads[column].dtype)
    assert about in critical(check(leads))


def test_infinity_fails_without_a_range_too(leads):
    leads["x"] = np.where(np.arange(400) == 7, -np.inf, 1.5)
    assert "x is finite" in critical(check(leads))


def test_missing_columns_are_all_named_and_nothing_else(leads):
    report = check_table(leads, "bought", key="no_id", columns=["visits", "age"])
    assert critical(report) == {f"there is a column {c}" for c in ("bought", "no_id", "age")}


def test_a_constant_or_empty_column_is_a_warning(leads):
    report = check(leads.assign(same=1, nothing=np.nan))
    assert report.passed
    assert {f.about for f in report.failed} == {
        "same has more than one value", "nothing is filled in some rows", "nothing has more than one value",
    }  # fmt: skip


def test_texts_are_complete_and_not_empty(leads):
    frame = pd.DataFrame({"text": ["hello"] * 199 + [""], "intent": ["a", "b"] * 100})
    assert critical(check_table(frame, "intent", text="text")) == {"text has 1 to 10,000 characters"}


def test_few_rows_and_no_rows(leads):
    assert critical(check(leads.head(40))) == {"at least 100 rows"}
    with pytest.raises(DataFormatError, match="no rows"):
        check(leads.head(0))


@pytest.mark.data
@pytest.mark.parametrize("name", ["telco-churn", "x-education-leads", "bank-marketing", "mlc-churn", "ifood-response"])
def test_public_tables_meet_the_critical_expectations(data_home, name):
    from growthbench.datasets import load

    table = load(name, data_home)
    report = check_table(table.frame, table.label, positive=table.positive, key=table.key, name=name)
    assert report.failed_critical == []
