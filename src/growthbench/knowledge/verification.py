"""Checks without a model that a claim rests on what a document says, letter by letter.

A writer, offline or a model, gives a text, a quote and the number of the source it took it from. The quote must stand
in that source as one piece. White space and typographic marks may differ, because models rewrite them; the citation
then carries the source's own characters, never the writer's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from growthbench.text.analysis import STOP_WORDS, stems, words
from growthbench.text.sentences import sentences

Reason = Literal["empty", "unknown_source", "fabricated", "misattributed", "stitched", "instruction", "unsupported"]

SHORTEST_WORDS = 2
PIECE_WORDS = 3
MOST_PIECES = 5
SUPPORT = 0.6
"""Share of a claim's words that its quotes (or what they stand under) must hold."""

_TYPOGRAPHY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"})
_TYPOGRAPHY |= str.maketrans({"\u00a0": " ", "\u2011": "-", "\u202f": " "})
_ELLIPSIS = re.compile(r"\s*(?:\.\.\.|\u2026|\[\s*(?:\.\.\.|\u2026)\s*\])\s*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = frozenset(("no", "not", "never", "none", "nobody", "nothing", "neither", "nor", "cannot", "without"))


@dataclass(frozen=True)
class Source:
    """What was shown under a number: ``text`` is the whole document, ``start`` and ``end`` the passage shown."""

    number: int
    document_id: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Found:
    """Where a quote stands: ``source.text[start:end]``."""

    source: Source
    start: int
    end: int

    @property
    def quote(self) -> str:
        """The source's own characters."""
        return self.source.text[self.start : self.end]


@dataclass(frozen=True)
class Refusal:
    """Why a quote or claim is not accepted."""

    reason: Reason
    detail: str


def check_quote(quote: str, number: int, sources: Sequence[Source]) -> Found | Refusal:
    """Find a quote in the source it is attributed to.

    Parameters
    ----------
    quote : str
    number : int
        Of the source that the writer names.
    sources : sequence of Source
        Everything that the writer was shown.

    Returns
    -------
    Found or Refusal
        ``misattributed`` when another source says it, ``stitched`` when it is put together from pieces,
        ``fabricated`` when no source says it.
    """
    if len(words(quote)) < SHORTEST_WORDS:
        return Refusal("empty", f"a quote of {len(words(quote))} words proves nothing")
    named = [s for s in sources if s.number == number]
    if not named:
        return Refusal("unknown_source", f"there is no source {number}: shown were {len(sources)}")
    for source in named:
        if span := locate(quote, source.text, source.start, source.end) or locate(quote, source.text):
            return Found(source, *span)
    for other in sources:
        if locate(quote, other.text):
            return Refusal("misattributed", f"the quote is from source {other.number}, not from {number}")
    if pieces := _pieces(quote, sources):
        return Refusal("stitched", f"the quote is put together from {pieces} pieces that do not stand together")
    return Refusal("fabricated", "no source says this")


def locate(quote: str, text: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Span of a quote in a text: exact first, then with other white space and typographic marks.

    >>> locate("costs  EUR\\n199", "Pro costs EUR 199 a month.")
    (4, 17)
    """
    end = len(text) if end is None else end
    quote = quote.strip()
    if not quote:
        return None
    at = text.find(quote, start, end)
    if at < 0:
        found = re.compile(_pattern(quote)).search(text.translate(_TYPOGRAPHY), start, end)
        return found.span() if found else None
    return at, at + len(quote)


def _pattern(quote: str) -> str:
    return r"\s+".join(re.escape(part) for part in quote.translate(_TYPOGRAPHY).split())


def _pieces(quote: str, sources: Sequence[Source]) -> int:
    """Number of verbatim pieces of some words that make up the quote; 0 if it cannot be made of few."""
    parts = [p for p in _ELLIPSIS.split(quote) if p.strip()]
    if len(parts) > 1 and all(any(locate(p, s.text) for s in sources) for p in parts):
        return len(parts)
    tokens, at, pieces = quote.split(), 0, 0
    while at < len(tokens):
        longest = _longest(tokens, at, sources)
        if longest < min(PIECE_WORDS, len(tokens) - at) or pieces == MOST_PIECES:
            return 0
        at, pieces = at + longest, pieces + 1
    return pieces if pieces > 1 else 0


def _longest(tokens: list[str], at: int, sources: Sequence[Source]) -> int:
    length = 0
    while at + length < len(tokens):
        piece = " ".join(tokens[at : at + length + 1]).strip(".,;:")
        if not any(locate(piece, s.text) for s in sources):
            break
        length += 1
    return length


def check_support(text: str, quotes: Sequence[str], context: str = "") -> Refusal | None:
    """Whether a claim says no more than its quotes: its numbers and its words must be there, its negation too.

    Parameters
    ----------
    text : str
        The claim.
    quotes : sequence of str
    context : str, optional
        What the quotes stand under, title and headings: names and words may be from there. The question is no such
        thing: "does Free work with Acme?" must not carry "Free works with Acme".

    >>> check_support("Pro costs EUR 199.", ["The Pro plan costs EUR 199 a month."])
    >>> check_support("Pro costs EUR 149.", ["The Pro plan costs EUR 199 a month."]).reason
    'unsupported'
    """
    said = " ".join(quotes)
    if any(text.strip() in quote for quote in quotes):
        return None
    if strange := numbers_of(text) - numbers_of(said):
        return Refusal("unsupported", f"the quotes do not hold the number {', '.join(sorted(strange))}")
    if negated(text) != negated(_nearest(text, quotes)):
        return Refusal("unsupported", "one of claim and quote denies what the other says")
    if strange := names_of(text) - set(words(said)) - set(words(context)):
        return Refusal("unsupported", f"the quotes do not name {', '.join(sorted(strange))}")
    wanted = set(stems(text))
    held = wanted & (set(stems(said)) | set(stems(context)))
    if len(held) < SUPPORT * len(wanted):
        strange = " ".join(sorted(wanted - held))
        return Refusal("unsupported", f"{len(held)} of {len(wanted)} words are in the quotes; not: {strange}")
    if not wanted & set(stems(said)):
        return Refusal("unsupported", "nothing of the claim is in the quotes")
    return None


def _nearest(text: str, quotes: Sequence[str]) -> str:
    """The sentence of the quotes that shares most words with a claim."""
    wanted = set(stems(text))
    parts = [quote[a:b] for quote in quotes for a, b in sentences(quote)]
    return max(parts, key=lambda part: len(wanted & set(stems(part))), default="")


def numbers_of(text: str) -> set[str]:
    """Numbers of a text without grouping marks, so that 1,000 and 1000 are the same.

    >>> sorted(numbers_of("1,000 calls, 99.9 percent"))
    ['1000', '99.9']
    """
    return {re.sub(r",(?=\d{3}\b)", "", n).rstrip(".,") for n in _NUMBER.findall(text)}


def negated(text: str) -> bool:
    """Whether a text denies something."""
    tokens = re.findall(r"n't\b|\w+", text.lower().translate(_TYPOGRAPHY))
    return bool(_NEGATION & set(tokens)) or "n't" in text.lower().translate(_TYPOGRAPHY)


def names_of(text: str) -> set[str]:
    """Lower-cased words with a capital inside a sentence, which are likely names; codes such as AB-12 too."""
    found = re.findall(r"(?<![.!?:]\s)(?<!^)\b([A-Z][\w-]+)", text)
    return {word for name in found for word in words(name) if word not in STOP_WORDS}
