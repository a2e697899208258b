"""Metrics equal scikit-learn's; a resample's weights mean the same as its repeated rows; intervals cover."""

import time

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from growthbench.base.errors import BadInputError
from growthbench.base.statistics import (
    auc,
    average_precision,
    bins_of,
    cost_curve,
    costs,
    ece,
    ece_floor,
    estimate,
    hits_in_top,
    lift,
    log_losses,
    mean_of,
    paired,
    resamples,
    squared_errors,
    value_of,
)


def drawn(n, seed, levels=None):
    """Labels and probabilities, with ties if there are few ``levels``."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1.2, 3.0, n)
    if levels:
        p = np.round(p * levels) / levels
    return (rng.random(n) < p).astype(int), p


@pytest.fixture(params=[(500, None), (500, 7), (3000, 40), (20, 3)], ids=str)
def data(request):
    n, levels = request.param
    return drawn(n, seed=n, levels=levels)


def test_auc_equals_scikit_learn(data):
    y, p = data
    assert value_of(auc(y, p), len(y)) == pytest.approx(roc_auc_score(y, p), abs=1e-12)


def test_average_precision_equals_scikit_learn(data):
    y, p = data
    assert value_of(average_precision(y, p), len(y)) == pytest.approx(average_precision_score(y, p), abs=1e-12)


def test_log_loss_and_brier_equal_scikit_learn(data):
    y, p = data
    assert log_losses(y, p).mean() == pytest.approx(log_loss(y, p), rel=1e-12)
    assert squared_errors(y, p).mean() == pytest.approx(brier_score_loss(y, p), rel=1e-12)


def test_multiclass_log_loss_equals_scikit_learn():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(5), 400)
    y = rng.integers(0, 5, 400)
    assert log_losses(y, p).mean() == pytest.approx(log_loss(y, p, labels=range(5)), rel=1e-12)


def test_ece_equals_the_bins_of_scikit_learn():
    y, p = drawn(5000, seed=1)
    rate, mean = calibration_curve(y, p, n_bins=10, strategy="uniform")
    rows = np.bincount(bins_of(p), minlength=10)
    expected = (rows[rows > 0] * np.abs(rate - mean)).sum() / len(y)
    assert value_of(ece(y, p), len(y)) == pytest.approx(expected, abs=1e-12)


def test_a_border_belongs_to_the_upper_bin_and_one_to_the_last():
    assert bins_of(np.array([0.0, 0.1, 0.5, 0.999, 1.0])).tolist() == [0, 1, 5, 9, 9]


@pytest.mark.parametrize("make", [auc, average_precision, lift, ece], ids=lambda f: f.__name__)
def test_weights_mean_repeated_rows(make):
    y, p = drawn(300, seed=5, levels=20)
    weights = next(resamples(300, 4, np.random.default_rng(0)))
    repeated = [np.repeat(np.arange(300), w.astype(int)) for w in weights]
    expected = [value_of(make(y[rows], p[rows]), len(rows)) for rows in repeated]
    assert make(y, p)(weights) == pytest.approx(expected, abs=1e-12)


def test_lift_without_ties_is_the_rate_of_the_best_tenth():
    rng = np.random.default_rng(2)
    y, score = rng.integers(0, 2, 1000), rng.permutation(1000).astype(float)
    best = np.argsort(-score)[:100]
    assert value_of(lift(y, score), 1000) == pytest.approx(y[best].mean() / y.mean(), rel=1e-12)


def test_lift_of_a_constant_score_is_one():
    y, _ = drawn(1000, seed=4)
    assert value_of(lift(y, np.full(1000, 0.3)), 1000) == pytest.approx(1.0)


def test_strata_keep_the_number_of_each_label():
    y, _ = drawn(200, seed=6)
    for weights in resamples(200, 50, np.random.default_rng(0), strata=y):
        assert (weights @ y == y.sum()).all()
        assert (weights.sum(1) == 200).all()


def test_groups_are_drawn_whole():
    group = np.repeat(np.arange(40), 5)
    for weights in resamples(200, 20, np.random.default_rng(0), group=group):
        assert (weights.reshape(-1, 40, 5) == weights.reshape(-1, 40, 5)[:, :, :1]).all()


def test_resamples_repeat_with_their_seed_whatever_the_block_size(monkeypatch):
    first = np.concatenate(list(resamples(50, 30, np.random.default_rng(9))))
    assert first.shape == (30, 50)
    assert (first == np.concatenate(list(resamples(50, 30, np.random.default_rng(9))))).all()
    monkeypatch.setattr("growthbench.base.statistics._CELLS", 200)
    assert (first == np.concatenate(list(resamples(50, 30, np.random.default_rng(9))))).all()


def test_the_interval_of_a_mean_is_the_textbook_one():
    values = np.random.default_rng(0).normal(5.0, 2.0, 4000)
    found = estimate({"mean": mean_of(values)}, 4000, 2000, np.random.default_rng(1))["mean"]
    half = 1.96 * values.std() / np.sqrt(4000)
    assert found.value == pytest.approx(values.mean())
    assert (found.hi - found.lo) / 2 == pytest.approx(half, rel=0.06)


def test_auc_intervals_cover_the_truth_about_as_often_as_they_say():
    population = drawn(200_000, seed=11)
    truth = value_of(auc(*population), 200_000)
    rng = np.random.default_rng(12)
    covered = 0
    for _ in range(120):
        rows = rng.integers(0, 200_000, 400)
        y, p = population[0][rows], population[1][rows]
        found = estimate({"auc": auc(y, p)}, 400, 200, rng, strata=y)["auc"]
        covered += found.lo <= truth <= found.hi
    assert 0.88 <= covered / 120 <= 1.0


def test_a_paired_interval_is_much_narrower_than_the_two_apart():
    y, p = drawn(2000, seed=8)
    rng = np.random.default_rng(0)
    q = np.clip(p + rng.normal(0, 0.02, 2000), 0, 1)
    a, b = {"auc": auc(y, p)}, {"auc": auc(y, q)}
    together = paired(a, b, 2000, 300, np.random.default_rng(1), strata=y)["auc"]
    alone = estimate(a, 2000, 300, np.random.default_rng(1), strata=y)["auc"]
    assert together.value == pytest.approx(roc_auc_score(y, q) - roc_auc_score(y, p), abs=1e-12)
    assert together.hi - together.lo < (alone.hi - alone.lo) / 3


def test_equal_scores_differ_by_exactly_nothing():
    y, p = drawn(300, seed=9)
    found = paired({"auc": auc(y, p)}, {"auc": auc(y, p)}, 300, 50, np.random.default_rng(0))["auc"]
    assert (found.value, found.lo, found.hi) == (0.0, 0.0, 0.0)
    assert found.is_zero_possible


def test_the_floor_is_what_a_calibrated_model_shows():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 4, 3000)
    floor = ece_floor(p, np.random.default_rng(1))
    seen = [value_of(ece(rng.random(3000) < p, p), 3000) for _ in range(200)]
    assert floor.value == pytest.approx(np.mean(seen), rel=0.08)
    assert floor.lo < np.median(seen) < floor.hi
    assert ece_floor(rng.beta(1, 4, 300), rng).value > floor.value


def test_the_cost_curve_is_the_mean_of_the_costs():
    y, p = drawn(800, seed=10, levels=30)
    thresholds = np.array([0.0, 0.1, 0.1333, 0.5, 1.0, 1.1])
    expected = [costs(y, p, t, false_alarm=3.0, miss=40.0).mean() for t in thresholds]
    assert cost_curve(y, p, thresholds, false_alarm=3.0, miss=40.0) == pytest.approx(expected, rel=1e-12)


def test_hits_in_top_counts_the_likeliest_classes():
    p = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2]])
    y = np.array([0, 0, 1])
    assert hits_in_top(y, p).tolist() == [1.0, 0.0, 0.0]
    assert hits_in_top(y, p, 2).tolist() == [1.0, 0.0, 1.0]


def test_a_resample_with_one_class_has_no_auc_and_no_warning():
    assert np.isnan(auc(np.array([0, 1]), np.array([0.1, 0.9]))(np.array([[2.0, 0.0]]))).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: auc(np.array([0, 1]), np.array([0.1])),
        lambda: auc(np.array([0, 1]), np.array([0.1, np.nan])),
        lambda: list(resamples(0, 5, np.random.default_rng(0))),
        lambda: list(resamples(2, 5, np.random.default_rng(0), strata=np.ones(2), group=np.ones(2))),
        lambda: paired({"a": mean_of(np.ones(2))}, {}, 2, 5, np.random.default_rng(0)),
    ],
)
def test_misuse_is_refused(call):
    with pytest.raises(BadInputError):
        call()


def test_two_hundred_resamples_of_41_thousand_rows_take_seconds():
    y, p = drawn(41_000, seed=13)
    before = time.process_time()
    metrics = {
        "auc": auc(y, p),
        "ap": average_precision(y, p),
        "ece": ece(y, p),
        "brier": mean_of(squared_errors(y, p)),
    }
    found = estimate(metrics, 41_000, 200, np.random.default_rng(0), strata=y)
    assert time.process_time() - before < 8.0
    assert found["auc"].lo < roc_auc_score(y, p) < found["auc"].hi
