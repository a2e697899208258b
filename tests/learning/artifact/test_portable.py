"""Portable functions are right to the last bits, and arrays equal single floats bit for bit."""

import math
from decimal import Context, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.learning import portable

EXACT = Context(prec=120)  # enough that 1 + 1e-60 keeps 60 digits of its own
values = st.floats(-700, 700, allow_nan=False)


def relative_error(found, exact):
    """How far a float is from a decimal number, as a share of it."""
    return abs(EXACT.divide(EXACT.subtract(Decimal(found), exact), exact)) if exact else abs(Decimal(found))


@given(values)
def test_exp_is_right(x):
    assert relative_error(portable.exp(x), EXACT.exp(Decimal(x))) < Decimal("4.5e-16")


@given(st.floats(1e-60, 1) | st.just(0.0))
def test_log1p_is_right(t):
    assert relative_error(portable.log1p(t), EXACT.ln(EXACT.add(1, Decimal(t)))) < Decimal("6e-16")


@given(st.floats(1e-300, 1e300))
def test_log_is_right(n):
    assert portable.log(n) == pytest.approx(math.log(n), rel=1e-15, abs=1e-15)


@given(values)
def test_sigmoid_and_softplus_are_right(x):
    assert portable.sigmoid(x) == pytest.approx(1 / (1 + math.exp(-x)), rel=2e-15)
    assert portable.softplus(x) == pytest.approx(np.logaddexp(0.0, x), rel=2e-15)


@pytest.mark.parametrize("function", [portable.exp, portable.sigmoid, portable.softplus], ids=lambda f: f.__name__)
def test_arrays_equal_single_floats_bit_for_bit(function):
    x = np.concatenate([np.random.default_rng(0).normal(0, 30, 5000), [0.0, -0.0, 700.0, -700.0, 1e4, -1e4]])
    assert function(x).tolist() == [function(v) for v in x.tolist()]
    assert function(x[::3]).tolist() == function(x)[::3].tolist()


def test_softmax_sums_to_one_and_equals_scipy():
    from scipy.special import logsumexp, softmax

    z = np.random.default_rng(1).normal(0, 8, (200, 150))
    assert portable.softmax(z).sum(1) == pytest.approx(np.ones(200), abs=1e-14)
    assert portable.softmax(z) == pytest.approx(softmax(z, axis=1), rel=1e-13)
    assert portable.logsumexp(z) == pytest.approx(logsumexp(z, axis=1), rel=1e-14)
    assert (portable.softmax(z)[:1] == portable.softmax(z[:1])).all()
