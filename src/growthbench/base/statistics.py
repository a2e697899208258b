"""Metrics of predictions and their bootstrap intervals: numpy only, exact, seeded.

A resample is a vector of counts, one a row, so every metric takes a matrix of weights, one resample a line, and what
does not depend on the weights (sorting, binning) is done once when the metric is made: ``auc(y, score)`` is a
`Metric`, ready for any number of resamples. Two models are compared on the *same* resamples of the same rows
(`paired`), which is what makes small differences visible.

Labels ``y`` are 0 or 1, shape (n,); ``score`` is any order, ``p`` a probability, shape (n,).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from growthbench.base.errors import BadInputError

LEVEL = 0.95
ECE_BINS = 10
_CELLS = 2_000_000  # weights held at a time: 16 MB
_EPS = float(np.finfo(np.float64).eps)  # as scikit-learn clips probabilities


class Metric(Protocol):
    """From weights, shape (r, n), to values, shape (r,)."""

    def __call__(self, weights: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its interval."""

    value: float
    lo: float
    hi: float

    @property
    def is_zero_possible(self) -> bool:
        """Whether 0 lies in the interval: for a difference, that nothing has been shown."""
        return self.lo <= 0.0 <= self.hi


def value_of(metric: Metric, n: int) -> float:
    """The metric on all n rows, each counted once.

    >>> value_of(auc(np.array([0, 1, 1]), np.array([0.2, 0.2, 0.9])), 3)
    0.75
    """
    return float(metric(np.ones((1, n)))[0])


