import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from growthbench.base.clock import DAY_US
from growthbench.base.errors import BadInputError
from growthbench.learning.splits import stratified_folds, time_split


def test_folds_are_scikit_learns_stratified_folds():
    y = np.random.default_rng(1).integers(0, 2, 500)
    fold = stratified_folds(y, 5, 0)
    for k, (_, rows) in enumerate(StratifiedKFold(5, shuffle=True, random_state=0).split(y[:, None], y)):
        assert np.flatnonzero(fold == k).tolist() == rows.tolist()


def test_a_person_with_several_rows_is_in_one_fold():
    rng = np.random.default_rng(2)
    group = rng.integers(0, 80, 400).astype(str)
    fold = stratified_folds(rng.integers(0, 2, 400), 4, 0, group)
    assert all(len(set(fold[group == g].tolist())) == 1 for g in set(group.tolist()))


def test_a_class_rarer_than_the_folds_is_refused():
    with pytest.raises(BadInputError, match="the rarest has 2"):
        stratified_folds(np.array([0] * 20 + [1] * 2), 5, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=2, max_size=60), st.integers(1, 40), st.floats(0.1, 0.8))
def test_no_training_label_reaches_into_the_test_period(days, window, share):
    time = np.array(days, np.int64) * DAY_US
    if max(days) - min(days) < window:
        with pytest.raises(BadInputError, match="embargo"):
            time_split(time, window, share)
        return
    split = time_split(time, window, share)
    assert len(split.train)
    assert len(split.test)
    assert time[split.train].max() + window * DAY_US <= split.cut <= time[split.test].min()
