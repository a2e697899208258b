"""Word matching: BM25 with the house's analyser, over exactly the texts that the caller may see."""

from collections.abc import Sequence

import numpy as np

from growthbench.text.analysis import stems

K1 = 1.5
B = 0.75


class WordIndex:
    """BM25 (bm25s, Lucene's formula) over texts.

    The inverse document frequencies are of these texts and no others: an index per set of visible texts is what keeps
    the words of hidden ones from showing in the scores.

    Parameters
    ----------
    texts : sequence of list of str
        Stems of each text.
    """

    def __init__(self, texts: Sequence[list[str]]):
        import bm25s

        self.size = len(texts)
        numbers: dict[str, int] = {}
        ids = [[numbers.setdefault(stem, len(numbers)) for stem in text] for text in texts]
        self._numbers = numbers
        self._frequency = np.bincount([i for text in ids for i in set(text)], minlength=len(numbers))
        self._index = None
        if numbers:
            self._index = bm25s.BM25(method="lucene", k1=K1, b=B)
            self._index.index(bm25s.tokenization.Tokenized(ids=ids, vocab=numbers), show_progress=False)

    def scores(self, query: Sequence[str]) -> np.ndarray:
        """BM25 of every text for the stems of a query, float32, shape (texts,)."""
        known = [self._numbers[stem] for stem in query if stem in self._numbers]
        if self._index is None or not known:
            return np.zeros(self.size, np.float32)
        return self._index.get_scores_from_ids(known)

    def ceiling(self, query: Sequence[str]) -> float:
        """What a text could reach at most: the sum of the query's inverse document frequencies, unknown stems too."""
        seen = np.array([self._frequency[self._numbers[s]] if s in self._numbers else 0 for s in query], float)
        return float(np.log1p((self.size - seen + 0.5) / (seen + 0.5)).sum())


def stems_of(text: str) -> list[str]:
    """What `WordIndex` indexes and asks for."""
    return stems(text)
