"""The chat's two programs, spoken through the router: personal data masked, money held, offline by default."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from growthbench.content.chat.wording import Line, NumberedClaim, Proven, worded
from growthbench.language import UnreadableReplyError, speaking
from growthbench.language.settings import LanguageSettings
from growthbench.language.speech import Speech
from growthbench.language.spoken import speaking_as
from growthbench.store.engine import Store

TEMPERATURE = 0.7
FOLLOW_UP, REPLY = "chat_follow_up", "chat_reply"
"""Names of the programs among the prompts."""
_UNREADABLE = "the model's wording could not be read: the claims are told as they are"


class Voice:
    """Speaks for one exchange.

    Parameters
    ----------
    store : Store
    settings : LanguageSettings
    tenant : str
    run : str
        The conversation: what it costs is booked on it.
    known : iterable of str
        Identifiers to mask.

    Attributes
    ----------
    written_by : list of str
    notes : list of str
    """

    def __init__(self, store: Store, settings: LanguageSettings, tenant: str, run: str, known: Iterable[str]):
        self._store, self._settings = store, settings
        self._tenant, self._run, self._known = tenant, run, [word for word in known if word]
        self.written_by: list[str] = []
        self.notes: list[str] = []

    def standing(self, question: str, before: Sequence[str], names: Sequence[str]) -> str:
        """A question that stands alone."""
        from growthbench.content.chat.follow_up import FollowUps, leans, resolved, stands

        if not leans(question, before):
            return question
        by_rule = resolved(question, before, names)
        try:
            with self._speaking(self._settings, kind="bulk_processing", temperature=0.0):
                program = speaking_as(FollowUps(), FOLLOW_UP)
                given = program(message=question, before=list(before[-4:]), names=list(names[:8])).question
        except UnreadableReplyError:
            return by_rule
        if isinstance(given, str) and stands(given, question, before, names):
            return given.strip()
        self.notes.append("the follow-up was resolved by rule: the model's question held words that nobody said")
        return by_rule

    def worded(self, message: str, recent: Sequence[str], claims: Sequence[Proven]) -> tuple[list[Line], int]:
        """The reply's sentences around verified claims, each proven again."""
        from growthbench.content.chat.wording import ReplyWriter

        shown = [NumberedClaim(number=c.number, text=c.text) for c in claims]
        settings = self._settings
        while True:
            try:
                with self._speaking(settings, kind="content_generation", temperature=TEMPERATURE) as speech:
                    program = speaking_as(ReplyWriter(), REPLY)
                    drafts = program(message=message, recent=list(recent), claims=shown).sentences
            except UnreadableReplyError:
                if settings == LanguageSettings():
                    raise
                settings = LanguageSettings()
                self.notes.append(_UNREADABLE)
                continue
            self.written_by.append(speech.written_by or "")
            return worded(drafts, claims)

    def _speaking(self, settings: LanguageSettings, kind: str, temperature: float) -> AbstractContextManager[Speech]:
        return speaking(
            settings,
            self._store,
            tenant=self._tenant,
            kind=kind,
            priority="speed",
            agent="chat",
            run=self._run,
            known_ids=self._known,
            cache_s=0,
            temperature=temperature,
        )
