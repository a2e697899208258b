"""What evaluation adds to `base.statistics`: metrics by fold, and the tables behind the plots."""

from collections.abc import Callable

import numpy as np

from growthbench.base.statistics import ECE_BINS, Metric, bins_of


def fold_mean(make: Callable[[np.ndarray, np.ndarray], Metric], y, score, fold) -> Metric:
    """A metric computed in each fold and averaged: folds are different models, their scores are not one ranking."""
    parts = [(rows, make(y[rows], score[rows])) for k in _distinct(fold) if len(rows := np.flatnonzero(fold == k))]
    return lambda weights: np.mean([metric(weights[:, rows]) for rows, metric in parts], axis=0)


def gain_table(y: np.ndarray, score: np.ndarray, parts: int = 10) -> list[dict]:
    """Tenths from the best score down: rows, outcomes, rate, lowest score, cumulative gain and lift."""
    rows, done, seen = [], 0, 0
    for i, part in enumerate(np.array_split(np.argsort(-score, kind="stable"), parts)):
        if not len(part):
            continue
        done, seen = done + int(y[part].sum()), seen + len(part)
        gain = done / max(int(y.sum()), 1)
        rows.append(
            {
                "part": i + 1,
                "rows": len(part),
                "outcomes": int(y[part].sum()),
                "rate": float(y[part].mean()),
                "lowest_score": float(score[part].min()),
                "cumulative_gain": gain,
                "cumulative_lift": gain / (seen / len(y)),
            }
        )
    return rows


def reliability_table(hit: np.ndarray, p: np.ndarray) -> list[dict]:
    """The bins behind the ECE: rows, mean probability, rate of outcomes."""
    bins = bins_of(p)
    return [
        {
            "from": b / ECE_BINS,
            "to": (b + 1) / ECE_BINS,
            "rows": int((bins == b).sum()),
            "probability": float(p[bins == b].mean()),
            "rate": float(hit[bins == b].mean()),
        }
        for b in range(ECE_BINS)
        if (bins == b).any()
    ]


def _distinct(fold: np.ndarray) -> list:
    return sorted(set(fold.tolist()), key=str)
