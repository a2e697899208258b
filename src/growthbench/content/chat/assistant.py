"""The assistant: one message in, one reply out, or the same in pieces."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from growthbench.base.errors import BadInputError
from growthbench.base.ids import new_id
from growthbench.content.chat.conversations import RETENTION_DAYS, Conversation, Conversations, Said
from growthbench.content.chat.exchange import Exchange, Exchanges
from growthbench.content.chat.feedback import keep_feedback
from growthbench.content.chat.looking_up import LookingUp
from growthbench.content.chat.memory import WINDOW, Memory
from growthbench.content.chat.people_side import PeopleSide
from growthbench.content.chat.replies import Delta, Reply, Turn
from growthbench.content.chat.situation import without_orders
from growthbench.content.chat.training_set import training_set
from growthbench.content.chat.understanding import Understanding
from growthbench.content.chat.wording import courtesies
from growthbench.events.checks import checked_text
from growthbench.knowledge.base import KnowledgeBase
from growthbench.language.settings import LanguageSettings
from growthbench.people.directory import Directory
from growthbench.predictions.scorer import Scorer
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring

if TYPE_CHECKING:
    import dspy

LONGEST_MESSAGE = 4_000
LONGEST_BEFORE = 500
LAST_TURN = 60
"""Messages of a person after which a conversation is closed; a person is called long before."""
_TENANTS = 32
_LOOK_AGAIN_S = 3_600.0


class Assistant:
    """Answers visitors of any tenant from its documents. Safe to use from several threads.

    Parameters
    ----------
    store : Store
    base : KnowledgeBase
        On the same store.
    settings : LanguageSettings, optional
        Which models may write; anything else: read from the environment. Offline by default.
    home : Path
        Where the key ring and the deployed models are.
    directory, scorer : callable, optional
        Of a tenant; by default of this home. ``scorer`` may return None: then no intent and no lead score is told.
    sentiment : callable, optional
        From texts to numbers in [-1, 1]; the shipped model by default.
    hosts : sequence of str
        Hosts whose links may stand in a reply; none by default.
    retention_days : float, default 90
        After so long without a message a conversation is deleted.

    Examples
    --------
    ::

        assistant = Assistant(store, base, home=home)
        reply = assistant.reply(None, "What does Pro cost?", tenant="local")
        again = assistant.reply(reply.conversation_id, "And Enterprise?", tenant="local")
    """

    def __init__(
        self,
        store: Store,
        base: KnowledgeBase,
        settings: object = None,
        *,
        home: Path,
        directory: Callable[[str], Directory] | None = None,
        scorer: Callable[[str], Scorer | None] | None = None,
        sentiment: Callable[[list[str]], np.ndarray] | None = None,
        hosts: Sequence[str] = (),
        retention_days: float = RETENTION_DAYS,
    ):
        self.store, self.base, self.home = store, base, Path(home)
        self.settings = settings if isinstance(settings, LanguageSettings) else LanguageSettings.read()
        self.retention_days = retention_days
        self._own: OrderedDict[tuple[str, str], Directory | Scorer] = OrderedDict()
        self._lock, self._expired = threading.RLock(), dict[str, float]()
        self._keyring: Keyring | None = None
        self.directory = directory or self._own_directory
        scorer = scorer or self._own_scorer
        self.conversations = Conversations(store, self.directory)
        self._exchanges = Exchanges(
            base,
            self.settings,
            Understanding(scorer, sentiment),
            PeopleSide(store, self.directory, scorer),
            LookingUp(base, self.settings, hosts),
        )

    def reply(
        self,
        conversation_id: str | None,
        text: str,
        *,
        tenant: str,
        user_id: str | None = None,
        role: str | None = None,
        before: Sequence[str] | None = None,
    ) -> Reply:
        """Answer a message.

        Parameters
        ----------
        conversation_id : str or None
            None begins a conversation; its id is in the reply.
        text : str
            1 to 4,000 characters.
        tenant : str
        user_id : str, optional
            Who writes: the message becomes an event of theirs, and their lead score is told. Without one the
            conversation belongs to an anonymous visitor.
        role : str, optional
            Whose documents may be read; fixed with the conversation.
        before : sequence of str, optional
            What the person wrote before, oldest first, from callers that keep the conversation themselves.

        Raises
        ------
        BadInputError
            ``field`` names what is wrong.
        NotFoundError, GoneError
            No such conversation of this tenant and person.
        ConflictError
            The conversation was begun for another role.
        BudgetError, ModelsUnavailableError
            A model was to write, could not, and ``offline`` is not among those that may.
        """
        _check(text, user_id, role)
        conversation = self._opened(conversation_id, tenant, user_id, role)
        if conversation.turns >= LAST_TURN:
            closed = courtesies()["outcome"]["closed"]
            return Reply(new_id("reply"), conversation.conversation_id, closed, "closed")
        memory = Memory.of(conversation.memory)
        recent = self.conversations.recent(conversation, WINDOW) if conversation.turns else []
        made = self._exchanges.make(Exchange(conversation, new_id("msg"), text, memory, recent, _earlier(before)))
        self.conversations.keep(
            conversation,
            Said(made.message_id, text, made.reply.reply_id, made.reply.to_dict(), made.inputs, made.memory.told(),
                 made.reply.escalation),
        )  # fmt: skip
        return made.reply

    def stream(self, conversation_id: str | None, text: str, **options) -> Iterator[Delta | Reply]:
        """The same in pieces: `Delta` after `Delta` of the text, then the `Reply`; parameters as of `reply`.

        Nothing is streamed before it was verified, so the first piece comes when the reply is complete and stored; a
        reader who leaves early misses pieces, not the reply.
        """
        made = self.reply(conversation_id, text, **options)
        yield from (Delta(piece) for piece in re.findall(r"\s*\S+\s*", made.text))
        yield made

    def history(
        self, conversation_id: str, *, tenant: str, user_id: str | None = None, role: str | None = None
    ) -> list[Turn]:
        """Everything that was said in a conversation, oldest first; errors as of `reply`."""
        return self.conversations.history(conversation_id, tenant, user_id, role)

    def feedback(
        self,
        reply_id: str,
        *,
        tenant: str,
        thumbs: int | None = None,
        edit: str | None = None,
        user_id: str | None = None,
    ) -> None:
        """Judge a reply: ``thumbs`` 1 or -1, ``edit`` the text as it should have been, or both; see `keep_feedback`."""
        keep_feedback(self.store, self.directory, reply_id, tenant, thumbs, edit, user_id)

    def training_set(self, tenant: str, limit: int = 1_000) -> "list[dspy.Example]":
        """Judged replies as examples, personal data masked; see `training_set.training_set`."""
        return training_set(self.store, self.directory, tenant, limit)

    def expire(self, tenant: str, days: float | None = None) -> int:
        """Delete conversations that are older than the retention; returns how many."""
        return self.conversations.expire(tenant, self.retention_days if days is None else days)

    def _opened(self, conversation_id: str | None, tenant: str, user_id: str | None, role: str | None) -> Conversation:
        if conversation_id is not None:
            return self.conversations.resume(conversation_id, tenant, user_id, role)
        self._expire_sometimes(tenant)
        return self.conversations.begin(tenant, user_id, role)

    def _expire_sometimes(self, tenant: str) -> None:
        now = time.monotonic()
        if now - self._expired.get(tenant, -_LOOK_AGAIN_S) >= _LOOK_AGAIN_S:
            self._expired[tenant] = now
            self.expire(tenant)

    def _own_directory(self, tenant: str) -> Directory:
        return self._kept("directory", tenant, lambda: Directory(self.store, self._ring(), tenant))

    def _own_scorer(self, tenant: str) -> Scorer:
        return self._kept(
            "scorer", tenant, lambda: Scorer(self.store, self.home, tenant, directory=self.directory(tenant))
        )

    def _ring(self) -> Keyring:
        self._keyring = self._keyring or Keyring.open(self.home)
        return self._keyring

    def _kept(self, kind: str, tenant: str, make: Callable):
        with self._lock:
            if (kind, tenant) not in self._own:
                self._own[kind, tenant] = make()
            self._own.move_to_end((kind, tenant))
            while len(self._own) > 2 * _TENANTS:
                self._own.popitem(last=False)
            return self._own[kind, tenant]


def _earlier(before: Sequence[str] | None) -> tuple[str, ...]:
    """What a caller tells of earlier messages: the last few, cut, without orders to the machine."""
    told = [text for text in before or () if isinstance(text, str) and text.strip()]
    return tuple(kept for text in told[-WINDOW:] if (kept := without_orders(text[:LONGEST_BEFORE])[0]))


def _check(text: str, user_id: str | None, role: str | None) -> None:
    if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST_MESSAGE:
        raise BadInputError(f"a message must be a text of 1 to {LONGEST_MESSAGE:,} characters", field="text")
    checked_text(text, "text", LONGEST_MESSAGE)
    for name, value in (("user_id", user_id), ("role", role)):
        if value is not None:
            checked_text(value, name, 500)
