import numpy as np
import pandas as pd
import pytest

from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.learning.frame import TrainingFrame, frame_from_table


def test_kinds_are_inferred_and_nothing_is_imputed():
    table = pd.DataFrame(
        {
            "age": [1, 2, None],
            "told": [True, False, True],
            "digits": ["1.5", " ", "2"],
            "plan": ["a", None, " b "],
            "mixed": ["Yes", True, 3],
            "y": ["Yes", "No", "Yes"],
        }
    )
    frame = frame_from_table(table, label="y")
    kinds = {c.name: c.kind for c in frame.columns}
    assert kinds == {"age": "number", "told": "number", "digits": "number", "plan": "category", "mixed": "category"}
    assert np.array_equal(frame.X["digits"], [1.5, np.nan, 2.0], equal_nan=True)
    assert frame.X["plan"].tolist() == ["a", None, "b"]
    assert frame.X["mixed"].tolist() == ["Yes", "True", "3"]
    assert frame.y.tolist() == [1, 0, 1]
    assert frame.classes == ("no", "yes")


def test_three_values_make_classes_and_a_named_positive_makes_two():
    table = pd.DataFrame({"x": [1, 2, 3, 4], "y": ["b", "a", "c", "a"]})
    assert frame_from_table(table, "y").classes == ("a", "b", "c")
    assert frame_from_table(table, "y").y.tolist() == [1, 0, 2, 0]
    assert frame_from_table(table, "y", positive="a").y.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"label": "nope"}, "nope", "no column"),
        ({"label": "one"}, "one", "only the value"),
        ({"label": "holes"}, "holes", "missing in 1 rows"),
        ({"label": "letters"}, "letters", "positive="),
        ({"label": "y", "positive": "maybe"}, "y", "not a value"),
        ({"label": "y", "key": "one"}, "one", "each row once"),
        ({"label": "y", "time": "letters"}, "letters", "ISO 8601"),
        ({"label": "y", "drop": ["gone"]}, "gone", "no column"),
    ],
)
def test_a_wrong_table_is_refused_by_the_columns_name(change, field, said):
    table = pd.DataFrame(
        {"y": [0, 1, 1], "one": [1, 1, 1], "holes": [1, None, 0], "letters": ["p", "q", "q"], "x": [1.0, 2.0, 3.0]}
    )
    with pytest.raises(BadInputError, match=said) as refused:
        frame_from_table(table, **change)
    assert refused.value.field == field


def test_an_id_and_a_date_are_refused_as_inputs_with_advice():
    table = pd.DataFrame({"id": [f"c{i}" for i in range(300)], "y": [0, 1] * 150})
    with pytest.raises(BadInputError, match="drop it") as refused:
        frame_from_table(table, "y")
    assert refused.value.field == "id"
    dated = pd.DataFrame({"when": pd.date_range("2026-01-01", periods=4), "y": [0, 1, 0, 1]})
    with pytest.raises(BadInputError, match="holds times"):
        frame_from_table(dated, "y")
    assert frame_from_table(dated.assign(x=1.0), "y", time="when").time[0] == 1767225600000000


def test_a_saved_frame_comes_back_equal(tmp_path, frame):
    plan = frame.X["plan"].to_numpy(object)
    told = frame._with(time=np.arange(len(frame)), group=plan, splits=plan, known_leaks={"noise": "why"})
    back = TrainingFrame.load(told.save(tmp_path))
    pd.testing.assert_frame_equal(back.X, told.X)
    assert back.data_hash == told.data_hash
    assert (back.columns, back.classes, back.source) == (told.columns, told.classes, told.source)
    assert dict(back.known_leaks) == {"noise": "why"}
    for name in ("y", "key", "time", "group", "splits"):
        assert np.array_equal(getattr(back, name), getattr(told, name)), name
    assert {k: v.tolist() for k, v in back.slices.items()} == {k: v.tolist() for k, v in told.slices.items()}


def test_a_changed_table_is_not_loaded(tmp_path, frame):
    frame.save(tmp_path)
    frame.take(np.arange(10)).save(tmp_path / "other")
    (tmp_path / "other" / "rows.parquet").replace(tmp_path / "rows.parquet")
    with pytest.raises(DataFormatError, match="not the table"):
        TrainingFrame.load(tmp_path)


def test_the_data_hash_sees_values_labels_and_keys(frame):
    flipped = frame._with(y=1 - frame.y)
    renamed = frame._with(key=frame.key[::-1])
    moved = frame._with(X=frame.X.assign(noise=frame.X["noise"] + 1))
    assert len({f.data_hash for f in (frame, flipped, renamed, moved)}) == 4
    assert frame.take(np.arange(len(frame))).data_hash == frame.data_hash


def test_missing_and_a_text_of_one_character_hash_differently(frame):
    none = frame._with(X=frame.X.assign(plan=np.array([None] * len(frame), object)))
    odd = frame._with(X=frame.X.assign(plan=np.array(["\x01"] * len(frame), object)))
    assert none.data_hash != odd.data_hash
