"""Cut documents into passages: whole sentences under one heading, with the exact characters they cover."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from growthbench.base.ids import digest
from growthbench.knowledge.documents import Document
from growthbench.text.sentences import sentences

TARGET_WORDS = 100
"""A passage ends at the first sentence that reaches it."""
SHORT_WORDS = 40
"""A shorter remainder joins its neighbour."""
LONGEST_SENTENCE_WORDS = 120
"""A longer "sentence" (a list without stops, a text without capitals) is cut at weaker marks."""
CUTTING = "1"
"""Moves when the rules here change, so that documents are cut again."""

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_LONG_WORD = 12  # characters; English words have 6 with their space
_BLOCK = SHORT_WORDS * _LONG_WORD
_WEAK_END = re.compile(r"(?<=[.!?;:])\s+|\n+")


@dataclass(frozen=True)
class Passage:
    """A piece of a document: ``text == document.text[start:end]``, always.

    Attributes
    ----------
    passage_id : str
        Depends on the document's id and the passage's place and text: the same at every ingest of the same document.
    document_id, collection, title, date, roles
        As of its document.
    text : str
    start, end : int
        Characters of the document's text.
    metadata : dict
        The document's, and ``headings``: the path of headings that it stands under.
    """

    passage_id: str
    document_id: str
    collection: str
    title: str
    text: str
    start: int
    end: int
    date: str | None = None
    roles: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """Title and headings in one line, nothing said twice."""
        return " > ".join(dict.fromkeys([self.title, *self.metadata.get("headings", ())]))

    @property
    def indexed(self) -> str:
        """What is searched: a passage knows what it is about from its headings as much as from its words."""
        return f"{self.heading}\n{self.text}"


@dataclass
class Piece:
    """A span of a document under its headings, with the number of its words."""

    start: int
    end: int
    words: int
    headings: tuple[str, ...]


def cut(document: Document, target_words: int = TARGET_WORDS) -> list[Passage]:
    """Passages of a document, in order.

    Examples
    --------
    >>> text = "# Prices\\n\\nPro costs EUR 199.\\n\\n## Yearly\\n\\nTen months are paid."
    >>> [p.text for p in cut(Document("a", "product_docs", "Prices", text))]
    ['Pro costs EUR 199.\\n\\n## Yearly\\n\\nTen months are paid.']
    """
    pieces = pieces_of(document.text, target_words)
    return [passage_of(document, p.start, p.end, p.headings) for p in pieces]


def passage_of(document: Document, start: int, end: int, headings: tuple[str, ...] = ()) -> Passage:
    """The passage that covers ``document.text[start:end]``."""
    text = document.text[start:end]
    return Passage(
        passage_id=f"{document.document_id}#{digest(document.document_id, str(start), text)[:12]}",
        document_id=document.document_id,
        collection=document.collection,
        title=document.title,
        text=text,
        start=start,
        end=end,
        date=document.date,
        roles=document.roles,
        metadata=document.metadata | {"headings": list(headings)},
    )


def pieces_of(text: str, target_words: int = TARGET_WORDS) -> list[Piece]:
    """Spans of about ``target_words`` words; short sections join the next one, so that none is a mere line."""
    packed = [piece for section in _sections(text) for piece in _packed(text, section, target_words)]
    return _joined(packed, target_words) or [_whole(text)]


def _whole(text: str) -> Piece:
    """A document of nothing but headings."""
    start = len(text) - len(text.lstrip())
    return Piece(start, len(text.rstrip()), _words(text), ())


def _sections(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Spans between headings, each with its path of headings."""
    path: list[tuple[int, str]] = []
    start, at, fenced = 0, 0, False
    for line in text.splitlines(keepends=True):
        fenced ^= bool(_FENCE.match(line))
        found = None if fenced else _HEADING.match(line.rstrip("\r\n"))
        if found:
            yield start, at, tuple(name for _, name in path)
            level = len(found[1])
            path = [*(p for p in path if p[0] < level), (level, found[2])]
            start = at + len(line)
        at += len(line)
    yield start, at, tuple(name for _, name in path)


def _packed(text: str, section: tuple[int, int, tuple[str, ...]], target: int) -> Iterator[Piece]:
    """Sentences of one section, packed until the target is reached."""
    start, end, headings = section
    piece: Piece | None = None
    for a, b in _parts(text, start, end):
        words = _words(text[a:b])
        if piece and piece.words + words > target and piece.words >= SHORT_WORDS:
            yield piece
            piece = None
        piece = Piece(piece.start if piece else a, b, words + (piece.words if piece else 0), headings)
    if piece:
        yield piece


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for a, b in sentences(text[start:end]):
        yield from _weakly_cut(text, start + a, start + b)


def _weakly_cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence as it is; or, if it is too long for one, pieces at weaker marks, at last at any space."""
    if _words(text[start:end]) <= LONGEST_SENTENCE_WORDS:
        yield start, end
        return
    ends = [m.start() for m in _WEAK_END.finditer(text, start, end)] or _anywhere(text, start, end)
    at = start
    for stop in [*ends, end]:
        while at < stop and text[at].isspace():
            at += 1
        if at < stop:
            yield from _weakly_cut(text, at, stop)
        at = stop


def _anywhere(text: str, start: int, end: int) -> list[int]:
    """Every so many words; every so many characters of a text without spaces."""
    gaps = [start + m.start() for m in re.finditer(r"\s+", text[start:end])]
    return gaps[SHORT_WORDS - 1 :: SHORT_WORDS] or list(range(start + _BLOCK, end, _BLOCK))


def _words(text: str) -> int:
    """Number of words; scripts without spaces, and long tokens, count by their characters."""
    return max(len(text.split()), len(text) // _LONG_WORD)


def _joined(pieces: list[Piece], target: int) -> list[Piece]:
    """Short pieces join the one before, as long as both together stay near the target.

    The first one's headings stand for both: those of the second are in the text between them.
    """
    made: list[Piece] = []
    for piece in pieces:
        last = made[-1] if made else None
        short = last and min(last.words, piece.words) < SHORT_WORDS
        if short and last.words + piece.words <= target * 1.5:
            made[-1] = Piece(last.start, piece.end, last.words + piece.words, last.headings)
        else:
            made.append(piece)
    return made
