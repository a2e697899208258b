"""Where the sentences of a text are, as spans of that very text.

Lines are read first: headings, list items and rows of a table stand for themselves, a blank line ends a paragraph, and
a paragraph's own line ends are only spaces. Within a block a sentence ends at ``. ! ?`` before a space and a word that
can begin one, unless the dot belongs to an abbreviation, an initial or a number.
"""

import re
from collections.abc import Iterator

_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s)|[。！？]+[”’」』）]*")
_CJK_END = "。！？"
_STARTS_LOW = re.compile(r"\s*[\"'“‘«(\[*_]*([a-z])")
_LAST_WORD = re.compile(r"[^\s\"'“‘«(\[]+$")
_INITIALS = re.compile(r"(?:[A-Za-z]\.)*[A-Za-z]")


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = _listed(
    """e.g i.e eg ie mr mrs ms dr prof st vs cf viz approx fig figs eq eqs sec ch vol vols no nos nr pp ed eds est
    dept gen sen rep gov capt lt col sgt hon messrs mt resp ca incl excl max min ref refs"""
)
"""Abbreviations that want something after them: their dot ends no sentence."""

_MAY_BE_LAST = _listed(
    """inc ltd co corp etc al jr sr u.s u.k u.n e.u a.m p.m jan feb mar apr jun jul aug sep sept oct nov dec mon tue
    wed thu fri sat sun tel ext"""
)
"""Abbreviations that may end a sentence: their dot does where a capital letter follows that is no digit."""

_FENCE = re.compile(r"\s*(?:```|~~~)")
_RULE = re.compile(r"\s*(?:[-*_=]\s*){3,}$|\s*\|?(?:\s*:?-{2,}:?\s*\|?)+\s*$")
_OWN_LINE = re.compile(
    r"\s*(?:#{1,6}\s+|[-*+•‣]\s+(?:\[[ xX]\]\s+)?|\d{1,3}[.)]\s+|\((?:\d{1,3}|[a-zA-Z])\)\s+|[a-zA-Z]\)\s+|\|\s*)"
)
_HEADING = re.compile(r"\s*(?:#{1,6}\s|\|)")
_QUOTE = re.compile(r"\s*(?:>\s?)+")


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of a text, in order.

    Parameters
    ----------
    text : str
        Plain or Markdown.

    Returns
    -------
    list of (int, int)
        ``text[start:end]`` has no space at its ends. What no span covers is white space and Markdown's marks at the
        beginning of a line.

    >>> text = "Dr. Lee paid 3.5 USD, e.g. for ads. See https://a.b/c?d=1. Done!"
    >>> [text[a:b] for a, b in sentences(text)]
    ['Dr. Lee paid 3.5 USD, e.g. for ads.', 'See https://a.b/c?d=1.', 'Done!']
    """
    return [span for start, end in _blocks(text) for span in _within(text, start, end)]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Paragraphs, headings, items and rows."""
    start = end = None
    for at, stop in _lines(text):
        line = text[at:stop]
        if not line.strip() or _FENCE.match(line) or _RULE.match(line):
            if start is not None:
                yield start, end
            start = None
            continue
        if quoted := _QUOTE.match(line):
            at += quoted.end()
            line = line[quoted.end() :]
        own = _OWN_LINE.match(line)
        if own and start is not None and not _continues(text[start:end], line):
            yield start, end
            start = None
        if start is None:
            start = at + (own.end() if own else 0)
        end = stop
        if _HEADING.match(line):
            yield start, end
            start = None
    if start is not None:
        yield start, end


def _continues(before: str, line: str) -> bool:
    """Whether a line that looks like ``2019. And`` or ``a) x`` goes on with the paragraph wrapped before it."""
    marker = line.strip()[:1]
    return marker.isalnum() and not before.rstrip().endswith((".", "!", "?", ":", ";", ",")) and "\n" in before


def _lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        yield at, stop
        at = stop + 1


def _within(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in _END.finditer(text, start, end):
        if found.end() < end and _ends(text, start, found, end):
            if span := _bare(text, start, found.end()):
                yield span
            start = found.end()
    if span := _bare(text, start, end):
        yield span


def _ends(text: str, start: int, found: re.Match, end: int) -> bool:
    if found.group()[0] in _CJK_END:
        return True
    if _STARTS_LOW.match(text, found.end(), end):
        return False
    if found.group()[0] != "." or found.group().startswith(".."):
        return True
    word = _LAST_WORD.search(text, start, found.start())
    if word is None:
        return found.start() > start
    bare = word.group().lower().strip("*_")
    follows = text[found.end() : end].lstrip()[:1]
    if bare in _MAY_BE_LAST:
        return follows.isupper()
    if bare in _NEVER_LAST:
        return bare == "no" and follows.isalpha()
    return not (len(word.group()) == 1 and word.group().isupper() and word.group() != "I") and not (
        "." in bare and _INITIALS.fullmatch(bare) and not follows.isupper()
    )


def _bare(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
