"""Bring scores of different kinds together: z-scores over all of them, weights, neighbours."""

import numpy as np

DENSE_WEIGHT = 0.7
"""Of the vectors' z-score; words have the rest. The best weight is .65 to .70 on every collection tried."""
SMOOTH_SHARE = 0.25
SMOOTH_NEIGHBOURS = 5
SMOOTH_DEPTH = 100
_ROWS = 4  # of a product with a hundred others: small enough for one thread of BLAS


def z_scores(scores: np.ndarray) -> np.ndarray:
    """Scores minus their mean over their spread, over ALL texts that the caller may see; zeros if all are equal.

    >>> z_scores(np.array([1.0, 3.0])).tolist()
    [-1.0, 1.0]
    """
    if not len(scores):
        return scores
    centred = scores - scores.mean()
    spread = np.sqrt(np.vecdot(centred, centred) / len(centred))
    return centred / spread if spread > 1e-9 else np.zeros_like(centred)


def fused(words: np.ndarray, dense: np.ndarray, weight: float = DENSE_WEIGHT) -> np.ndarray:
    """Weighted sum of the z-scores of words and vectors, shape (n,)."""
    return weight * z_scores(dense) + (1 - weight) * z_scores(words)


def smoothed(
    scores: np.ndarray,
    vectors: np.ndarray,
    share: float = SMOOTH_SHARE,
    neighbours: int = SMOOTH_NEIGHBOURS,
    depth: int = SMOOTH_DEPTH,
) -> np.ndarray:
    """Scores of the best, each drawn towards the mean of its nearest among them: what stands among good ones rises.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    vectors : ndarray, shape (n, dims)
        Of unit length.
    share : float, default .25
        Part that the neighbours decide.
    neighbours, depth : int
        So many neighbours of each of the so many best texts; the others keep their order, below all of these.
    """
    top = best(scores, depth)
    if share <= 0 or len(top) < 3:
        return scores
    picked = vectors[top]
    near = _cosines(picked)
    np.fill_diagonal(near, -1.0)
    count = min(neighbours, len(top) - 1)
    nearest = np.argpartition(-near, count - 1, axis=1)[:, :count]
    weights = np.maximum(np.take_along_axis(near, nearest, axis=1), 1e-9)
    means = (weights * scores[top][nearest]).sum(axis=1) / weights.sum(axis=1)
    moved = scores.copy()
    moved[top] = (1 - share) * scores[top] + share * means
    rest = np.ones(len(scores), bool)
    rest[top] = False
    if rest.any():
        moved[rest] -= max(0.0, float(moved[rest].max() - moved[top].min()))
    return moved


def _cosines(vectors: np.ndarray) -> np.ndarray:
    """All against all, a few rows at a time: see `dense`."""
    return np.concatenate([vectors[at : at + _ROWS] @ vectors.T for at in range(0, len(vectors), _ROWS)])


def best(scores: np.ndarray, k: int) -> np.ndarray:
    """Indices of the k highest scores, highest first; equal ones in their order.

    >>> best(np.array([0.1, 0.9, 0.9, 0.5]), 3).tolist()
    [1, 2, 3]
    """
    if k >= len(scores):
        return np.argsort(-scores, kind="stable")
    edge = np.partition(scores, len(scores) - k)[len(scores) - k]  # ties at the edge are all looked at
    near = np.flatnonzero(scores >= edge)
    return near[np.argsort(-scores[near], kind="stable")][:k]
