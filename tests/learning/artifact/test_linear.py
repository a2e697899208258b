"""The linear part is scikit-learn's logistic regression, told as one term a column."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from growthbench.learning.linear import LinearPart
from growthbench.learning.linear_fit import fit_linear

TYPES = ["q", "q", "c"]


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    matrix = np.stack([rng.normal(5, 3, 800), rng.gamma(2, 100, 800), rng.integers(0, 4, 800)], 1).astype(np.float32)
    z = matrix[:, 0] / 3 + (matrix[:, 2] == 2) - 2 + rng.normal(0, 1, 800)
    return matrix, (z > 0).astype(int), np.digitize(z, (-0.5, 0.5))


@pytest.mark.parametrize("k", [2, 3])
def test_straight_lines_equal_scikit_learn_on_scaled_and_one_hot_columns(rows, k):
    matrix, y = rows[0], rows[1] if k == 2 else rows[2]
    numbers = StandardScaler().fit_transform(matrix[:, :2].astype(np.float64))
    design = np.hstack([numbers, OneHotEncoder(sparse_output=False).fit_transform(matrix[:, 2:])])
    head = LogisticRegression(C=0.5, tol=1e-9, max_iter=5000).fit(design, y)
    expected = head.decision_function(design).reshape(len(y), -1)
    found = fit_linear(matrix, y, TYPES, c=0.5, k=k).margins(matrix)
    assert found == pytest.approx(expected, abs=2e-3 if k == 3 else 1e-5)


def test_knots_bend_the_line_and_beyond_the_range_it_is_flat(rows):
    matrix, y, _ = rows
    y = (np.abs(matrix[:, 0] - 5) < 2).astype(int)
    bent = fit_linear(matrix, y, TYPES, c=10.0, knots=4)
    z = bent.margins(np.array([[-100, 1, 0], [matrix[:, 0].min(), 1, 0], [5, 1, 0], [100, 1, 0]], np.float32))[:, 0]
    assert z[2] > z[0] + 3
    assert z[2] > z[3] + 3
    assert z[0] == z[1]


def test_missing_values_have_a_weight_of_their_own(rows):
    matrix, y, _ = rows
    holes = matrix.copy()
    holes[y == 1, 1] = np.nan
    part = fit_linear(holes, y, TYPES)
    assert part.terms[1].missing[0] > part.terms[1].values.max() + 1
    assert np.isfinite(part.margins(np.full((3, 3), np.nan, np.float32))).all()


@pytest.mark.parametrize("k", [2, 3])
def test_contributions_sum_and_batches_do_not_matter(rows, k):
    matrix = rows[0].copy()
    matrix[::7, 0] = matrix[::5, 2] = np.nan
    part = fit_linear(matrix, rows[1] if k == 2 else rows[2], TYPES, knots=2, k=k)
    margins = part.margins(matrix)
    assert part.contributions(matrix).sum(2) == pytest.approx(margins, abs=1e-12)
    assert part.contributions(matrix)[:, :, :-1].mean(0) == pytest.approx(np.zeros((margins.shape[1], 3)), abs=1e-9)
    assert (np.concatenate([part.margins(matrix[i : i + 1]) for i in range(800)]) == margins).all()


def test_columns_without_values_do_no_harm(rows):
    matrix, y, _ = rows
    empty = matrix.copy()
    empty[:, 0] = np.nan
    empty[:, 1] = 4.0
    empty[:, 2] = np.nan
    part = fit_linear(empty, y, TYPES)
    assert np.isfinite(part.margins(empty)).all()
    assert (part.margins(empty)[:1] == part.margins(empty[:1])).all()


def test_json_round_trip_is_exact(rows):
    part = fit_linear(rows[0], rows[2], TYPES, knots=2, k=3)
    again = LinearPart.from_json(part.to_json())
    assert (again.margins(rows[0]) == part.margins(rows[0])).all()
