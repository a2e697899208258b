"""Variety in what is shown: maximal marginal relevance. It is not for ranking: it lowers nDCG by design."""

import numpy as np

FETCH = 50
RELEVANCE = 0.7


def varied(scores: np.ndarray, vectors: np.ndarray, k: int, relevance: float = RELEVANCE) -> list[int]:
    """Indices of k texts, each the best compromise of its score and of being unlike those already taken.

    Carbonell and Goldstein 1998, equation (1), with scores brought to 0..1.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    vectors : ndarray, shape (n, dims)
        Of unit length.
    k : int
    relevance : float, default .7
        1 is the order of the scores, 0 looks at variety only.
    """
    span = float(np.ptp(scores)) if len(scores) else 0.0
    worth = (scores - scores.min()) / span if span > 0 else np.zeros(len(scores))
    near = np.einsum("id,jd->ij", vectors, vectors)
    taken: list[int] = []
    likeness = np.zeros(len(scores))
    left = np.ones(len(scores), bool)
    for _ in range(min(k, len(scores))):
        value = np.where(left, relevance * worth - (1 - relevance) * likeness, -np.inf)
        taken.append(int(value.argmax()))
        left[taken[-1]] = False
        likeness = np.maximum(likeness, near[taken[-1]])
    return taken
