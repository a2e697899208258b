"""Exponentials and logarithms that give the same bits on every machine.

``numpy.exp`` and the C library choose their code by the processor, and their last bit differs between machines; a
golden row checked bit for bit would then be refused after a move. Here only ``+ - * /`` and powers of two are used,
which IEEE 754 fixes to the last bit, for arrays and for single floats alike. Relative error below 6e-16.
"""

import math
from collections.abc import Callable

import numpy as np

Number = float | np.ndarray
_FEW = 8  # so few values are faster as single floats; the bits are the same

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # fdlibm's split: k * HIGH is exact
_LOG2_E = 1.4426950408889634
_EXP_TERMS = tuple(1.0 / math.factorial(n) for n in range(14, -1, -1))
_ATANH_TERMS = tuple(1.0 / (2 * n + 1) for n in range(18, -1, -1))


def exp(x: Number) -> Number:
    """e to the x, for x in [-700, 700] (values beyond are taken as the end).

    >>> round(exp(1.0), 14), exp(np.array([0.0, 1.0])).tolist()[1] == exp(1.0)
    (2.71828182845905, True)
    """
    if isinstance(x, np.ndarray):
        if x.size <= _FEW:
            return _each(exp, x)
        x = np.clip(x, -700.0, 700.0)
        k = np.rint(x * _LOG2_E)
        return np.ldexp(_horner(_EXP_TERMS, (x - k * _LN2_HIGH) - k * _LN2_LOW), k.astype(np.int32))
    x = min(max(x, -700.0), 700.0)
    k = round(x * _LOG2_E)
    return math.ldexp(_horner(_EXP_TERMS, (x - k * _LN2_HIGH) - k * _LN2_LOW), k)


def log1p(t: Number) -> Number:
    """log(1 + t) for t in [0, 1], by 2 atanh(t / (2 + t)).

    >>> round(log1p(1.0), 14)
    0.69314718055995
    """
    s = t / (2.0 + t)
    return 2.0 * s * _horner(_ATANH_TERMS, s * s)


def log(n: float) -> float:
    """Natural logarithm of one positive float."""
    mantissa, exponent = math.frexp(n)
    exponent -= 1
    return exponent * _LN2_HIGH + (exponent * _LN2_LOW + log1p(2.0 * mantissa - 1.0))


def sigmoid(x: Number) -> Number:
    """1 / (1 + e^-x), never exactly 0 or 1 for |x| <= 36."""
    if isinstance(x, np.ndarray):
        if x.size <= _FEW:
            return _each(sigmoid, x)
        e = exp(-np.abs(x))
        return np.where(x >= 0.0, 1.0, e) / (1.0 + e)
    e = exp(-abs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


def softplus(x: Number) -> Number:
    """log(1 + e^x) = -log(sigmoid(-x))."""
    if isinstance(x, np.ndarray):
        if x.size <= _FEW:
            return _each(softplus, x)
        return np.maximum(x, 0.0) + log1p(exp(-np.abs(x)))
    return max(x, 0.0) + log1p(exp(-abs(x)))


def softmax(z: np.ndarray) -> np.ndarray:
    """Probabilities of each row of ``z`` [n, k]; sums are exactly rounded, so neither order nor batch matters."""
    e = exp(z - z.max(axis=1, keepdims=True))
    return e / row_sums(e)[:, None]


def logsumexp(z: np.ndarray) -> np.ndarray:
    """log of the sum of e^z over each row of ``z`` [n, k]."""
    top = z.max(axis=1)
    return top + np.array([log(total) for total in row_sums(exp(z - top[:, None])).tolist()])


def row_sums(values: np.ndarray) -> np.ndarray:
    """Exactly rounded sum of each row of ``values`` [n, k]."""
    return np.array([math.fsum(row) for row in values.tolist()], np.float64)


def _each(function: Callable[[float], float], x: np.ndarray) -> np.ndarray:
    return np.array([function(v) for v in x.ravel().tolist()], np.float64).reshape(x.shape)


def _horner(terms: tuple[float, ...], x: Number) -> Number:
    total = terms[0]
    for term in terms[1:]:
        total = total * x + term
    return total
