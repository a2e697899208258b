"""Fits equal an independent optimiser's, stay monotone, and calibrate what was not."""

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.base.statistics import ece, ece_floor, log_losses, value_of
from growthbench.learning.calibration import Calibration
from growthbench.learning.calibration_fit import fit_beta, fit_calibration, fit_platt, fit_temperature

RNG = np.random.default_rng


def binary(n=4000, seed=0, distort=lambda z: 2.5 * z - 1.0):
    """Margins that are off by ``distort``, and labels."""
    rng = RNG(seed)
    z = rng.normal(-1, 1.5, n)
    return distort(z)[:, None], (rng.random(n) < expit(z)).astype(int)


def smoothed(y):
    return np.where(y == 1, (y.sum() + 1) / (y.sum() + 2), 1 / ((1 - y).sum() + 2))


def cross_entropy(z, t):
    return (np.logaddexp(0, z) - t * z).mean()


def test_platt_equals_another_optimiser():
    m, y = binary()
    found = fit_platt(m, y).parameters
    exact = minimize(lambda w: cross_entropy(w[0] * m[:, 0] + w[1], smoothed(y)), (1, 0), tol=1e-12).x
    assert found == pytest.approx(exact, abs=1e-4)
    assert found == pytest.approx((0.4, 0.4), abs=0.06)  # the distortion undone


def test_beta_equals_another_optimiser():
    m, y = binary(distort=lambda z: np.where(z > 0, 3 * z, 0.7 * z))
    found = fit_beta(m, y).parameters
    lo, hi = np.log(expit(m[:, 0])), -np.log(expit(-m[:, 0]))
    exact = minimize(lambda w: cross_entropy(w[0] * lo + w[1] * hi + w[2], smoothed(y)), (1, 1, 0), tol=1e-12).x
    assert found == pytest.approx(exact, abs=1e-3)


def test_temperature_equals_another_optimiser():
    rng = RNG(1)
    z = rng.normal(0, 2, (3000, 6))
    y = np.array([rng.choice(6, p=p) for p in softmax(z, axis=1)])
    m = z * 4
    found = fit_temperature(m, y).parameters[0]
    exact = minimize_scalar(
        lambda s: -log_softmax(s * m, axis=1)[np.arange(3000), y].mean(), bounds=(0.01, 5), method="bounded"
    ).x
    assert found == pytest.approx(exact, abs=1e-4)
    assert found == pytest.approx(0.25, abs=0.02)


def test_biases_mend_a_shifted_class():
    rng = RNG(2)
    z = rng.normal(0, 2, (4000, 4))
    y = np.array([rng.choice(4, p=p) for p in softmax(z, axis=1)])
    m = z + np.array([2.0, 0, 0, -2.0])
    plain, mended = (fit_calibration(m, y, RNG(0), method) for method in ("temperature", "temperature_bias"))
    gain = log_losses(y, plain.probabilities(m)).mean() - log_losses(y, mended.probabilities(m)).mean()
    assert gain > 0.1
    assert np.diff(mended.parameters[1:]) == pytest.approx([2, 0, 2], abs=0.3)
    assert fit_calibration(m, y, RNG(0)).method == "temperature_bias"


def test_the_simple_method_is_kept_when_the_other_is_no_better():
    m, y = binary()
    assert fit_calibration(m, y, RNG(0)).method == "platt"


def test_beta_is_chosen_where_both_ends_are_off_differently():
    m, y = binary(n=20_000, distort=lambda z: np.where(z > 0, 6 * z, 0.5 * z))
    assert fit_calibration(m, y, RNG(0)).method == "beta"


def test_a_distorted_model_becomes_calibrated_on_fresh_rows():
    m, y = binary(seed=1)
    fresh_m, fresh_y = binary(n=20_000, seed=2)
    p = fit_calibration(m, y, RNG(0)).probabilities(fresh_m)
    assert value_of(ece(fresh_y, expit(fresh_m[:, 0])), 20_000) > 0.1
    assert value_of(ece(fresh_y, p), 20_000) < 0.01 + ece_floor(p, RNG(0)).value


@pytest.mark.parametrize("method", ["platt", "beta"])
@pytest.mark.parametrize("sign", [1, -1], ids=["right", "reversed"])
def test_a_higher_margin_never_gets_a_lower_probability(method, sign):
    m, y = binary(n=500)
    fitted = fit_calibration(sign * m, y, RNG(0), method)
    p = fitted.probabilities(np.linspace(-20, 20, 2001)[:, None])
    assert (np.diff(p) >= 0).all()
    assert ((p > 0) & (p < 1)).all()


@pytest.mark.parametrize("method", ["platt", "beta"])
def test_classes_that_do_not_overlap_still_give_finite_answers(method):
    m = np.r_[np.full(50, -3.0), np.full(50, 3.0)][:, None]
    p = fit_calibration(m, np.repeat([0, 1], 50), RNG(0), method).probabilities(np.array([[-3.0], [3.0]]))
    assert p == pytest.approx([1 / 52, 51 / 52], abs=1e-3)


def test_beta_with_equal_slopes_is_platt():
    m = np.linspace(-9, 9, 101)[:, None]
    beta, platt = Calibration("beta", (0.7, 0.7, 0.2)), Calibration("platt", (0.7, 0.2))
    assert beta.log_odds(m) == pytest.approx(platt.log_odds(m), abs=1e-12)
    assert logit(beta.probabilities(m)) == pytest.approx(beta.log_odds(m)[:, 0], abs=1e-10)


def test_json_round_trip_and_refusals():
    made = Calibration("beta", (0.1 + 0.2, 1 / 3, -7e-5))
    assert Calibration.from_json(made.to_json()) == made
    for method, parameters in [("platt", (-1.0, 0.0)), ("platt", (1.0,)), ("isotonic", ()), ("beta", (1, -1, 0))]:
        with pytest.raises(BadInputError):
            Calibration(method, parameters)
        with pytest.raises(ArtifactError):
            Calibration.from_json({"method": method, "parameters": parameters})
    with pytest.raises(BadInputError):
        fit_calibration(np.zeros((4, 1)), np.array([0, 1, 0, 1]), RNG(0), "temperature")
    with pytest.raises(BadInputError):
        fit_calibration(np.zeros((4, 1)), np.zeros(4, int), RNG(0))
