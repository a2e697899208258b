"""What a question meets in the documents: passages in the order of their match, sentences, and the facts about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.best_sentence import Sentence, best_of, coverage, met, sentences_of
from growthbench.knowledge.corpus import View
from growthbench.knowledge.directives import is_directive
from growthbench.knowledge.passages import Passage
from growthbench.knowledge.rerank import max_sim, order
from growthbench.knowledge.search import Search
from growthbench.knowledge.token_vectors import Tokens, TokenShelf
from growthbench.knowledge.unsaid import NEAREST, unsaid_facts
from growthbench.text.analysis import stems

CANDIDATES = 30
"""Passages of the search that are looked at token by token."""
LOOKED_AT = 8
"""Of them, those whose sentences are compared."""
MATCH_SHARE = 0.8
"""Part of the order that the token match decides; the search's score has the rest."""
EXCERPT_WORDS = 80


@dataclass(frozen=True)
class Source:
    """One passage that may answer, with its sentences: ``best`` is the nearest of them."""

    passage: Passage
    match: float
    sentences: tuple[Sentence, ...]
    best: Sentence | None

    @property
    def excerpt(self) -> tuple[int, int]:
        """Characters of the document around the best sentence, at most `EXCERPT_WORDS` words, whole sentences."""
        return _widened(self)


@dataclass(frozen=True)
class Evidence:
    """Everything that decides about an answer.

    Attributes
    ----------
    search : Search
    view : View
    sources : tuple of Source
        Best first.
    facts : mapping of str to float
        The features of `answerability`.
    with_meaning : bool
    ranked : tuple of Passage
        All candidates, best first.
    """

    search: Search
    view: View
    sources: tuple[Source, ...]
    facts: Mapping[str, float]
    with_meaning: bool
    ranked: tuple[Passage, ...] = ()


def gather(
    base: KnowledgeBase,
    question: str,
    *,
    tenant: str,
    role: str | None = None,
    collections: Sequence[str] | None = None,
    filters: Any = None,
    shelf: TokenShelf | None = None,
) -> Evidence:
    """Search, match token by token, and find the sentences.

    Parameters
    ----------
    shelf : TokenShelf, optional
        Where token vectors are kept; without one (or without an encoder) words alone decide.
    """
    found = base.search(question, tenant=tenant, role=role, collections=collections, filters=filters, k=CANDIDATES)
    view = base.view(tenant, role)
    with_meaning = found.method == "hybrid" and shelf is not None
    passages = [hit.passage for hit in found.hits]
    rarity = rarity_in(view)
    tokens = shelf.of(passages) if with_meaning and passages else []
    similar = met(found.tokens, tokens) if tokens else []
    matches = [max_sim(one) for one in similar] if tokens else [hit.score for hit in found.hits]
    places = order([hit.score for hit in found.hits], matches, MATCH_SHARE) if passages else []
    near = list(zip(tokens, similar)) or [()] * len(passages)
    sources = tuple(_source(question, passages[i], matches[i], rarity, near[i]) for i in places[:LOOKED_AT])
    said = unsaid_facts(question, [passages[i].indexed for i in places[:NEAREST]], rarity, len(view.passages))
    facts = facts_of(question, found, matches if tokens else [], sources, rarity) | said
    return Evidence(found, view, sources, facts, with_meaning, tuple(passages[i] for i in places))


def facts_of(
    question: str, found: Search, matches: Sequence[float], sources: Sequence[Source], rarity: Callable[[str], float]
) -> dict[str, float]:
    """How much of a question was found; the other features of `answerability` are `unsaid.unsaid_facts`."""
    wanted = set(stems(question))
    held = [coverage(wanted, set(stems(s.passage.indexed)), rarity) for s in sources[:3]]
    facts = {
        "match": max(matches, default=0.0),
        "bm25_share": found.facts.bm25_top,
        "coverage_passage": max(held, default=0.0),
    }
    return {name: 0.0 if value != value else float(value) for name, value in facts.items()}


def rarity_in(view: View) -> Callable[[str], float]:
    """Inverse document frequency of a stem among the visible passages."""
    return cache(lambda stem: view.words.ceiling([stem]))


def _source(
    question: str,
    passage: Passage,
    match: float,
    rarity: Callable[[str], float],
    near: tuple[Tokens, np.ndarray] | tuple,
) -> Source:
    """One candidate; ``near`` holds its tokens and what the question's tokens meet in them, or nothing."""
    found = tuple(sentences_of(question, passage, rarity, *near))
    return Source(passage, match, found, best_of(found))


def _widened(source: Source) -> tuple[int, int]:
    """The best sentence, joined by the better of its neighbours while there is room."""
    told, passage = source.sentences, source.passage
    low = high = told.index(source.best)
    while True:
        around = [(told[i].score, i) for i in (high + 1, low - 1) if 0 <= i < len(told)]
        for _, i in sorted(around, reverse=True):
            start, end = told[min(low, i)].start, told[max(high, i)].end
            text = passage.text[start - passage.start : end - passage.start]
            if len(text.split()) <= EXCERPT_WORDS and not is_directive(text):
                low, high = min(low, i), max(high, i)
                break
        else:
            return told[low].start, told[high].end
