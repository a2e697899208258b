"""Values become numbers the same way in training and serving; whatever is wrong is named."""

import numpy as np
import pandas as pd
import pytest

from growthbench.base.errors import BadInputError
from growthbench.learning.columns import Column
from growthbench.learning.encoder import Encoder, fit_encoder

COLUMNS = (Column("visits", "number"), Column("plan", "category"))
ROWS = {"visits": [3, None, 2.5], "plan": ["pro", None, "gold"]}


@pytest.fixture
def encoder():
    return Encoder(COLUMNS, {"plan": ["free", "pro"]})


def test_categories_are_sorted_and_the_unknown_is_missing(encoder):
    fitted = fit_encoder(pd.DataFrame({"visits": [1.0, 2, 3], "plan": ["pro", None, "free"]}), COLUMNS)
    assert fitted.categories == encoder.categories
    expected = np.array([[3, 1], [np.nan, np.nan], [2.5, np.nan]], np.float32)
    np.testing.assert_array_equal(fitted.encode(ROWS), expected)


def test_lists_arrays_frames_and_rows_give_the_same_matrix(encoder):
    expected = encoder.encode(ROWS)
    assert expected.dtype == np.float32
    assert expected.flags.c_contiguous
    arrays = {"visits": np.array([3, np.nan, 2.5]), "plan": np.array(["pro", None, "gold"], object)}
    rows = [dict(zip(ROWS, values)) for values in zip(*ROWS.values())]
    for found in (encoder.encode(arrays), encoder.encode(pd.DataFrame(ROWS)), encoder.encode_rows(rows)):
        np.testing.assert_array_equal(found, expected)


def test_pandas_marks_of_absence_are_missing(encoder):
    frame = pd.DataFrame({"visits": pd.array([1, None], "Int64"), "plan": pd.Categorical(["free", None])})
    np.testing.assert_array_equal(encoder.encode(frame), np.array([[1, 0], [np.nan, np.nan]], np.float32))


def test_json_round_trip(encoder):
    assert Encoder.from_json(encoder.to_json()).to_json() == encoder.to_json()
    np.testing.assert_array_equal(Encoder.from_json(encoder.to_json()).encode(ROWS), encoder.encode(ROWS))


@pytest.mark.parametrize(
    ("columns", "field", "said"),
    [
        ({"visits": [1], "plan": ["pro"], "extra": [1]}, "extra", "the model reads visits, plan"),
        ({"visits": [1]}, "plan", "send null"),
        ({"visits": ["3"], "plan": ["pro"]}, "visits", "must be a number or null, found text '3'"),
        ({"visits": [True], "plan": ["pro"]}, "visits", "found a boolean True"),
        ({"visits": [{}], "plan": ["pro"]}, "visits", "found a dict"),
        ({"visits": [float("inf")], "plan": ["pro"]}, "visits", "finite"),
        ({"visits": [1e39], "plan": ["pro"]}, "visits", "3.4e38"),
        ({"visits": [10**400], "plan": ["pro"]}, "visits", "3.4e38"),
        ({"visits": [1], "plan": [3]}, "plan", "must be text or null, found a number 3"),
        ({"visits": [1, 2], "plan": ["pro"]}, "plan", "1 values, visits has 2"),
        ({"visits": [1], "plan": "pro"}, "plan", "must be a list"),
        ({"visits": 1, "plan": ["pro"]}, "visits", "must be a list"),
        ([1], "columns", "must be a mapping"),
    ],
)
def test_bad_input_names_its_column(encoder, columns, field, said):
    with pytest.raises(BadInputError, match=said) as caught:
        encoder.encode(columns)
    assert caught.value.field == field


def test_a_row_names_every_column(encoder):
    with pytest.raises(BadInputError, match="absent in row 1") as caught:
        encoder.encode_rows([{"visits": 1, "plan": None}, {"visits": 1}])
    assert caught.value.field == "plan"
    with pytest.raises(BadInputError, match="row 0 must be an object"):
        encoder.encode_rows([3])


def test_training_refuses_what_serving_could_not_send():
    with pytest.raises(BadInputError, match="must be text"):
        fit_encoder(pd.DataFrame({"visits": [1.0], "plan": [7]}), COLUMNS)
    with pytest.raises(BadInputError, match="no column"):
        fit_encoder(pd.DataFrame({"visits": [1.0]}), COLUMNS)
