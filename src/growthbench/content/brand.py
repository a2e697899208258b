"""How a company writes: rules read out of its own brand file, so that one file is both read by people and checked.

Read are plain wordings: quoted words after "do not write" or "never", `We say "you", never "users"`, "no exclamation
marks", "short sentences" or "sentences of at most 20 words", "e-mails have at most 120 words", "the subject line has at
most 50 characters". A ``brand:`` object in the front matter says the same without words. Sentences that could not be
turned into a rule are kept in `Brand.unread`: a writer is told them, no check holds them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from growthbench.base.errors import DataFormatError
from growthbench.text.sentences import sentences

if TYPE_CHECKING:
    from growthbench.knowledge.base import KnowledgeBase

SUBJECT = "brand-voice"
"""``subject`` of the document that is the brand file."""
SHORT_SENTENCE = 25
"""Words that "short sentences" means where the file names no number."""
_QUOTED = re.compile(r"[\"“]([^\"”]+)[\"”]")
_INSTEAD = re.compile(r"[\"“]([^\"”]+)[\"”],? (?:never|not|instead of) [\"“]([^\"”]+)[\"”]", re.IGNORECASE)
_FORBIDS = re.compile(r"\b(?:do not|don't|never|avoid)\b", re.IGNORECASE)
_SENTENCE_WORDS = re.compile(r"\bsentences?\b[^.]*?\b(?:at most|up to|no more than|below) (\d+) words", re.IGNORECASE)
_EMAIL_WORDS = re.compile(r"\be-?mails?\b[^.]*?\bat most (\d+) words", re.IGNORECASE)
_SUBJECT_CHARS = re.compile(r"\bsubject lines?\b[^.]*?\bat most (\d+) characters", re.IGNORECASE)
_ONE_LINK = re.compile(r"\b(one|two|three|\d+) links?\b", re.IGNORECASE)
_NUMBERS = {"one": 1, "two": 2, "three": 3}
_KEYS = ("forbidden", "preferred", "max_sentence_words", "exclamation_marks", "tone", "limits")


@dataclass(frozen=True)
class Brand:
    """Rules of one company's voice.

    Attributes
    ----------
    forbidden : tuple of str
        Words and phrases that are not written, in any form.
    preferred : mapping of str to str
        What is written instead of a word: ``{"users": "you"}``.
    max_sentence_words : int or None
    exclamation_marks : int or None
        How many a text may have; None: any number.
    limits : mapping of str to int
        ``email_words``, ``subject_chars``, ``links``.
    tone : str
        In the file's own words.
    unread : tuple of str
        Sentences that no rule was made of.
    source : str
        The document; empty for the rules that ship with the package.
    """

    forbidden: tuple[str, ...] = ()
    preferred: Mapping[str, str] = field(default_factory=dict)
    max_sentence_words: int | None = None
    exclamation_marks: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    tone: str = ""
    unread: tuple[str, ...] = ()
    source: str = ""

    def told(self) -> list[str]:
        """The rules in words, for a writer."""
        said = [self.tone] if self.tone else []
        said += [f'do not write "{word}"' for word in self.forbidden]
        said += [f'write "{new}", not "{old}"' for old, new in self.preferred.items()]
        if self.max_sentence_words:
            said.append(f"sentences have at most {self.max_sentence_words} words")
        if self.exclamation_marks is not None:
            said.append(
                f"at most {self.exclamation_marks} exclamation marks"
                if self.exclamation_marks
                else "no exclamation marks"
            )
        return [*dict.fromkeys([*said, *self.unread])]


PLAIN = Brand(max_sentence_words=30, exclamation_marks=1, tone="plain words")
"""Where a company has no brand file."""


def read_brand(text: str, told: Mapping[str, Any] | None = None, source: str = "") -> Brand:
    """Rules from the text of a brand file and, over them, from its front matter's ``brand``.

    Examples
    --------
    >>> brand = read_brand('No exclamation marks. We say "you", never "users". We do not write "seamless".')
    >>> brand.forbidden, brand.preferred, brand.exclamation_marks
    (('seamless',), {'users': 'you'}, 0)
    """
    forbidden, preferred, limits, unread, tone = [], {}, {}, [], ""
    words = marks = None
    for a, b in sentences(text):
        line, used = " ".join(text[a:b].split()), False
        if text[:a].rsplit("\n", 1)[-1].startswith("#"):
            continue  # a heading
        for new, old in _INSTEAD.findall(line):
            preferred[old.lower()], used = new.lower(), True
        if not used and _FORBIDS.search(line) and (quoted := _QUOTED.findall(line)):
            forbidden += [word.lower() for word in quoted]
            used = True
        if re.search(r"\bno exclamation marks?\b", line, re.IGNORECASE):
            marks, used = 0, True
        if found := _SENTENCE_WORDS.search(line):
            words, used = int(found[1]), True
        elif re.search(r"\bshort sentences\b", line, re.IGNORECASE):
            words, used = SHORT_SENTENCE, True
        for name, pattern in (("email_words", _EMAIL_WORDS), ("subject_chars", _SUBJECT_CHARS)):
            if found := pattern.search(line):
                limits[name], used = int(found[1]), True
        if "email_words" in limits and (found := _ONE_LINK.search(line)):
            limits["links"] = _NUMBERS.get(found[1].lower()) or int(found[1])
        if not tone and line.lower().startswith("we write"):
            tone = line
        elif not used:
            unread.append(line)
    own = Brand(tuple(forbidden), preferred, words, marks, limits, tone, tuple(unread), source)
    return _over(own, told or {})


def _over(own: Brand, told: Mapping[str, Any]) -> Brand:
    if odd := sorted(set(told) - set(_KEYS)):
        raise DataFormatError(f"brand: unknown {', '.join(odd)}; known are {', '.join(_KEYS)}", field="brand")
    for name, kind in (("forbidden", list), ("preferred", Mapping), ("limits", Mapping), ("tone", str)):
        if name in told and not isinstance(told[name], kind):
            raise DataFormatError(
                f"brand: {name} must be a {kind.__name__.lower()}, found {told[name]!r}", field="brand"
            )
    return Brand(
        forbidden=tuple(dict.fromkeys([*own.forbidden, *(str(w).lower() for w in told.get("forbidden", ()))])),
        preferred={**own.preferred, **{str(k).lower(): str(v) for k, v in told.get("preferred", {}).items()}},
        max_sentence_words=told.get("max_sentence_words", own.max_sentence_words),
        exclamation_marks=told.get("exclamation_marks", own.exclamation_marks),
        limits={**own.limits, **told.get("limits", {})},
        tone=told.get("tone", own.tone),
        unread=own.unread,
        source=own.source,
    )


def brand_of(base: "KnowledgeBase", tenant: str, role: str | None = None) -> Brand:
    """The brand file of a tenant: the newest document with the subject `SUBJECT`; `PLAIN` if there is none."""
    found = [d for d in base.documents(tenant, role) if d.metadata.get("subject") == SUBJECT]
    if not found:
        return PLAIN
    newest = max(found, key=lambda d: (d.date or "", d.document_id))
    return read_brand(newest.text, newest.metadata.get("brand"), newest.document_id)
