"""Which documents a question is put to, and filters read out of the question itself."""

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.knowledge.documents import COLLECTIONS, Document


@dataclass(frozen=True)
class Filters:
    """Conditions that a document must meet, all of them.

    Attributes
    ----------
    collections : tuple of str
        One of these; empty: any.
    since, until : str, optional
        ISO days, both inclusive; a document without a date is in no span of time.
    metadata : mapping
        Names with a value, or a list of values of which one must be there.
    """

    collections: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "collections", tuple(self.collections))
        for name in self.collections:
            if name not in COLLECTIONS:
                raise UnknownNameError("collection", name, COLLECTIONS, field="collections")
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None and not _is_day(value):
                raise BadInputError(f"{name} must be a day like 2026-03-31, found {value!r}", field=name)

    def __bool__(self) -> bool:
        return bool(self.collections or self.since or self.until or self.metadata)

    def admits(self, document: Document) -> bool:
        """Whether a document meets all conditions."""
        if self.collections and document.collection not in self.collections:
            return False
        if (self.since or self.until) and document.date is None:
            return False
        if self.since and document.date < self.since:
            return False
        if self.until and document.date > self.until:
            return False
        return all(_meets(document.metadata.get(name), wanted) for name, wanted in self.metadata.items())

    @classmethod
    def of(cls, given: "Filters | Mapping[str, Any] | None", collections: Iterable[str] | None = None) -> "Filters":
        """Filters from what a caller wrote: an object of ``collections since until`` and metadata names."""
        if given is None:
            made = cls()
        elif isinstance(given, cls):
            made = given
        elif isinstance(given, Mapping):
            own = {name: given[name] for name in ("collections", "since", "until") if name in given}
            made = cls(**own, metadata={k: v for k, v in given.items() if k not in own})
        else:
            raise BadInputError(f"filters must be an object, found {type(given).__name__}", field="filters")
        if isinstance(collections, str):
            collections = [collections]
        return replace(made, collections=tuple(collections)) if collections else made


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _meets(found: Any, wanted: Any) -> bool:
    ours = found if isinstance(found, list) else [found]
    theirs = wanted if isinstance(wanted, list | tuple | set) else [wanted]
    return any(a == b for a in ours for b in theirs)


_MONTHS = {name.lower(): i for names in (calendar.month_name, calendar.month_abbr) for i, name in enumerate(names) if i}
_MONTHS |= {"sept": 9}
_MONTH = "(?:" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_MOMENT = rf"(?:\d{{4}}-\d{{2}}-\d{{2}}|{_MONTH}\s+(?:of\s+)?\d{{4}}|\d{{4}}-\d{{2}}|q[1-4]\s+\d{{4}}|\d{{4}})"
_SPANS = (
    (re.compile(rf"\b(?:between|from)\s+({_MOMENT})\s+(?:and|to|until|till)\s+({_MOMENT})\b", re.I), "span"),
    (re.compile(rf"\b(?:since|starting(?:\s+in)?|from)\s+({_MOMENT})(?:\s+on(?:wards?)?)?\b", re.I), "since"),
    (re.compile(rf"\bafter\s+({_MOMENT})\b", re.I), "after"),
    (re.compile(rf"\b(?:until|till|up to)\s+({_MOMENT})\b", re.I), "until"),
    (re.compile(rf"\bbefore\s+({_MOMENT})\b", re.I), "before"),
)
_KINDS = r"(?:pages?|documents?|docs|notes?|files?|entries)"
_LATE = re.compile(r"\b(?:in|from|of|within)\s+the\s+(?:last|past)\s+(\d{1,3})\s+(day|week|month|year)s?\b", re.I)
_SPOKEN = {
    "product_docs": r"product\s+(?:docs|documentation|pages?)",
    "user_behavior": r"user\s+behaviou?r\s+(?:docs|documents?|pages?|notes?)",
    "market_trends": r"market\s+(?:trends?|research)\s+(?:docs|documents?|pages?|notes?)",
    "competitor_intel": r"(?:competitor|competitive)\s+(?:intel(?:ligence)?|docs|documents?|pages?|notes?)",
    "campaign_history": r"campaign\s+(?:history|docs|documents?|pages?|notes?|reports?)",
    "customer_feedback": r"(?:customer\s+)?feedback\s+(?:docs|documents?|pages?|notes?)",
}


