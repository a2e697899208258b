"""The real files, where they are at hand: counts and totals as published."""

import pyarrow.compute as pc
import pytest

from growthbench.base.errors import BadInputError
from growthbench.datasets import entry, load, load_log, names

pytestmark = pytest.mark.data
TABLES = [n for n in names() if entry(n).kind == "table"]


@pytest.mark.parametrize("name", TABLES)
def test_tables_have_the_published_rows_and_positives(data_home, name):
    table, found = load(name, data_home), entry(name)
    assert table.frame.shape == (found.rows, found.columns)
    assert (table.frame[table.label] == table.positive).sum() == found.positives
    assert set(table.known_leaks) | set(table.drop) <= set(table.frame.columns)
    assert table.key is None or table.frame[table.key].is_unique


def test_missing_values_are_marked_as_missing(data_home):
    assert load("telco-churn", data_home).frame["TotalCharges"].isna().sum() == 11
    assert load("ifood-response", data_home).frame["Income"].isna().sum() == 24
    leads = load("x-education-leads", data_home)
    assert not (leads.frame == "Select").any().any()
    assert len(leads.known_leaks) == 9
    assert load("bank-marketing", data_home).frame["pdays"].max() < 999


def test_online_retail_has_the_published_total(data_home):
    log = load_log("online-retail", data_home)
    counts = {c["values"]: c["counts"] for c in pc.value_counts(log.events["name"]).to_pylist()}
    assert (counts["purchase"], counts["refund"]) == (397_920, 8_905)
    assert pc.sum(log.events["amount"]).as_py() == 830_006_581  # 8,300,065.81 GBP of lines with a customer
    assert pc.count_distinct(log.events["person"]).as_py() == 4_372


@pytest.mark.parametrize(
    ("name", "sizes", "intents", "outside"),
    [
        ("clinc150", {"train": 15_100, "valid": 3_100, "test": 5_500}, 150, 1_200),
        ("hwu64", {"train": 8_954, "valid": 1_076, "test": 1_076}, 64, 0),
    ],
)
def test_texts_have_the_published_splits(data_home, name, sizes, intents, outside):
    table = load(name, data_home)
    assert table.frame["split"].value_counts().to_dict() == sizes
    assert table.frame.loc[~table.frame["out_of_scope"], "intent"].nunique() == intents
    assert table.frame["out_of_scope"].sum() == outside


def test_the_digest_is_of_the_content_not_of_the_place(data_home):
    assert load("telco-churn", data_home).data_hash == load("telco-churn", str(data_home)).data_hash


def test_a_log_is_not_a_table_nor_the_other_way_round(data_home):
    with pytest.raises(BadInputError, match="load_log"):
        load("online-retail", data_home)
    with pytest.raises(BadInputError, match="use load"):
        load_log("telco-churn", data_home)
