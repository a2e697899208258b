"""What an answer is made of: claims, and the exact characters of documents that carry them."""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from growthbench.knowledge.search import Search

NOT_IN_THE_DOCUMENTS = "This is not in the documents."


@dataclass(frozen=True)
class Citation:
    """A verbatim span of a document: ``quote == document.text[start:end]``.

    Attributes
    ----------
    document_id, passage_id, title : str
    quote : str
    start, end : int
        Characters of the document's text.
    date : str or None
        Day of the document.
    stale : str
        Why the source should not be trusted today; empty while nothing speaks against it.
    """

    document_id: str
    passage_id: str
    title: str
    quote: str
    start: int
    end: int
    date: str | None = None
    stale: str = ""


@dataclass(frozen=True)
class Claim:
    """One statement and what it rests on."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class Contradiction:
    """Two documents that say different things of the same: ``older`` (or undated) against ``newer``."""

    newer: Citation
    older: Citation
    about: str

    def __str__(self) -> str:
        return (
            f'{self.newer.title} ({self.newer.date or "no date"}) says "{self.newer.quote}", '
            f'{self.older.title} ({self.older.date or "no date"}) says "{self.older.quote}"'
        )


@dataclass(frozen=True)
class Refused:
    """A claim that was dropped, and why: ``fabricated``, ``misattributed``, ``stitched``, ``unsupported`` ..."""

    text: str
    quote: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Answer:
    """An answer, or the plain statement that there is none.

    Attributes
    ----------
    answered : bool
    text : str
        With marks such as ``[1]`` that count `citations`; `NOT_IN_THE_DOCUMENTS` if nothing was answered.
    claims : tuple of Claim
    confidence : float
        Calibrated probability that the answer points at the right passage.
    written_by : str
        ``offline`` or the model's name; ``nobody`` if nothing was written.
    why : str
        Why there is no answer, or what should be known of the one given.
    search : Search
        What was found.
    answerable : float
        Probability that the documents hold an answer at all.
    contradictions : tuple of Contradiction
    dropped : tuple of Refused
    answer_id : str
        Empty unless the answer was kept.
    """

    answered: bool
    text: str
    claims: tuple[Claim, ...]
    confidence: float
    written_by: str
    why: str
    search: "Search | None" = field(default=None, repr=False, compare=False)
    answerable: float = 0.0
    contradictions: tuple[Contradiction, ...] = ()
    dropped: tuple[Refused, ...] = ()
    answer_id: str = ""

    @property
    def citations(self) -> tuple[Citation, ...]:
        """All citations, in the order of their marks."""
        return tuple(dict.fromkeys(c for claim in self.claims for c in claim.citations))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``growthbench ask --json`` and the Desk give it."""
        return {
            "answered": self.answered,
            "answer": self.text,
            "citations": [asdict(one) for one in self.citations],
            "confidence": round(self.confidence, 4),
            "written_by": self.written_by,
            "why": self.why,
            "contradictions": [str(one) for one in self.contradictions],
            "dropped": [asdict(one) for one in self.dropped],
            **({"answer_id": self.answer_id} if self.answer_id else {}),
        }


def marked(claims: tuple[Claim, ...]) -> str:
    """The claims as one text, each followed by the numbers of its citations.

    >>> one = Citation("a", "a#1", "A", "Pro costs EUR 199.", 0, 18)
    >>> marked((Claim("Pro costs EUR 199.", (one,)), Claim("So it does.", (one,))))
    'Pro costs EUR 199. [1] So it does. [1]'
    """
    numbers: dict[Citation, int] = {}
    said = []
    for claim in claims:
        marks = [numbers.setdefault(c, len(numbers) + 1) for c in claim.citations]
        said.append(f"{claim.text} {' '.join(f'[{n}]' for n in marks)}")
    return " ".join(said)
