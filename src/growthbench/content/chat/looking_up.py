"""Questions of a chat, answered from the documents: claims that hold without the question's help."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from growthbench.content.chat.replies import ChatCitation
from growthbench.content.chat.wording import Proven, held
from growthbench.knowledge.answers import Answer, answer, shelf_of
from growthbench.knowledge.base import LONGEST_QUESTION, KnowledgeBase
from growthbench.knowledge.citations import Citation, Claim
from growthbench.knowledge.token_vectors import TokenShelf
from growthbench.language.errors import UnreadableReplyError
from growthbench.language.guard import cleaned
from growthbench.language.models import OFFLINE
from growthbench.language.orders import gives_orders
from growthbench.language.settings import LanguageSettings
from growthbench.text.analysis import stems, words
from growthbench.text.sentences import sentences

LEAST_WORDS = 3
"""A claim of fewer words is told by the sentence that it was taken from."""

_SHELVES = 16


@dataclass(frozen=True)
class Found:
    """What the documents say to some questions.

    Attributes
    ----------
    claims : tuple of Proven
    answered : int
        How many of the questions.
    confidence : float
        The least of the answers'.
    written_by : tuple of str
    notes : tuple of str
    """

    claims: tuple[Proven, ...] = ()
    answered: int = 0
    confidence: float = 0.0
    written_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class LookingUp:
    """Looks questions up for one conversation's tenant and role.

    Parameters
    ----------
    base : KnowledgeBase
    settings : LanguageSettings
    hosts : collection of str
        Whose links may be shown.
    """

    def __init__(self, base: KnowledgeBase, settings: LanguageSettings, hosts: Sequence[str] = ()):
        self.base, self.settings, self.hosts = base, settings, tuple(hosts)
        self._shelves: dict[str, TokenShelf | None] = {}

    def find(self, questions: Sequence[str], tenant: str, role: str | None, run: str) -> Found:
        """Answer each question; the claims are numbered through."""
        found = Found()
        for question in questions:
            found = self._joined(found, question, *self._asked(question, tenant, role, run))
        return found

    def _asked(self, question: str, tenant: str, role: str | None, run: str) -> tuple[Answer, tuple[str, ...]]:
        if tenant not in self._shelves:
            if len(self._shelves) >= _SHELVES:
                self._shelves.clear()
            self._shelves[tenant] = shelf_of(self.base, tenant)
        options = {"tenant": tenant, "role": role, "shelf": self._shelves[tenant], "agent": "chat", "run": run}
        question = question[:LONGEST_QUESTION]
        # Replies are not kept in the cache: they may hold a visitor's words, which go when the visitor is erased.
        try:
            given = answer(self.base, question, settings=self.settings, cache_s=0, **options)
        except UnreadableReplyError:
            return answer(self.base, question, settings=LanguageSettings(), **options), (
                "the model's answer could not be read: the documents are quoted instead",
            )
        if given.answered or not given.dropped or self.settings.models == (OFFLINE,):
            return given, ()
        # A model that writes what no document says is not asked whether the documents hold an answer.
        return answer(self.base, question, settings=LanguageSettings(), **options), (
            f"{len(given.dropped)} drafts of the model are in no document: the documents are quoted instead",
        )

    def _joined(self, found: Found, question: str, given: Answer, notes: tuple[str, ...]) -> Found:
        marks = {_place(c): c.number for claim in found.claims for c in claim.citations}
        claims = list(found.claims)
        told = {claim.text for claim in claims}
        for claim in given.claims:
            proven = self._proven(claim, question, len(claims) + 1, marks)
            if proven is not None and proven.text not in told:
                told.add(proven.text)
                claims.append(proven)
        new = len(claims) > len(found.claims)
        confidence = given.confidence if new and not found.answered else min(found.confidence, given.confidence)
        said = (given.why,) if given.why and new else ()
        return replace(
            found,
            claims=tuple(claims),
            answered=found.answered + bool(new or (given.answered and found.claims)),
            confidence=confidence if new else found.confidence,
            written_by=tuple(dict.fromkeys((*found.written_by, *([given.written_by] if new else [])))),
            notes=tuple(dict.fromkeys((*found.notes, *notes, *said))),
        )

    def _proven(self, claim: Claim, question: str, number: int, marks: dict[tuple, int]) -> Proven | None:
        quotes = [c.quote for c in claim.citations]
        whole = len(words(claim.text)) >= LEAST_WORDS and held(claim.text, quotes)
        text = claim.text if whole else _nearest(question, quotes)
        text = " ".join(cleaned(text, self.hosts).split())
        if not stems(text) or gives_orders(text) or any(gives_orders(quote) for quote in quotes):
            return None
        cited = [self._cited(c, marks.setdefault(_place(c), len(marks) + 1)) for c in claim.citations]
        return Proven(number, text, tuple(cited))

    def _cited(self, c: Citation, number: int) -> ChatCitation:
        title = " ".join(cleaned(c.title, self.hosts).split())
        quote = cleaned(c.quote, self.hosts)
        return ChatCitation(number, c.document_id, c.passage_id, title, quote, c.start, c.end, c.date, c.stale)


def _place(c: Citation | ChatCitation) -> tuple[str, int, int]:
    return (c.document_id, c.start, c.end)


def _nearest(question: str, quotes: Sequence[str]) -> str:
    """The sentence of some quotes that shares most words with the question."""
    wanted = set(stems(question))
    parts = [quote[a:b] for quote in quotes for a, b in sentences(quote)]
    return max(parts, key=lambda part: len(wanted & set(stems(part))), default="")
