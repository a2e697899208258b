"""Look at the best few again, word by word: late interaction on contextual token vectors."""

from collections.abc import Sequence

import numpy as np


def max_sim(similar: np.ndarray) -> float:
    """Mean over the question's tokens of the nearest token's similarity; 0 where there is none.

    Khattab and Zaharia 2020 (ColBERT), equation (3), divided by the number of tokens.

    Parameters
    ----------
    similar : ndarray, shape (question tokens, text tokens)
        Cosines.
    """
    return float(similar.max(axis=1).mean()) if similar.size else 0.0


def order(scores: Sequence[float], similar: Sequence[float], share: float = 0.5) -> list[int]:
    """Places by the mean of both, each as a z-score over the few that are compared."""
    from growthbench.knowledge.fusion import fused

    mixed = fused(np.asarray(scores, float), np.asarray(similar, float), share)
    return np.argsort(-mixed, kind="stable").tolist()
