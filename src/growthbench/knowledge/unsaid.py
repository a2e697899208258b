"""What a question asks for and the documents do not say: the sign that they are about something else.

Similarities alone are high for any question in the same language of the trade; its words tell more. Each word that is
not of the question's grammar is held against the documents: how many passages hold it at all, and, of a name or a year,
whether the nearest ones do.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from growthbench.text.analysis import stems

Rarity = Callable[[str], float]

NEAREST = 5
"""Passages in which a name is looked for."""

_WORD = re.compile(r"\w+(?:['’]\w+)?")
_YEAR = re.compile(r"(?:19|20)\d\d")


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ASKING = _listed(
    """i you he she we they me him her us them my your his our their its myself yourself herself himself itself
    ourselves yourselves themselves this that these those who whom whose which what when where why how am is are
    was were be been being do does did done doing have has had having can could may might must shall should will
    would a an the and or but if then so than too very not nor only own same such any all each every both few more
    most other some of at by for with about against between into through during before after above below to from
    up down in out on off over under again further once here there yet ever never also just now still even much
    many anyone anybody someone somebody everyone everybody nobody nothing something anything everything one ones
    else"""
)
"""Words that ask, point and join: none of them is what a question is about."""


@dataclass(frozen=True)
class AskedWord:
    """One word of a question that may tell what it is about; ``name``: a name inside a sentence, or a year."""

    stem: str
    name: bool


def asked_words(question: str) -> list[AskedWord]:
    """Words of a question that are not of its grammar.

    >>> [(w.stem, w.name) for w in asked_words("How do I renew a plan for Shopify?")]
    [('renew', False), ('plan', False), ('shopifi', True)]
    """
    found = []
    for match in _WORD.finditer(question):
        word, told, before = match.group(), stems(match.group()), question[: match.start()].rstrip()
        if told and word.lower() not in _ASKING:
            inside = before and before[-1] not in ".?!"
            named = inside and any(c.isupper() for c in word)
            found.append(AskedWord(told[0], bool(named or _YEAR.fullmatch(word))))
    return found


def unsaid_facts(question: str, nearest: Sequence[str], rarity: Rarity, visible: int) -> dict[str, float]:
    """How much of a question the documents do not say.

    Parameters
    ----------
    question : str
    nearest : sequence of str
        The best passages with their headings.
    rarity : callable
        Inverse document frequency of a stem.
    visible : int
        Number of passages that the frequencies are of.

    Returns
    -------
    dict
        ``unknown``: share of the words, by rarity, that (nearly) no passage holds; ``name_unsaid``: 1 if a name or a
        year of the question is not in the nearest passages.
    """
    words = asked_words(question)
    if not words:
        return {"unknown": 0.0, "name_unsaid": 0.0}
    held = {stem for text in nearest for stem in stems(text)}
    never = math.log1p((visible + 0.5) / 0.5)
    rare = [min(rarity(stem) / never, 1.0) for stem in {word.stem for word in words}]
    return {
        "unknown": float(sum(r**4 for r in rare) / max(sum(rare), 1e-9)),
        "name_unsaid": float(any(word.name and word.stem not in held for word in words)),
    }
