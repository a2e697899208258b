"""Search: words and vectors over what the caller may see, fused; with the facts that an answer needs to know."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from growthbench.knowledge.bm25 import stems_of
from growthbench.knowledge.corpus import View
from growthbench.knowledge.dense import DOCUMENT_SHARE, best_of
from growthbench.knowledge.filters import Filters
from growthbench.knowledge.fusion import DENSE_WEIGHT, SMOOTH_SHARE, fused, smoothed, z_scores
from growthbench.knowledge.passages import Passage
from growthbench.text.encoder import TokenVectors

PAGE_SHARE = 0.5
"""Part of a passage's score that the score of its document decides."""

Method = Literal["hybrid", "bm25"]


@dataclass(frozen=True)
class Weights:
    """Numbers of the search; the defaults are the one setting that every figure of docs/knowledge.md was made with.

    Attributes
    ----------
    dense : float
        Weight of the vectors' z-score; 0 is words alone, 1 vectors alone.
    document : float
        Part of a passage's similarity that its document's vector decides.
    smooth : float
        Part of a document's score that its neighbours decide.
    page : float
        Part of a passage's score that its document's score decides.
    """

    dense: float = DENSE_WEIGHT
    document: float = DOCUMENT_SHARE
    smooth: float = SMOOTH_SHARE
    page: float = PAGE_SHARE


@dataclass(frozen=True)
class Hit:
    """One passage that was found.

    Attributes
    ----------
    passage : Passage
    score : float
        What hits are ordered by; z-scores fused, comparable within one search only.
    bm25, dense : float
        Raw scores of the passage itself; ``dense`` is a cosine, NaN where words alone were searched.
    bm25_z, dense_z : float
        The same in spreads above the mean of everything that the caller may see.
    place : int
        Of the passage among those that the caller may see.
    """

    passage: Passage
    score: float
    bm25: float
    dense: float
    bm25_z: float
    dense_z: float
    place: int = -1


@dataclass(frozen=True)
class SearchFacts:
    """What the scores say about whether there is anything to find. NaN where words alone were searched.

    Attributes
    ----------
    passages : int
        That the caller may see: means, spreads and document frequencies are of these.
    candidates : int
        Of them, those that the filters admit: tops and margins are of these.
    dense_top, dense_margin : float
        Highest cosine of a passage, and its lead over the second.
    bm25_top, bm25_margin : float
        Highest BM25 of a passage and its lead over the second, divided by the query's own ceiling: 0 to 1.
    agree : bool
        Words and vectors put the same passage first.
    hybrid_z_top : float
        Highest fused z-score of a passage.
    document_top : float
        Highest score of a document.
    """

    passages: int
    candidates: int
    dense_top: float
    dense_margin: float
    bm25_top: float
    bm25_margin: float
    agree: bool
    hybrid_z_top: float
    document_top: float


@dataclass(frozen=True)
class Search:
    """What was found.

    Attributes
    ----------
    question : str
        As it was searched.
    method : {"hybrid", "bm25"}
    hits : list of Hit
        The best first.
    facts : SearchFacts
    filters : Filters
    version : int
        Of the tenant's documents.
    note : str
        Why it was words alone, if it was.
    tokens : TokenVectors or None
        The question's; None where words alone were searched.
    """

    question: str
    method: Method
    hits: list[Hit]
    facts: SearchFacts
    filters: Filters = field(default_factory=Filters)
    version: int = 0
    note: str = ""
    tokens: TokenVectors | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Scores:
    """Scores of everything visible; ``document`` is shape (documents,), the others (passages,)."""

    document: np.ndarray
    passage: np.ndarray
    fused: np.ndarray
    bm25: np.ndarray
    dense: np.ndarray | None
    ceiling: float

    @property
    def method(self) -> Method:
        return "bm25" if self.dense is None else "hybrid"


def score(view: View, question: str, vector: np.ndarray | None, weights: Weights | None = None) -> Scores:
    """Score every visible document and passage.

    Parameters
    ----------
    view : View
    question : str
    vector : ndarray, shape (dims,), or None
        The question's; None, or a view without vectors: words alone.
    weights : Weights, optional
    """
    w, stems = weights or Weights(), stems_of(question)
    words, document_words = view.words.scores(stems), view.document_words.scores(stems)
    if vector is None or view.vectors is None:
        own, page = z_scores(words), z_scores(document_words)
        mixed = (1 - w.page) * own + w.page * page[view.owner]
        return Scores(document_words, mixed, own, words, None, view.words.ceiling(stems))
    cosine, pages = view.vectors.similarities(vector), view.document_vectors.similarities(vector)
    near = w.document * pages[view.owner] + (1 - w.document) * cosine
    nearest = best_of(near, view.owner, len(view.documents))
    page = fused(document_words, nearest, w.dense)
    if w.smooth > 0:
        page = smoothed(page, view.document_vectors.rows(slice(None)), w.smooth)
    own = fused(words, near, w.dense)
    mixed = (1 - w.page) * z_scores(own) + w.page * z_scores(page)[view.owner]
    return Scores(page, mixed, own, words, cosine, view.words.ceiling(stems))


def admitted(view: View, filters: Filters) -> np.ndarray:
    """Places of the passages whose documents meet the filters."""
    if not filters:
        return np.arange(len(view.passages))
    good = np.array([filters.admits(d) for d in view.documents], bool)
    return np.flatnonzero(good[view.owner])


def hits_of(view: View, scores: Scores, taken: np.ndarray) -> list[Hit]:
    """Passages by their places, in this order."""
    words_z = z_scores(scores.bm25)
    dense_z = None if scores.dense is None else z_scores(scores.dense)
    return [
        Hit(
            passage=view.passages[i],
            score=float(scores.passage[i]),
            bm25=float(scores.bm25[i]),
            dense=float("nan") if scores.dense is None else float(scores.dense[i]),
            bm25_z=float(words_z[i]),
            dense_z=float("nan") if dense_z is None else float(dense_z[i]),
            place=int(i),
        )
        for i in taken
    ]


def facts_of(view: View, scores: Scores, places: np.ndarray) -> SearchFacts:
    """Facts of the candidates, in the light of everything visible."""
    if not len(places):
        return SearchFacts(len(view.passages), 0, *(float("nan"),) * 2, 0.0, 0.0, False, *(float("nan"),) * 2)
    words = scores.bm25[places] / scores.ceiling if scores.ceiling > 0 else np.zeros(len(places))
    dense = None if scores.dense is None else scores.dense[places]
    top, margin = _top(words)
    dense_top, dense_margin = (float("nan"),) * 2 if dense is None else _top(dense)
    return SearchFacts(
        passages=len(view.passages),
        candidates=len(places),
        dense_top=dense_top,
        dense_margin=dense_margin,
        bm25_top=top,
        bm25_margin=margin,
        agree=bool(dense is not None and top > 0 and words.argmax() == dense.argmax()),
        hybrid_z_top=float(scores.fused[places].max()),
        document_top=float(scores.document[view.owner[places]].max()),
    )


def _top(scores: np.ndarray) -> tuple[float, float]:
    if len(scores) < 2:
        return float(scores[0]), float(scores[0])
    top = int(scores.argmax())
    second = max(scores[part].max() for part in (slice(top), slice(top + 1, None)) if scores[part].size)
    return float(scores[top]), float(scores[top] - second)
