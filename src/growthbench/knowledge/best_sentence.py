"""The sentences of passages that answer a question, best first.

MaxSim (for each token of the question the best matching token of the sentence, averaged) on token vectors that were
computed with the whole passage in sight. Within the right passage it finds the sentence better than vectors of
sentences, BM25 or any mixture of them, without training. Without an encoder, words weighted by rarity stand in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from growthbench.knowledge.directives import is_directive
from growthbench.knowledge.passages import Passage
from growthbench.knowledge.rerank import max_sim
from growthbench.knowledge.token_vectors import Tokens
from growthbench.text.analysis import stems, words
from growthbench.text.encoder import TokenVectors
from growthbench.text.sentences import sentences

FEWEST_WORDS = 3
"""Shorter ones are headings, labels and rests of markup."""

Rarity = Callable[[str], float]


@dataclass(frozen=True)
class Sentence:
    """One sentence of a passage.

    Attributes
    ----------
    passage : Passage
    start, end : int
        Characters of the document.
    match : float
        Mean over the question's tokens of the best match; 0 without an encoder.
    coverage : float
        Share of the question's words that it holds, weighted by rarity.
    """

    passage: Passage
    start: int
    end: int
    match: float
    coverage: float

    @property
    def text(self) -> str:
        """The sentence, letter by letter."""
        return self.passage.text[self.start - self.passage.start : self.end - self.passage.start]

    @property
    def score(self) -> float:
        """What sentences are ordered by."""
        return self.match if self.match else self.coverage


def met(asked: TokenVectors, texts: Sequence[Tokens]) -> list[np.ndarray]:
    """Cosines of every token of a question with every token of each text, shape (question tokens, text tokens).

    One product for all texts: many small ones cost ten times as much.
    """
    tokens, places = np.concatenate([t.vectors for t in texts]), np.cumsum([len(t.spans) for t in texts])[:-1]
    return np.split(asked.vectors @ tokens.T, places, axis=1)


def sentences_of(
    question: str,
    passage: Passage,
    rarity: Rarity,
    tokens: Tokens | None = None,
    similar: np.ndarray | None = None,
) -> list[Sentence]:
    """The quotable sentences of a passage in their order; orders to machines and scraps are none.

    Parameters
    ----------
    question : str
    passage : Passage
    rarity : callable
        Inverse document frequency of a stem.
    tokens : Tokens, optional
        Of `Passage.indexed`.
    similar : ndarray, optional
        What the question's tokens meet in them, see `met`.
    """
    offset = len(passage.indexed) - len(passage.text)
    wanted = set(stems(question))
    found = []
    for start, end in sentences(passage.text):
        text = passage.text[start:end]
        if len(words(text)) < FEWEST_WORDS or is_directive(text):
            continue
        match = max_sim(similar[:, _inside(tokens, start + offset, end + offset)]) if tokens is not None else 0.0
        covered = coverage(wanted, set(stems(text)), rarity)
        found.append(Sentence(passage, passage.start + start, passage.start + end, match, covered))
    return found


def best_of(found: Sequence[Sentence]) -> Sentence | None:
    """The best sentence; of equals the first."""
    return max(found, key=lambda s: s.score, default=None)


def coverage(wanted: set[str], held: set[str], rarity: Rarity) -> float:
    """Share of wanted stems that are held, weighted by rarity, in [0, 1]."""
    whole = sum(rarity(stem) for stem in wanted)
    return sum(rarity(stem) for stem in wanted & held) / whole if whole else 0.0


def _inside(tokens: Tokens, start: int, end: int) -> np.ndarray:
    return (tokens.spans[:, 0] >= start) & (tokens.spans[:, 1] <= end)
