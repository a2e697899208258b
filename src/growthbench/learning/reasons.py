"""Why a score is what it is: contributions that sum, with the bias, to the calibrated log-odds.

A model's margin is already a sum of contributions (SHAP). Calibration is a function on top of it, so each
contribution is carried through by integrating the function's gradient along the straight line from the bias (what is
expected before anything is known) to the row's margin: the Aumann-Shapley value, also known as integrated gradients
(Sundararajan, Taly & Yan 2017, eq. 1), which keeps sums complete. For Platt this is simply the slope times the
contribution.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from growthbench.base.errors import ArtifactError
from growthbench.learning import portable
from growthbench.learning.calibration import Calibration

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_NODES, _WEIGHTS = (_NODES + 1.0) / 2.0, _WEIGHTS / 2.0
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Explanation:
    """One row explained.

    Attributes
    ----------
    label : str
        The class explained (``yes`` for a binary model).
    score : float
        Its calibrated probability.
    log_odds : float
        ``log(score / (1 - score))`` before rounding; equals ``bias`` plus all contributions.
    bias : float
        Log-odds before anything is known about the row.
    reasons : list of dict
        ``column value contribution`` (log-odds), the largest first by size.
    rest : float
        Sum of the contributions left out of ``reasons`` when only the top ones were asked for.
    """

    label: str
    score: float
    log_odds: float
    bias: float
    reasons: list[dict[str, Any]]
    rest: float = 0.0

    def top(self, n: int | None) -> "Explanation":
        """The same with at most ``n`` reasons."""
        if n is None or n >= len(self.reasons):
            return self
        rest = self.rest + sum(r["contribution"] for r in self.reasons[n:])
        return Explanation(self.label, self.score, self.log_odds, self.bias, self.reasons[:n], rest)


def attribute(
    contributions: np.ndarray, margins: np.ndarray, calibration: Calibration, target: int
) -> tuple[np.ndarray, float, float]:
    """Carry contributions of one row through its calibration.

    Parameters
    ----------
    contributions : ndarray, shape (k, m + 1)
        To each output's margin; the last column is the bias.
    margins : ndarray, shape (k,)
        The row's margins, as scored.
    calibration : Calibration
    target : int
        Class explained; for k = 1 it is ignored (the class is ``yes``).

    Returns
    -------
    carried : ndarray, shape (m,)
        Contributions to the calibrated log-odds of the target.
    bias : float
    log_odds : float
        ``bias + carried.sum()`` up to rounding.
    """
    parts, start = contributions[:, :-1], contributions[:, -1]
    if not np.allclose(parts.sum(axis=1) + start, margins, rtol=1e-4, atol=_TOLERANCE):
        raise ArtifactError("contributions do not sum to the margins: the model's parts contradict each other")
    if len(margins) == 1:
        carried, log_odds = _binary(parts[0], float(start[0]), float(margins[0]), calibration)
    else:
        carried, log_odds = _several(parts, start, margins, calibration, target)
    # The engine's float32 sums and the quadrature leave about 1e-6; it is booked to the bias, so that sums are exact.
    return carried, log_odds - float(carried.sum()), log_odds


def _binary(parts: np.ndarray, start: float, end: float, calibration: Calibration) -> tuple[np.ndarray, float]:
    z0, z1 = calibration.log_odds(np.array([[start], [end]]))[:, 0].tolist()
    if abs(end - start) > 1e-6:
        return parts * ((z1 - z0) / (end - start)), z1
    low, high = calibration.log_odds(np.array([[start - 1e-3], [start + 1e-3]]))[:, 0].tolist()
    return parts * ((high - low) / 2e-3), z1  # nothing moved: the slope where it stands


def _several(parts, start, margins, calibration, target) -> tuple[np.ndarray, float]:
    """Log-odds of one class among k: f(z) = z_c - log sum_{j != c} e^{z_j}, integrated from the bias to the margins."""
    z0, z1 = calibration.log_odds(np.stack([start, margins]))
    slope = calibration.parameters[0] if calibration.parameters else 1.0  # every method for k > 1 is affine
    path = z0 + _NODES[:, None] * (z1 - z0)
    others = np.delete(path, target, axis=1)
    gradient = np.zeros_like(path)
    gradient[:, np.arange(path.shape[1]) != target] = -portable.softmax(others)
    gradient[:, target] = 1.0
    carried = slope * ((_WEIGHTS @ gradient) @ parts)
    return carried, float(class_log_odds(z1[None], np.array([target]))[0])


def class_log_odds(logits: np.ndarray, target: np.ndarray) -> np.ndarray:
    """log(p_c / (1 - p_c)) of each row's target class, from logits (n, k) without rounding near 1."""
    n, k = logits.shape
    others = logits[np.arange(k)[None, :] != target[:, None]].reshape(n, k - 1)
    return logits[np.arange(n), target] - portable.logsumexp(others)
