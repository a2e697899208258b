"""Calibration in log-odds: from a model's margins to probabilities that can be taken at their word.

Binary: Platt ``z = a m + b`` (Platt 1999) or beta ``z = c + a ln p - b ln(1 - p)`` with ``p = sigmoid(m)`` (Kull,
Silva Filho & Flach 2017, eq. 2), both monotone (a, b >= 0). Several classes: one temperature ``z = s m`` (Guo et al.
2017), or the same with a bias for each class. Applied here; fitted in `growthbench.learning.calibration_fit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.learning import portable

Method = Literal["identity", "platt", "beta", "temperature", "temperature_bias"]
_SIZES = {"identity": 0, "platt": 2, "beta": 3, "temperature": 1}


@dataclass(frozen=True)
class Calibration:
    """One fitted calibration.

    Attributes
    ----------
    method : str
    parameters : tuple of float
        platt: a, b. beta: a, b, c. temperature: s. temperature_bias: s and one bias a class.

    Examples
    --------
    >>> Calibration("platt", (0.5, 1.0)).log_odds(np.array([[2.0]])).tolist()
    [[2.0]]
    """

    method: Method = "identity"
    parameters: tuple[float, ...] = ()

    def __post_init__(self):
        size = _SIZES.get(self.method, max(len(self.parameters), 3))
        if self.method not in (*_SIZES, "temperature_bias") or len(self.parameters) != size:
            raise BadInputError(f"no calibration {self.method!r} with {len(self.parameters)} parameters", "method")
        slopes = self.parameters[: {"platt": 1, "beta": 2}.get(self.method, 1)]
        if any(not slope >= 0.0 for slope in slopes):
            raise BadInputError(f"{self.method} with slopes {slopes} is not monotone", field="parameters")

    def log_odds(self, margins: np.ndarray) -> np.ndarray:
        """Calibrated log-odds (binary, k = 1) or logits of margins [n, k]; float64, same shape."""
        p = self.parameters
        if self.method == "identity":
            return margins
        if self.method == "platt":
            return p[0] * margins + p[1]
        if self.method == "beta":
            return (p[1] * portable.softplus(margins) - p[0] * portable.softplus(-margins)) + p[2]
        return p[0] * margins + np.array(p[1:] or 0.0)

    def probabilities(self, margins: np.ndarray) -> np.ndarray:
        """Calibrated probabilities: of ``yes``, shape (n,), for margins (n, 1); of each class, (n, k), else."""
        return probabilities(self.log_odds(margins))

    def to_json(self) -> dict:
        """The calibration as plain data."""
        return {"method": self.method, "parameters": list(self.parameters)}

    @classmethod
    def from_json(cls, data: Mapping) -> "Calibration":
        """The inverse of `to_json`."""
        try:
            return cls(data["method"], tuple(float(p) for p in data["parameters"]))
        except (KeyError, TypeError, ValueError) as exc:
            raise ArtifactError(f"the calibration cannot be read: {exc!r}") from exc


def probabilities(log_odds: np.ndarray) -> np.ndarray:
    """Probability of ``yes``, shape (n,), of log-odds (n, 1); softmax of logits (n, k)."""
    if log_odds.shape[1] == 1:
        return portable.sigmoid(np.ascontiguousarray(log_odds[:, 0]))
    return portable.softmax(log_odds)
