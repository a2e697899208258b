"""Sources that should not be trusted today, and documents that contradict each other; by dates and words, no model.

A source is stale when its ``valid_until`` has passed, when a readable document says that it ``supersedes`` it, or when
a newer document says otherwise. Two sentences say otherwise of the same thing when they share most of their words and
differ in a number of the same unit, or one denies what the other says. Sentences of two documents are only held
against each other when the documents have the same ``subject``, or when nearly all words are the same.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from growthbench.knowledge.best_sentence import Sentence
from growthbench.knowledge.passages import Passage
from growthbench.knowledge.verification import negated, numbers_of
from growthbench.text.analysis import stems

SAME_SUBJECT = 0.5
OTHER_SUBJECT = 0.75
"""Share of common words (Jaccard, numbers left out) from which on two sentences speak of the same."""

_WITH_UNIT = re.compile(r"(?:(eur|usd|gbp|[$€£])\s*)?(\d+(?:[.,]\d+)*)\s*(%|[a-z]+)?", re.IGNORECASE)


def stale_by_itself(passage: Passage, today: str) -> str:
    """Why the passage's document is out of date by its own word; empty if it is not."""
    until = str(passage.metadata.get("valid_until") or "")
    return f"valid until {until}" if until and until < today else ""


def superseded(passages: Iterable[Passage]) -> dict[str, str]:
    """``{document_id: title of what supersedes it}`` as far as the passages tell."""
    return {
        str(p.metadata["supersedes"]): f"superseded by {p.title}"
        for p in passages
        if p.metadata.get("supersedes") and p.metadata["supersedes"] != p.document_id
    }


def newer(a: Passage, b: Passage) -> bool:
    """Whether ``a`` is the one to believe: it is dated later, or the other is not dated."""
    return (a.date or "") > (b.date or "")


def disagreement(a: Sentence, b: Sentence) -> str:
    """What two sentences of two documents say differently; empty if nothing is known to differ."""
    if a.passage.document_id == b.passage.document_id:
        return ""
    if not _same_statement(a.text, b.text, SAME_SUBJECT if same_subject(a.passage, b.passage) else OTHER_SUBJECT):
        return ""
    ours, theirs = quantities(a.text), quantities(b.text)
    for unit in ours.keys() & theirs.keys():
        if not ours[unit] & theirs[unit]:
            return f"{'/'.join(sorted(theirs[unit]))} against {'/'.join(sorted(ours[unit]))} {unit}".strip()
    if negated(a.text) != negated(b.text) and _likeness(a.text, b.text) >= OTHER_SUBJECT:
        return "one denies what the other says"
    return ""


def disagreeing(chosen: Sentence, others: Sequence[Sentence]) -> list[tuple[Sentence, str]]:
    """Sentences that say otherwise, with what differs."""
    return [(other, about) for other in others if (about := disagreement(chosen, other))]


def same_subject(a: Passage, b: Passage) -> bool:
    """Whether two documents say that they are about the same."""
    subject = a.metadata.get("subject")
    return bool(subject) and subject == b.metadata.get("subject") and a.collection == b.collection


def quantities(text: str) -> dict[str, set[str]]:
    """Numbers by their unit: the currency before, else the stem of the word after.

    >>> sorted(quantities("Pro costs EUR 199 a month, 30 days").items())
    [('day', {'30'}), ('eur', {'199'})]
    """
    found: dict[str, set[str]] = {}
    for currency, number, word in _WITH_UNIT.findall(text):
        unit = currency.lower() or next(iter(stems(word)), "")
        found.setdefault(unit, set()).update(numbers_of(number))
    return found


def _same_statement(a: str, b: str, share: float) -> bool:
    """One may say more than the other; but what is said of Free is not held against what is said of Pro."""
    first, second = _content(a), _content(b)
    return _likeness(a, b) >= share and (first <= second or second <= first)


def _likeness(a: str, b: str) -> float:
    first, second = _content(a), _content(b)
    return len(first & second) / max(len(first | second), 1)


@lru_cache(maxsize=4096)
def _content(text: str) -> frozenset[str]:
    return frozenset(s for s in stems(text) if not s[0].isdigit())
