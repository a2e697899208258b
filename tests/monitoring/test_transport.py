import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from growthbench.monitoring.transport import move_categories, move_numbers

categories = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=60)


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=50), st.lists(st.floats(-9, 9), min_size=1, max_size=50))
def test_numbers_keep_their_rank_and_take_values_of_the_reference(current, reference):
    current, reference = np.array(current), np.array(reference)
    moved = move_numbers(current, reference, np.random.default_rng(0))
    assert set(moved) <= set(reference)
    for i in range(len(current)):
        assert (moved[current > current[i]] >= moved[i]).all()
    if len(current) == len(reference):
        assert sorted(moved) == sorted(reference)


def test_the_share_of_missing_numbers_is_moved_too():
    current, reference = np.r_[np.full(50, np.nan), np.arange(50.0)], np.r_[np.full(10, np.nan), np.arange(90.0)]
    moved = move_numbers(current, reference, np.random.default_rng(0))
    assert np.isnan(moved).sum() == 10
    assert np.isnan(current[np.isnan(moved)]).all()


@given(categories, categories)
def test_categories_take_the_shares_of_the_reference_and_change_as_few_rows_as_possible(current, reference):
    n, m = len(current), len(reference)
    moved = move_categories(np.array(current, object), np.array(reference, object), np.random.default_rng(0))
    for value in {*current, *reference}:
        assert abs(list(moved).count(value) - reference.count(value) / m * n) <= 1
    changed = sum(a != b for a, b in zip(current, moved))
    lacking = sum(max(list(moved).count(v) - current.count(v), 0) for v in set(moved))
    assert changed == lacking
