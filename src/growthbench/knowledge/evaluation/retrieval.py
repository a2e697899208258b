"""How well a ranking puts what is labelled first. Binary gains; places count from 1."""

import math
from collections.abc import Sequence


def ndcg(ranked: Sequence[str], wanted: set[str], k: int = 10) -> float:
    """Normalised discounted cumulative gain at k (Järvelin & Kekäläinen 2002), gains 0 or 1.

    >>> ndcg(["a", "b"], {"a"}), round(ndcg(["b", "a"], {"a"}), 3)
    (1.0, 0.631)
    """
    gained = sum(1 / math.log2(place + 1) for place, one in enumerate(ranked[:k], 1) if one in wanted)
    best = sum(1 / math.log2(place + 1) for place in range(1, min(len(wanted), k) + 1))
    return gained / best if best else math.nan


def recall(ranked: Sequence[str], wanted: set[str], k: int = 5) -> float:
    """1 if all that is wanted is among the first k, else 0: half an answer is none.

    >>> recall(["a", "b", "c"], {"a", "c"}, 2), recall(["a", "b", "c"], {"a", "c"}, 3)
    (0.0, 1.0)
    """
    return float(wanted <= set(ranked[:k])) if wanted else math.nan


def reciprocal_rank(ranked: Sequence[str], wanted: set[str]) -> float:
    """1 over the place of the first that is wanted; 0 if none is there.

    >>> reciprocal_rank(["a", "b"], {"b"})
    0.5
    """
    if not wanted:
        return math.nan
    return next((1 / place for place, one in enumerate(ranked, 1) if one in wanted), 0.0)


def overlap(spans: Sequence[tuple[str, int, int]], golds: Sequence[tuple[str, int, int]]) -> float:
    """1 if one of the spans ``(document_id, start, end)`` shares a character with a labelled one.

    >>> overlap([("a", 0, 5)], [("a", 4, 9)]), overlap([("a", 0, 5)], [("a", 5, 9)])
    (1.0, 0.0)
    """
    return float(any(d == page and a < end and start < b for d, a, b in spans for page, start, end in golds))
