"""From a calibrated probability to a decision: the class, the band, whether a person should look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError


@dataclass(frozen=True)
class Thresholds:
    """Cuts on the calibrated probability of ``yes`` (binary), or on the confidence (several classes).

    Attributes
    ----------
    decision : float
        At or above it the label is ``yes``.
    bands : tuple of str
        Names of the bands, lowest first; empty for none.
    cuts : tuple of float
        Where each band but the lowest begins; ascending. A probability on a cut belongs to the upper band.
    confidence : float
        Answers less sure than this go to a person; 0 asks for none.

    Examples
    --------
    >>> Thresholds(bands=("low", "high"), cuts=(0.4,)).band(np.array([0.39, 0.4]))
    ['low', 'high']
    """

    decision: float = 0.5
    bands: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    confidence: float = 0.0

    def __post_init__(self):
        if len(self.cuts) != max(len(self.bands) - 1, 0):
            raise BadInputError(f"{len(self.bands)} bands need {len(self.bands) - 1} cuts, found {self.cuts}", "cuts")
        if any(a >= b for a, b in zip((0.0, *self.cuts), (*self.cuts, 1.0))):
            raise BadInputError(f"cuts must ascend within (0, 1), found {self.cuts}", field="cuts")

    def band(self, score: np.ndarray) -> list[str] | None:
        """Band of each probability; None without bands."""
        if not self.bands:
            return None
        return [self.bands[i] for i in np.searchsorted(self.cuts, score, side="right").tolist()]

    def label(self, score: np.ndarray, classes: Sequence[str]) -> list[str]:
        """``yes`` where the probability reaches the decision."""
        return [classes[i] for i in (score >= self.decision).astype(int).tolist()]

    def to_json(self) -> dict:
        """The thresholds as plain data."""
        return {
            "decision": self.decision,
            "bands": [{"name": n, "from": c} for n, c in zip(self.bands, (0.0, *self.cuts))],
            "confidence": self.confidence,
        }

    @classmethod
    def from_json(cls, data: Mapping) -> "Thresholds":
        """The inverse of `to_json`."""
        try:
            bands = data["bands"]
            names, cuts = tuple(b["name"] for b in bands), tuple(b["from"] for b in bands[1:])
            return cls(data["decision"], names, cuts, data["confidence"])
        except (KeyError, TypeError, BadInputError) as exc:
            raise ArtifactError(f"the thresholds cannot be read: {exc!r}") from exc
