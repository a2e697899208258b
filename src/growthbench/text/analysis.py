"""The one analyser of words: what BM25 indexes, and what every word-overlap check compares."""

import re
from functools import cache

_WORD = re.compile(r"(?u)\b\w\w+\b")


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _listed(
    """a an and are as at be but by for if in into is it no not of on or such that the their then there these they this
    to was will with"""
)
"""Lucene's English stop list: short, so that phrases made of common words can still be found."""


def words(text: str) -> list[str]:
    """Lower-cased words of two characters and more, in order.

    >>> words("The Pro plan costs $49.50 a month")
    ['the', 'pro', 'plan', 'costs', '49', '50', 'month']
    """
    return _WORD.findall(text.lower())


def stems(text: str) -> list[str]:
    """Stems (Snowball English) of `words` that are not in `STOP_WORDS`, in order.

    >>> stems("The campaigns were sent to all subscribers")
    ['campaign', 'were', 'sent', 'all', 'subscrib']
    """
    return _stemmer().stemWords([word for word in words(text) if word not in STOP_WORDS])


class _Stemmer:
    """PyStemmer's objects are not for two threads at once, so each thread gets its own."""

    def __init__(self):
        import threading

        self._of_thread = threading.local()

    def stemWords(self, found: list[str]) -> list[str]:  # noqa: N802 -- PyStemmer's name
        stemmer = getattr(self._of_thread, "stemmer", None)
        if stemmer is None:
            import Stemmer

            stemmer = self._of_thread.stemmer = Stemmer.Stemmer("english")
        return stemmer.stemWords(found)


@cache
def _stemmer() -> _Stemmer:
    return _Stemmer()
