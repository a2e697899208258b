"""Heads on the vector of a text, as plain arrays: one linear, one with a hidden layer.

Sums are numpy's own (``einsum``), not BLAS, whose order, and so whose last bits, depend on the number of threads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from growthbench.base.errors import ArtifactError
from growthbench.learning.calibration import Calibration
from growthbench.learning.folder import array_from_bytes, array_to_bytes


@dataclass(frozen=True)
class VectorHead:
    """Layers from a vector of d numbers to the margins of k classes, and the temperature of those margins.

    Attributes
    ----------
    name : str
    weights : tuple of ndarray of float32
        Of each layer, shape (outputs, inputs); between two layers stands max(x, 0).
    biases : tuple of ndarray of float64
    calibration : Calibration
        Fitted on validation texts.
    """

    name: str
    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    calibration: Calibration

    def __post_init__(self):
        sizes = [w.shape for w in self.weights]
        fits = all(w.ndim == 2 and b.shape == w.shape[:1] for w, b in zip(self.weights, self.biases, strict=True))
        if not sizes or not fits or any(a[0] != b[1] for a, b in pairwise(sizes)):
            raise ArtifactError(f"the layers of head {self.name!r} do not fit each other: {sizes}")

    def margins(self, vector: np.ndarray) -> np.ndarray:
        """Margins of one vector (d,), before calibration: float64, shape (k,)."""
        x = vector.astype(np.float64)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            x = np.einsum("ij,j->i", weight, np.maximum(x, 0.0) if i else x) + bias
        return x

    def margins_of(self, vectors: np.ndarray) -> np.ndarray:
        """Margins of many vectors (n, d) at once, for training: BLAS, so equal to `margins` but for the last bits."""
        x = vectors
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            x = (np.maximum(x, 0.0) if i else x) @ weight.T + bias
        return x.astype(np.float64)

    def files(self) -> dict[str, bytes]:
        """Arrays by name of file."""
        made = {}
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            made[f"{self.name}_weight_{i}.npy"] = array_to_bytes(weight.astype(np.float32))
            made[f"{self.name}_bias_{i}.npy"] = array_to_bytes(bias.astype(np.float64))
        return made

    def to_json(self) -> dict:
        """What `read` needs beside the arrays."""
        return {"name": self.name, "layers": len(self.weights), "calibration": self.calibration.to_json()}

    @classmethod
    def read(cls, data: Mapping, files: Mapping[str, bytes]) -> "VectorHead":
        """The inverse of `to_json` and `files`."""
        try:
            name, layers, calibration = data["name"], range(int(data["layers"])), data["calibration"]
        except (KeyError, TypeError, ValueError) as exc:
            raise ArtifactError(f"the description of a head cannot be read: {exc!r}") from exc
        weights = tuple(array_from_bytes(files, f"{name}_weight_{i}.npy") for i in layers)
        biases = tuple(array_from_bytes(files, f"{name}_bias_{i}.npy") for i in layers)
        return cls(name, weights, biases, Calibration.from_json(calibration))
