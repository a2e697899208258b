"""What will come of a state: probability of each label, given latent type and hidden state at the moment.

The hidden state stays until the week ends and then moves by ``step``, so every probability here is computed backwards
over the pieces of the window that lie in one week each, with the first piece shorter. All arrays have shape
(rows, types, states).
"""

from itertools import pairwise

import numpy as np

from growthbench.worlds.laws import WEEK_DAYS, Latency, Rhythm
from growthbench.worlds.posterior import week_of
from growthbench.worlds.spec import Phase


def survival(phase: Phase, rate: np.ndarray, anchor, moment, window_days: float, rhythm: Rhythm) -> np.ndarray:
    """P(no event of intensity ``rate[z, s] r(t)`` in [moment, moment + window) | z, s at the moment).

    Backwards over pieces: ``f = exp(-rate * integral of r) * (step f_next)``, with f = 1 after the window.
    """
    pieces = _pieces(anchor, moment, moment + window_days)
    value = np.ones((len(moment), *phase.start.shape))
    for low, high in reversed(pieces):
        passed = rhythm.integral(high) - rhythm.integral(low)
        value = np.exp(-rate * passed[:, None, None]) * _moved(phase, value)
    return value


def win_unopened(phase: Phase, win: np.ndarray, latency: Latency, anchor, awake, asleep, moment, until) -> np.ndarray:
    """P(a deal is opened in [moment, until) and won before ``until`` | z, s, none opened before).

    In a piece [b, e) with hazard a, and X = until - shift - b, d = min(e, until - shift) - b, L the mean latency:
    ``win * (1 - exp(-a d) - a exp(-X / L) (1 - exp(-(a - 1/L) d)) / (a - 1/L)) + exp(-a (e - b)) (step f_next)``;
    the hazard works from ``awake`` to ``asleep`` only.
    """
    value = np.zeros((len(moment), *phase.start.shape))
    for low, high in reversed(_pieces(anchor, moment, until)):
        opens = np.clip(low, awake, asleep)
        closes = np.maximum(opens, np.minimum(high, asleep))
        a, mean = phase.hazard, latency.mean_days
        left = (until - latency.shift_days - opens)[:, None, None]
        d = np.clip(np.minimum(closes, until - latency.shift_days) - opens, 0.0, None)[:, None, None]
        rate = np.where(np.abs(a - 1 / mean) < 1e-9, 1e-9, a - 1 / mean)
        late = a * np.exp(-np.maximum(left, 0.0) / mean) * -np.expm1(-rate * d) / rate
        here = win[:, None] * (-np.expm1(-a * d) - late)
        value = here + np.exp(-a * (closes - opens)[:, None, None]) * _moved(phase, value)
    return value


def win_opened(win: np.ndarray, latency: Latency, opened: np.ndarray, moment: np.ndarray, until) -> np.ndarray:
    """P(won before ``until`` | z, a deal opened at ``opened`` and still open at the moment), shape (rows, types)."""
    now, then = latency.reached(moment - opened), latency.reached(until - opened)
    return ((then - now) / np.maximum(1 - now, 1e-300))[:, None] * win


def _moved(phase: Phase, value: np.ndarray) -> np.ndarray:
    return np.einsum("zst,rzt->rzs", phase.step, value)


def _pieces(anchor: np.ndarray, moment: np.ndarray, until: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """[low, high) of each week that [moment, until) touches, the first and the last cut; empty ones at the end.

    The state moves between pieces; where a piece is empty the value behind it is constant, so that moving is harmless.
    """
    first = anchor + WEEK_DAYS * week_of(moment, anchor)
    count = int(np.ceil(np.max(until - first, initial=0.0) / WEEK_DAYS)) + 1
    edges = [first + WEEK_DAYS * k for k in range(count + 1)]
    return [(np.clip(a, moment, until), np.clip(b, moment, until)) for a, b in pairwise(edges)]
