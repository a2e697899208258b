"""Train and judge the model of sentiment; no figure here is of a sentence that its model was fitted to."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from growthbench.base.errors import BadInputError
from growthbench.base.statistics import Estimate, auc, ece, estimate, mean_of
from growthbench.learning.params import TextParams
from growthbench.learning.sentiment import Sentiment
from growthbench.learning.splits import stratified_folds
from growthbench.learning.text_training import count_terms

if TYPE_CHECKING:
    from growthbench.text import Encoder

_C_WORDS, _C_MEANING = 3.0, 10.0
_INNER_FOLDS = 5
_TERMS = TextParams(word_ngrams=2, char_ngrams=5, min_count=2, max_features=30_000)


@dataclass(frozen=True)
class Sentences:
    """Labelled sentences with their vectors.

    Attributes
    ----------
    texts : list of str, n
    positive : ndarray of int, shape (n,)
    vectors : ndarray of float32, shape (n, d)
    weight : ndarray of float64, shape (n,)
        1 for a labelled sentence; a neutral text is in twice, with either label and half the weight.
    pair : ndarray of int, shape (n,)
        Number of the text: both copies of a neutral one fall into the same fold.
    """

    texts: list[str]
    positive: np.ndarray
    vectors: np.ndarray
    weight: np.ndarray
    pair: np.ndarray

    @classmethod
    def of(cls, texts: list[str], positive: np.ndarray, neutral: list[str], encoder: "Encoder") -> "Sentences":
        """Encode labelled and neutral texts."""
        y, n, m = np.asarray(positive).astype(int), len(texts), len(neutral)
        known, plain = encoder.encode(texts), encoder.encode(neutral)
        return cls(
            [*texts, *neutral, *neutral],
            np.concatenate([y, np.ones(m, int), np.zeros(m, int)]),
            np.concatenate([known, plain, plain]),
            np.concatenate([np.ones(n), np.full(2 * m, 0.5)]),
            np.concatenate([np.arange(n), n + np.arange(m), n + np.arange(m)]),
        )

    def take(self, rows: np.ndarray) -> "Sentences":
        """Some of them."""
        arrays = (getattr(self, name)[rows] for name in ("positive", "vectors", "weight", "pair"))
        return Sentences([self.texts[i] for i in np.arange(len(self.texts))[rows]], *arrays)


def fit_sentiment(given: Sentences, encoder: "Encoder", seed: int = 0) -> Sentiment:
    """Fit on labelled sentences.

    Parameters
    ----------
    given : Sentences
    encoder : Encoder
        That made their vectors.
    seed : int
        Deals the inner folds.

    Raises
    ------
    BadInputError
        Fewer than ten sentences of a kind.
    """
    y = given.positive
    if min((y == 0).sum(), (y == 1).sum()) < 2 * _INNER_FOLDS:
        raise BadInputError(f"sentiment is learned from at least {2 * _INNER_FOLDS} texts of each kind", field="texts")
    margins = np.zeros((len(y), 2))
    _, first = np.unique(given.pair, return_index=True)
    fold_of = np.zeros(given.pair.max() + 1, int)
    fold_of[given.pair[first]] = stratified_folds(y[first], _INNER_FOLDS, seed)
    fold = fold_of[given.pair]
    for k in range(_INNER_FOLDS):
        inside, outside = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        words, meaning, matrix, _ = _two(given, inside, outside)
        margins[outside, 0] = words.decision_function(matrix)
        margins[outside, 1] = meaning.decision_function(given.vectors[outside])
    joined, alone = (_logistic(m, y, 1.0, given.weight) for m in (margins, margins[:, :1]))
    everything = np.arange(len(y))
    words, meaning, _, counted = _two(given, everything, everything[:1])
    return Sentiment(
        counted,
        words.coef_[0].astype(np.float32),
        meaning.coef_[0].astype(np.float32),
        (float(words.intercept_[0]), float(meaning.intercept_[0])),
        (*joined.coef_[0].tolist(), float(joined.intercept_[0])),
        (*alone.coef_[0].tolist(), float(alone.intercept_[0])),
        encoder,
        {"texts": int((given.weight == 1).sum()), "neutral": int((given.weight < 1).sum()) // 2, "seed": seed},
    )


def _two(given: Sentences, inside: np.ndarray, outside: np.ndarray):
    """Both regressions on some rows, and the matrix of terms of others."""
    matrices, counted = count_terms(given.texts, {"train": inside, "valid": outside}, _TERMS)
    y, weight = given.positive[inside], given.weight[inside]
    words = _logistic(matrices["train"], y, _C_WORDS, weight)
    return words, _logistic(given.vectors[inside], y, _C_MEANING, weight), matrices["valid"], counted


def held_out_scores(given: Sentences, groups: np.ndarray, encoder: "Encoder", seed: int = 0) -> np.ndarray:
    """Sentiment of each labelled sentence by a model made without its group: float64, shape (n,); no neutral ones.

    Parameters
    ----------
    groups : ndarray, shape (n,)
        Fold or site of each labelled sentence: it is predicted by the whole recipe fitted on the others.
    """
    labelled, neutral = np.flatnonzero(given.weight == 1), np.flatnonzero(given.weight < 1)
    scores = np.empty(len(labelled))
    for group in np.unique(groups):
        rest = np.concatenate([labelled[groups != group], neutral])
        model = fit_sentiment(given.take(rest), encoder, seed)
        own = np.flatnonzero(groups == group)
        scores[own] = model.score([given.texts[labelled[i]] for i in own])
    return scores


def sentiment_metrics(
    positive: np.ndarray, scores: np.ndarray, rng: np.random.Generator, count: int = 1000
) -> dict[str, Estimate]:
    """``accuracy auc ece`` of sentiments with 95 % bootstrap intervals.

    ``ece`` compares p = (sentiment + 1) / 2 with how often such sentences are positive.
    """
    y = np.asarray(positive).astype(int)
    hit = ((scores > 0) == (y == 1)).astype(float)
    p = (scores + 1.0) / 2.0
    metrics = {"accuracy": mean_of(hit), "auc": auc(y, scores), "ece": ece(y.astype(float), p)}
    return estimate(metrics, len(y), count, rng, strata=y)


def judge_sentiment(
    given: Sentences, sites: Iterable[str], encoder: "Encoder", seed: int = 0
) -> dict[str, dict[str, Estimate]]:
    """Figures over five stratified folds (``folds``), and for each site by a model of the others (its name)."""
    y, where = given.positive[given.weight == 1], np.asarray(list(sites), object)
    folds = held_out_scores(given, stratified_folds(y, 5, seed), encoder, seed)
    foreign = held_out_scores(given, where, encoder, seed)
    rng = np.random.default_rng(seed)
    told = {"folds": sentiment_metrics(y, folds, rng), "left_out_site": sentiment_metrics(y, foreign, rng)}
    return told | {s: sentiment_metrics(y[where == s], foreign[where == s], rng) for s in sorted(set(where.tolist()))}


def _logistic(x, y: np.ndarray, c: float, weight: np.ndarray):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, max_iter=2000, tol=1e-5).fit(x, y, sample_weight=weight)