def read_filters(question: str, subjects: Iterable[str] = (), today: date | None = None) -> tuple[str, Filters]:
    """The question without what names its sources, and the filters that part meant.

    Only plain wordings are taken for filters ("pricing pages since March 2026", "in the competitor notes", "documents
    of the last 3 months"); a year in the middle of a question is part of the question.

    Parameters
    ----------
    question : str
    subjects : iterable of str
        Values of the metadata name ``subject`` that documents have: "pricing pages" means those of subject pricing.
    today : datetime.date, optional
        What "the last 3 months" counts from.

    >>> rest, found = read_filters("What do the pricing pages since March 2026 say about refunds?", ["pricing"])
    >>> rest, found.since, found.metadata
    ('What say about refunds?', '2026-03-01', {'subject': 'pricing'})
    """
    rest, since, until = _span_of(question, today or date.today())
    rest, collections = _collections_of(rest)
    rest, subject = _subject_of(rest, subjects)
    found = Filters(collections, since, until, {"subject": subject} if subject else {})
    named = bool(collections or subject or re.search(rf"\b{_KINDS}\b", question, re.I))
    if not found or not named:
        return question, Filters()
    return _tidy(rest) or question, found


def _span_of(text: str, today: date) -> tuple[str, str | None, str | None]:
    if late := _LATE.search(text):
        days = int(late[1]) * {"day": 1, "week": 7, "month": 30, "year": 365}[late[2].lower()]
        return _cut(text, late), (today - timedelta(days=days)).isoformat(), None
    for pattern, how in _SPANS:
        if found := pattern.search(text):
            first, last = _days_of(found[1])
            ends = {
                "span": (first, _days_of(found[found.lastindex])[1]),
                "since": (first, None),
                "after": (_next(last), None),
                "until": (None, last),
                "before": (None, _before(first)),
            }
            return (_cut(text, found), *ends[how])
    return text, None, None


def _days_of(moment: str) -> tuple[str, str]:
    """First and last day of a day, month, quarter or year."""
    text = moment.lower().replace(".", "").replace(" of ", " ")
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return text, text
    if re.fullmatch(r"\d{4}", text):
        return f"{text}-01-01", f"{text}-12-31"
    if quarter := re.fullmatch(r"q([1-4])\s+(\d{4})", text):
        last = int(quarter[1]) * 3
        return f"{quarter[2]}-{last - 2:02d}-01", _month_end(int(quarter[2]), last)
    if month := re.fullmatch(r"(\d{4})-(\d{2})", text):
        year, number = int(month[1]), min(max(int(month[2]), 1), 12)
    else:
        name, year_text = text.split()
        year, number = int(year_text), _MONTHS[name]
    return f"{year}-{number:02d}-01", _month_end(year, number)


def _month_end(year: int, month: int) -> str:
    return f"{year}-{month:02d}-{calendar.monthrange(year, month)[1]:02d}"


def _next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


_WHERE = (
    r"(?:\b(?:do|does|did|what|which)\s+(?=(?:the|our)\b))?"
    r"(?:\b(?:in|from|of|on|according\s+to)\s+)?(?:\b(?:the|our)\s+)?"
)


def _collections_of(text: str) -> tuple[str, tuple[str, ...]]:
    for name, spoken in _SPOKEN.items():
        if found := re.search(rf"{_WHERE}\b(?:{spoken}|{name}(?:\s+collection)?)\b", text, re.I):
            return _cut(text, found), (name,)
    return text, ()


def _subject_of(text: str, subjects: Iterable[str]) -> tuple[str, str | None]:
    for subject in sorted(subjects, key=len, reverse=True):
        spoken = r"[\s_-]+".join(re.escape(part) for part in re.split(r"[\s_-]+", subject))
        if found := re.search(rf"{_WHERE}\b{spoken}\s+{_KINDS}\b", text, re.I):
            return _cut(text, found), subject
    return text, None


def _cut(text: str, found: re.Match) -> str:
    return f"{text[: found.start()]} {text[found.end() :]}"


def _tidy(text: str) -> str:
    text = re.sub(r"\s+([?!.,;:])", r"\1", " ".join(text.split()))
    return text.strip(" ,;:") if re.search(r"\w\w", text) else ""
