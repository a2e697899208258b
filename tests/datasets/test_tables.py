import numpy as np
import pandas as pd
import pytest

from growthbench.datasets.tables import read_table


def test_only_the_named_markers_are_missing(table_entry):
    entry = table_entry(read={"missing": ["Select"], "missing_in": {"n": ["999"]}})
    frame = read_table(entry, b"n,word,other\n999,Select,999\n5,NA,None\n7,,null\n")
    assert frame["n"].isna().tolist() == [True, False, False]
    assert frame["word"].isna().tolist() == [True, False, True]
    assert frame["word"][1] == "NA"
    assert frame["other"].tolist() == ["999", "None", "null"]


def test_a_byte_order_mark_is_no_part_of_the_first_name(table_entry):
    frame = read_table(table_entry(read={"encoding": "utf-8-sig"}), b"\xef\xbb\xbfID,y\n1,2\n")
    assert list(frame.columns) == ["ID", "y"]


def test_day_columns_count_days_since_1970(table_entry):
    frame = read_table(table_entry(read={"days": ["d"]}), b"d,y\n04/09/2012,1\n01/01/1970,0\n")
    assert frame["d"].tolist() == [(pd.Timestamp("2012-09-04") - pd.Timestamp(0)).days, 0]


def test_decimals_are_read_as_python_reads_them(table_entry):
    frame = read_table(table_entry(read={"separator": ";"}), b"x;y\n0.1;1\n4.8570000000000002;2\n")
    assert frame["x"].tolist() == [0.1, float("4.8570000000000002")]
    assert frame["x"].dtype == np.float64


def test_a_quoted_name_or_comma_stays_whole(table_entry):
    frame = read_table(table_entry(), b'a,y\n"x, y","q ""z"""\n')
    assert frame.iloc[0].tolist() == ["x, y", 'q "z"']


@pytest.mark.parametrize("column", ["n", "y"])
def test_missing_markers_of_one_column_mean_nothing_in_another(table_entry, column):
    frame = read_table(table_entry(read={"missing_in": {column: ["-"]}}), b"n,y\n-,-\n")
    assert frame.isna().iloc[0].to_dict() == {"n": column == "n", "y": column == "y"}