def resamples(
    n: int,
    count: int,
    rng: np.random.Generator,
    strata: np.ndarray | None = None,
    group: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Weights of ``count`` bootstrap resamples of n rows, in blocks of shape (r, n).

    Parameters
    ----------
    strata : ndarray, shape (n,), optional
        Rows are drawn within each value, so their shares stay: give the labels, and no resample lacks a class.
    group : ndarray, shape (n,), optional
        Whole groups are drawn: give the person where a person has several rows, so that ten moments of one customer
        do not pass for ten customers. Not together with ``strata``.
    """
    if n == 0 or count <= 0:
        raise BadInputError(f"a bootstrap needs rows and resamples, found {n} and {count}", field="bootstrap")
    if strata is not None and group is not None:
        raise BadInputError("give strata or group, not both", field="group")
    index = np.unique(group, return_inverse=True)[1] if group is not None else None
    units = n if index is None else int(index.max()) + 1
    members = [np.arange(units)] if strata is None else [np.flatnonzero(strata == s) for s in np.unique(strata)]
    block = max(1, min(count, _CELLS // n))
    for start in range(0, count, block):
        rows = min(block, count - start)
        counts = np.zeros((rows, units))
        for some in members:
            drawn = rng.integers(0, len(some), (rows, len(some))) + np.arange(rows)[:, None] * len(some)
            counts[:, some] = np.bincount(drawn.ravel(), minlength=rows * len(some)).reshape(rows, len(some))
        yield counts if index is None else counts[:, index]


def estimate(
    metrics: Mapping[str, Metric],
    n: int,
    count: int,
    rng: np.random.Generator,
    strata: np.ndarray | None = None,
    group: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Each metric on all rows with its 95 % percentile interval (Efron 1979), all from the same resamples.

    Resampling noise only adds to a calibration error, so the interval of a metric named ``ece...`` is moved back by the
    bootstrap's own estimate of that bias.
    """
    points = {name: value_of(metric, n) for name, metric in metrics.items()}
    drawn = _drawn(metrics, n, count, rng, strata, group)
    return {name: _interval(points[name], drawn[name], name.startswith("ece")) for name in metrics}


def paired(
    first: Mapping[str, Metric],
    second: Mapping[str, Metric],
    n: int,
    count: int,
    rng: np.random.Generator,
    strata: np.ndarray | None = None,
    group: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Difference ``second - first`` of each metric on the same rows, with its interval from the same resamples.

    Parameters
    ----------
    first, second : mapping of str to Metric
        The same names; metrics of two score vectors on the same n rows in the same order.
    """
    if first.keys() != second.keys():
        raise BadInputError(f"metrics differ: {sorted(first.keys() ^ second.keys())}", field="metrics")
    differences = {name: _difference(first[name], second[name]) for name in first}
    points = {name: value_of(metric, n) for name, metric in differences.items()}
    drawn = _drawn(differences, n, count, rng, strata, group)
    return {name: _interval(points[name], drawn[name]) for name in differences}


def auc(y: np.ndarray, score: np.ndarray) -> Metric:
    """Area under the ROC curve, exact: the share of (yes, no) pairs in order, ties counted half.

    Hanley & McNeil 1982. NaN where a resample holds one class only.
    """
    ranked = _Ranked(y, score)

    def metric(weights):
        pos, neg = ranked.groups(weights)
        below = np.cumsum(neg, axis=1) - neg
        pairs = pos.sum(1) * neg.sum(1)
        wins = (pos * (below + 0.5 * neg)).sum(1)
        return np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)

    return metric


def average_precision(y: np.ndarray, score: np.ndarray) -> Metric:
    """Precision at each distinct score, weighted by the recall it adds: sum of (R_i - R_{i-1}) P_i."""
    ranked = _Ranked(y, -np.asarray(score))

    def metric(weights):
        pos, neg = ranked.groups(weights)
        hits, seen = np.cumsum(pos, axis=1), np.cumsum(pos + neg, axis=1)
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        return _over((pos * precision).sum(1), hits[:, -1])

    return metric


def lift(y: np.ndarray, score: np.ndarray, share: float = 0.1) -> Metric:
    """Rate of ``yes`` in the best ``share`` of the rows over the rate of all; ties at the border share its place."""
    ranked = _Ranked(y, -np.asarray(score))

    def metric(weights):
        pos, neg = ranked.groups(weights)
        hits, seen = np.cumsum(pos, axis=1), np.cumsum(pos + neg, axis=1)
        taken = [np.interp(share * s[-1], np.r_[0.0, s], np.r_[0.0, h]) for s, h in zip(seen, hits)]
        return _over(np.array(taken), share * hits[:, -1])

    return metric


def mean_of(values: np.ndarray) -> Metric:
    """Mean of one number a row, such as `log_losses`, `squared_errors`, `costs`, or hits."""
    values = np.asarray(values, np.float64)
    return lambda weights: (weights @ values) / weights.sum(1)


def ece(hit: np.ndarray, p: np.ndarray) -> Metric:
    """Expected calibration error: 10 equal-width bins [0, .1) ... [.9, 1], |rate - mean p| weighted by rows.

    Naeini, Cooper & Hauskrecht 2015. For several classes give whether the label was right and its probability.
    """
    gap = np.zeros((len(p), ECE_BINS))
    gap[np.arange(len(p)), bins_of(p)] = np.asarray(hit, np.float64) - p
    return lambda weights: np.abs(weights @ gap).sum(1) / weights.sum(1)


def ece_floor(p: np.ndarray, rng: np.random.Generator, draws: int = 200) -> Estimate:
    """ECE that a perfectly calibrated model with these probabilities shows by chance: mean and 95 % range of draws."""
    sums = np.zeros((len(p), ECE_BINS))
    sums[np.arange(len(p)), bins_of(p)] = 1.0
    block = max(1, _CELLS // max(len(p), 1))
    found = [
        np.abs(((rng.random((min(block, draws - at), len(p))) < p) - p) @ sums).sum(1) / len(p)
        for at in range(0, draws, block)
    ]
    values = np.concatenate(found)
    return _interval(float(values.mean()), values)


def bins_of(p: np.ndarray) -> np.ndarray:
    """Number of each probability's bin, 0..9; 1.0 belongs to the last."""
    return np.clip((np.asarray(p) * ECE_BINS).astype(int), 0, ECE_BINS - 1)


def log_losses(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """-log of the probability given to what happened, shape (n,); ``p`` is (n,), or (n, k) with class numbers ``y``."""
    p, y = np.asarray(p, np.float64), np.asarray(y)
    given = p[np.arange(len(y)), y] if p.ndim == 2 else np.where(y == 1, p, 1.0 - p)
    return -np.log(np.clip(given, _EPS, 1.0 - _EPS if p.ndim == 1 else 1.0))


def squared_errors(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(p - y)^2, shape (n,): its mean is the Brier score (Brier 1950)."""
    return (np.asarray(p, np.float64) - y) ** 2


def costs(y: np.ndarray, p: np.ndarray, threshold: float, false_alarm: float, miss: float) -> np.ndarray:
    """Cost of each row when everyone from ``threshold`` on is acted on, in the unit of the prices, shape (n,)."""
    acted = np.asarray(p) >= threshold
    return np.where(acted, np.where(np.asarray(y) == 1, 0.0, false_alarm), np.where(np.asarray(y) == 1, miss, 0.0))


def cost_curve(y: np.ndarray, p: np.ndarray, thresholds: np.ndarray, false_alarm: float, miss: float) -> np.ndarray:
    """Mean cost a row at each threshold, shape of ``thresholds``; n log n, whatever their number."""
    y, p = np.asarray(y), np.asarray(p)
    order = np.argsort(p, kind="stable")
    below = np.searchsorted(p[order], thresholds, side="left")  # rows not acted on
    missed = np.r_[0, np.cumsum(y[order] == 1)][below]
    alarms = np.r_[0, np.cumsum(y[order] == 0)]
    return (miss * missed + false_alarm * (alarms[-1] - alarms[below])) / len(y)


def hits_in_top(y: np.ndarray, p: np.ndarray, top: int = 1) -> np.ndarray:
    """Whether class ``y`` is among the ``top`` likeliest of ``p`` (n, k), shape (n,) of 0 and 1; ties count against."""
    own = p[np.arange(len(y)), y][:, None]
    return ((p >= own).sum(1) <= top).astype(np.float64)


class _Ranked:
    """Rows sorted by score once; weights summed over groups of equal scores."""

    def __init__(self, y: np.ndarray, score: np.ndarray):
        score = np.asarray(score)
        if len(score) != len(y) or not len(score) or np.isnan(score).any():
            raise BadInputError(f"{len(y)} labels need as many scores, none of them NaN", field="score")
        self.order = np.argsort(score, kind="stable")
        ordered = score[self.order]
        self.starts = np.r_[0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1]
        self.y = np.asarray(y)[self.order].astype(np.float64)

    def groups(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weight of ``yes`` and of ``no`` at each distinct score, shape (r, groups) each."""
        ordered = weights[:, self.order]
        pos = ordered * self.y
        if len(self.starts) == len(self.order):
            return pos, ordered - pos
        pos = np.add.reduceat(pos, self.starts, axis=1)
        return pos, np.add.reduceat(ordered, self.starts, axis=1) - pos


def _drawn(metrics, n, count, rng, strata, group) -> dict[str, np.ndarray]:
    drawn = {name: [] for name in metrics}
    for weights in resamples(n, count, rng, strata, group):
        for name, metric in metrics.items():
            drawn[name].append(metric(weights))
    return {name: np.concatenate(values) for name, values in drawn.items()}


def _interval(point: float, drawn: np.ndarray, biased_up: bool = False) -> Estimate:
    if np.isnan(drawn).all():
        return Estimate(point, float("nan"), float("nan"))
    if biased_up:
        drawn = np.maximum(drawn - (np.nanmean(drawn) - point), 0.0)
    lo, hi = np.nanquantile(drawn, ((1.0 - LEVEL) / 2, (1.0 + LEVEL) / 2))
    return Estimate(point, float(lo), float(hi))


def _difference(first: Metric, second: Metric) -> Metric:
    return lambda weights: second(weights) - first(weights)


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
