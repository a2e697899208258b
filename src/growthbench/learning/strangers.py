"""How well a text is known: the sum of three z-scores, none of them fitted to a text out of scope.

1. Relative Mahalanobis distance to the nearest intent (Ren, Fort, Liu, Roy, Padhy & Lakshminarayanan, "A simple fix to
   Mahalanobis distance", 2021, eq. 2, sign turned): near an intent, compared with how near to all texts at once.
2. The highest margin of the head on words: catches near misses that mean nearly the same.
3. Mean similarity to the five nearest training texts (after Sun, Ming, Zhu & Li, ICML 2022).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from growthbench.base.errors import ArtifactError
from growthbench.learning.folder import array_from_bytes, array_to_bytes, from_bytes, to_bytes

NEAREST = 5
_RIDGE = 0.01  # of the mean variance, on every axis: texts of few intents leave some axes empty
_ARRAYS = ("within", "centres", "around", "middle", "known")


@dataclass(frozen=True)
class Strangers:
    """What is known of the training texts, and the least score a text must have.

    Attributes
    ----------
    within : ndarray of float32, shape (d, d)
        Whitens by the covariance within intents.
    centres : ndarray of float32, shape (k, d)
        Mean of each intent, whitened by it.
    around, middle : ndarray of float32, shapes (d, d) and (d,)
        The same for all texts together.
    known : ndarray of float16, shape (n, d)
        Vectors of the training texts; the texts themselves are not kept.
    mean, spread : tuple of float
        Of the three parts on validation texts in scope.
    least : float
        Texts below it are refused.
    """

    within: np.ndarray
    centres: np.ndarray
    around: np.ndarray
    middle: np.ndarray
    known: np.ndarray
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    spread: tuple[float, ...] = (1.0, 1.0, 1.0)
    least: float = -np.inf

    def __post_init__(self):
        size = self.within.shape[-1]
        fits = {self.within.shape[0], self.centres.shape[-1], *self.around.shape, *self.middle.shape}
        if fits != {size} or self.known.ndim != 2 or self.known.shape[1] != size or len(self.mean) != 3:
            raise ArtifactError("the arrays of the out-of-scope score do not fit each other")
        object.__setattr__(self, "_known", self.known.astype(np.float32))

    def parts(self, vector: np.ndarray, top: float) -> tuple[float, float, float]:
        """The three parts of one text: its vector (d,) and its highest margin on words."""
        white = np.einsum("ij,j->i", self.within, vector) - self.centres
        plain = np.einsum("ij,j->i", self.around, vector) - self.middle
        distance = np.einsum("ij,ij->i", white, white).min() - np.einsum("i,i->", plain, plain)
        likeness = np.einsum("ij,j->i", self._known, vector.astype(np.float32))
        few = min(NEAREST, len(likeness))
        return -float(distance), float(top), float(np.sort(np.partition(likeness, -few)[-few:]).mean())

    def parts_of(self, vectors: np.ndarray, tops: np.ndarray) -> np.ndarray:
        """`parts` of many texts at once, for training: shape (n, 3); equal but for the last bits."""
        white = vectors @ self.within.T
        squares = (white**2).sum(axis=1)[:, None] - 2.0 * white @ self.centres.T + (self.centres**2).sum(axis=1)
        distance = squares.min(axis=1) - ((vectors @ self.around.T - self.middle) ** 2).sum(axis=1)
        likeness = vectors @ self._known.T
        few = min(NEAREST, likeness.shape[1])
        return np.stack([-distance, tops, np.partition(likeness, -few, axis=1)[:, -few:].mean(axis=1)], axis=1)

    def score(self, parts: tuple[float, float, float]) -> float:
        """Sum of the z-scores of the parts: high for a text like those learned from."""
        return sum((part - mean) / spread for part, mean, spread in zip(parts, self.mean, self.spread))

    def files(self) -> dict[str, bytes]:
        """Arrays and numbers by name of file."""
        numbers = {"mean": list(self.mean), "spread": list(self.spread), "least": float(self.least).hex()}
        arrays = {f"strangers_{name}.npy": array_to_bytes(getattr(self, name)) for name in _ARRAYS}
        return arrays | {"strangers.json": to_bytes(numbers)}

    @classmethod
    def read(cls, files: Mapping[str, bytes]) -> "Strangers":
        """The inverse of `files`."""
        told = from_bytes(files, "strangers.json")
        try:
            numbers = (tuple(told["mean"]), tuple(told["spread"]), float.fromhex(told["least"]))
        except (KeyError, TypeError, ValueError) as exc:
            raise ArtifactError(f"strangers.json cannot be read: {exc!r}") from exc
        return cls(*(array_from_bytes(files, f"strangers_{name}.npy") for name in _ARRAYS), *numbers)


def fit_strangers(vectors: np.ndarray, y: np.ndarray) -> Strangers:
    """Learn the training texts: their vectors (n, d) and class numbers; `settled` is to follow."""
    x = vectors.astype(np.float64)
    centres = np.stack([x[y == k].mean(axis=0) for k in range(int(y.max()) + 1)])
    within, around = _whitening(x - centres[y]), _whitening(x - x.mean(axis=0))
    return Strangers(
        within.astype(np.float32),
        (centres @ within.T).astype(np.float32),
        around.astype(np.float32),
        (around @ x.mean(axis=0)).astype(np.float32),
        vectors.astype(np.float16),
    )


def settled(strangers: Strangers, vectors: np.ndarray, tops: np.ndarray, refused: float) -> Strangers:
    """Scale the parts, and set the threshold, on validation texts in scope, of which at most ``refused`` fall below."""
    from dataclasses import replace

    parts = strangers.parts_of(vectors.astype(np.float64), tops)
    spread = tuple(s or 1.0 for s in parts.std(axis=0).tolist())
    scaled = replace(strangers, mean=tuple(parts.mean(axis=0).tolist()), spread=spread)
    scores = [scaled.score(tuple(p)) for p in parts.tolist()]
    return replace(scaled, least=float(np.quantile(scores, refused, method="lower")))


def _whitening(residuals: np.ndarray) -> np.ndarray:
    covariance = residuals.T @ residuals / len(residuals)
    size = len(covariance)
    covariance += _RIDGE * (np.trace(covariance) / size) * np.eye(size)
    return np.linalg.inv(np.linalg.cholesky(covariance))
