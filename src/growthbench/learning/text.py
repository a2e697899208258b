"""TF-IDF of words and of characters, on numpy and the standard library, equal to scikit-learn's.

scikit-learn's ``TfidfVectorizer`` is a tokeniser, a vocabulary and one number a term; the service needs no more than
that. Followed to the letter: ``analyzer="word"`` and ``"char_wb"`` of scikit-learn 1.9, lower case, ``sublinear_tf``,
smooth idf, L2 norm of each block.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.learning import portable

Analyzer = Literal["word", "char_wb"]
_TOKEN = re.compile(r"(?u)\b\w\w+\b")
_TF = [0.0, *(1.0 + portable.log(float(n)) for n in range(1, 65))]


@dataclass(frozen=True)
class TermBlock:
    """Terms of one analyzer and their inverse document frequencies.

    Attributes
    ----------
    analyzer : {"word", "char_wb"}
        Words of two letters and more and their sequences, or characters within words padded by one space.
    shortest, longest : int
        Length of the n-grams.
    terms : tuple of str
        In the order of their columns.
    idf : ndarray of float64, shape (len(terms),)
    """

    analyzer: Analyzer
    shortest: int
    longest: int
    terms: tuple[str, ...]
    idf: np.ndarray

    def __post_init__(self):
        if self.analyzer not in _ANALYZERS or not 1 <= self.shortest <= self.longest:
            raise BadInputError(f"no analyzer {self.analyzer!r} of {self.shortest}-{self.longest}", field="analyzer")
        if self.idf.shape != (len(self.terms),):
            raise BadInputError(f"{len(self.terms)} terms need as many idf, found {self.idf.shape}", field="idf")

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of each term."""
        return {term: i for i, term in enumerate(self.terms)}

    def analyse(self, text: str) -> list[str]:
        """All n-grams of a text, as they come, repeated ones too."""
        return _ANALYZERS[self.analyzer](text.lower(), self.shortest, self.longest)

    def vector(self, text: str) -> tuple[list[int], list[float]]:
        """Columns and values of the text's sparse row, in order of appearance; its L2 norm is 1, or it is empty."""
        columns, idf = self.columns, self._idf
        counts = Counter(at for term in self.analyse(text) if (at := columns.get(term)) is not None)
        values = [_damped(count) * idf[at] for at, count in counts.items()]
        norm = math.sqrt(math.fsum(v * v for v in values))
        return list(counts), [v / norm for v in values]

    @cached_property
    def _idf(self) -> list[float]:
        return self.idf.tolist()


class TextVectors:
    """Blocks side by side: one sparse row a text, columns of the later blocks after those of the first."""

    def __init__(self, blocks: Sequence[TermBlock]):
        self.blocks = tuple(blocks)
        self.starts = np.cumsum([0, *(len(b.terms) for b in self.blocks)]).tolist()

    @property
    def size(self) -> int:
        """Number of terms of all blocks."""
        return self.starts[-1]

    def row(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Columns (intp) and values (float64) of a text's terms."""
        columns, values = [], []
        for block, start in zip(self.blocks, self.starts):
            at, found = block.vector(text)
            columns += [start + i for i in at]
            values += found
        return np.array(columns, np.intp), np.array(values, np.float64)

    def origins(self, text: str) -> dict[int, dict[str, float]]:
        """Which words of the text each column comes from, as shares that sum to 1.

        A character n-gram belongs to the words it was cut from; a word n-gram to itself.
        """
        shares: dict[int, dict[str, float]] = {}
        for block, start in zip(self.blocks, self.starts):
            found: dict[int, Counter] = {}
            for owner, terms in _owned(block, text.lower()):
                for term in terms:
                    if (at := block.columns.get(term)) is not None:
                        found.setdefault(start + at, Counter())[owner] += 1
            for at, counts in found.items():
                total = sum(counts.values())
                shares[at] = {owner: count / total for owner, count in counts.items()}
        return shares


def word_ngrams(text: str, shortest: int, longest: int) -> list[str]:
    """Words of two letters and more, then their sequences joined by a space.

    >>> word_ngrams("i lost my card", 1, 2)
    ['lost', 'my', 'card', 'lost my', 'my card']
    """
    tokens = _TOKEN.findall(text)
    found = list(tokens) if shortest == 1 else []
    for n in range(max(shortest, 2), min(longest, len(tokens)) + 1):
        found += [" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return found


def char_ngrams(text: str, shortest: int, longest: int) -> list[str]:
    """Character n-grams of each word padded with one space on both sides; a short word counts once.

    >>> char_ngrams("my", 3, 5)
    [' my', 'my ', ' my ']
    """
    found = []
    for word in text.split():
        padded = f" {word} "
        size = len(padded)
        for n in range(shortest, longest + 1):
            if size <= n:
                found.append(padded)
                break
            found += [padded[i : i + n] for i in range(size - n + 1)]
    return found


_ANALYZERS = {"word": word_ngrams, "char_wb": char_ngrams}


def blocks_from(described: Sequence[Mapping], terms: Sequence[Sequence[str]], idf: Sequence[np.ndarray]) -> TextVectors:
    """Vectors of what an artifact stores."""
    try:
        return TextVectors(
            [
                TermBlock(d["analyzer"], d["shortest"], d["longest"], tuple(t), np.asarray(i, np.float64))
                for d, t, i in zip(described, terms, idf, strict=True)
            ]
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise ArtifactError(f"the vocabulary cannot be read: {exc!r}") from exc


def _damped(count: int) -> float:
    return _TF[count] if count < len(_TF) else 1.0 + portable.log(float(count))


def _owned(block: TermBlock, text: str) -> list[tuple[str, list[str]]]:
    """N-grams with the word, or sequence of words, that a reader would name for them."""
    if block.analyzer == "word":
        return [(term, [term]) for term in block.analyse(text)]
    return [(_bare(word), char_ngrams(word, block.shortest, block.longest)) for word in text.split()]


def _bare(word: str) -> str:
    """A word without its punctuation, if one word is in it: ``card?`` is ``card``."""
    tokens = _TOKEN.findall(word)
    return tokens[0] if len(tokens) == 1 else word
