"""One exchange: understand the message, look it up, decide by rules, word the reply, prove every sentence of it."""

from dataclasses import dataclass
from typing import Any

from growthbench.base.ids import new_id
from growthbench.content.chat.conversations import Conversation
from growthbench.content.chat.escalation import Facts, decide
from growthbench.content.chat.looking_up import Found, LookingUp
from growthbench.content.chat.memory import Memory
from growthbench.content.chat.people_side import PeopleSide, moved
from growthbench.content.chat.questions import Asked, Questions
from growthbench.content.chat.replies import Escalation, Intent, LeadScore, Reply
from growthbench.content.chat.situation import Situation, read_situation
from growthbench.content.chat.speaking import Voice
from growthbench.content.chat.telling import handling_of, safe_notes, shown, told
from growthbench.content.chat.understanding import Understanding
from growthbench.content.chat.wording import Line
from growthbench.knowledge.base import KnowledgeBase
from growthbench.language import spending
from growthbench.language.masking import Mask
from growthbench.language.models import OFFLINE
from growthbench.language.orders import gives_orders
from growthbench.language.settings import LanguageSettings

RECENT = 6
"""Messages that whoever words a reply is shown."""
PERSONAL = ("first_name", "name", "company")
"""Facts that name a person: masked wherever a text leaves."""
_LONGEST_LINE = 500


@dataclass(frozen=True)
class Exchange:
    """A message with what was before it."""

    conversation: Conversation
    message_id: str
    text: str
    memory: Memory
    recent: list[dict[str, Any]]
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A reply, and what is kept beside it."""

    message_id: str
    reply: Reply
    inputs: dict[str, Any]
    memory: Memory


@dataclass(frozen=True)
class _Heard:
    """What is known of a message before anything is looked up."""

    intent: Intent | None
    situation: Situation
    sentiment: float
    traits: dict[str, str]
    known: tuple[str, ...]
    lead_score: LeadScore | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Looked:
    """What was looked up, what was found, and what follows from it."""

    asked: Asked
    found: Found
    memory: Memory
    facts: Facts
    called: Escalation | None


class Exchanges:
    """Makes replies; parameters as of `Assistant`, in parts."""

    def __init__(
        self,
        base: KnowledgeBase,
        settings: LanguageSettings,
        understanding: Understanding,
        people: PeopleSide,
        looking_up: LookingUp,
    ):
        self.base, self.settings = base, settings
        self.understanding, self.people, self.looking_up = understanding, people, looking_up
        self.questions = Questions()

    def make(self, exchange: Exchange) -> Made:
        """Answer one message; its event and its scores are written, the rest is for the caller to keep."""
        conversation = exchange.conversation
        spent, heard = self._spent(conversation), self._heard(exchange)
        run = conversation.conversation_id
        voice = Voice(self.base.store, self.settings, conversation.tenant, run, heard.known)
        looked = self._looked(exchange, heard, voice)
        recent = self._recent(exchange, looked.memory, heard.traits)
        claims = looked.found.claims
        lines, changed = voice.worded(heard.situation.text, recent, claims) if claims else ([], 0)
        notes = [*heard.notes, *looked.found.notes, *voice.notes]
        notes += [f"{changed} sentences were put back or left out"] if changed else []
        reply = self._reply(exchange, heard, looked, lines, voice, notes, self._spent(conversation) - spent)
        memory = looked.memory.said([c.text for c in claims], looked.called.reasons if looked.called else ())
        return Made(exchange.message_id, reply, _inputs(heard, recent, looked.found, lines), memory)

    def _heard(self, exchange: Exchange) -> _Heard:
        """Intent, mood and score; the message is in the person's log afterwards."""
        conversation = exchange.conversation
        intent, no_intent = self.understanding.intent(conversation.tenant, exchange.text)
        situation = read_situation(exchange.text, intent)
        sentiment = self.understanding.sentiment(situation.text) if situation.text else 0.0
        traits = self.people.traits(conversation)
        before, no_score = self.people.score(conversation)
        self.people.heard(conversation, exchange.message_id, intent.label if intent else "", sentiment)
        after, _ = self.people.score(conversation) if not no_score else (None, "")
        known = _known(conversation, traits, exchange.memory.facts)
        notes = (no_intent, self.understanding.sentiment_note, no_score)
        return _Heard(intent, situation, sentiment, traits, known, moved(before, after), notes)

    def _looked(self, exchange: Exchange, heard: _Heard, voice: Voice) -> _Looked:
        conversation, situation = exchange.conversation, heard.situation
        tenant, role = conversation.tenant, conversation.role
        visible = (tenant, role, self.base.view(tenant, role))
        earlier = exchange.memory
        asked = self.questions.of(situation, earlier, exchange.before, heard.traits, voice.standing, visible)
        found = Found()
        if asked.questions:
            mask = Mask(asked.questions, heard.known)
            hidden = [mask.hide(question) for question in asked.questions]
            found = self.looking_up.find(hidden, tenant, role, conversation.conversation_id)
        last = asked.questions[-1] if asked.questions and situation.asks else ""
        memory = earlier.heard(situation.text, last, asked.names)
        facts = Facts(
            sentiment=0.0 if situation.small_talk else heard.sentiment,  # an "ok" tells no mood
            wants_person=situation.wants_person,
            complex=situation.complex,
            asks=situation.asks and bool(asked.questions),
            answered=found.answered >= len(asked.questions),
            repeated=memory.would_repeat([c.text for c in found.claims]),
            turns=conversation.turns + 1,
        )
        return _Looked(asked, found, memory, facts, decide(facts, memory.escalated))

    def _reply(
        self,
        exchange: Exchange,
        heard: _Heard,
        looked: _Looked,
        lines: list[Line],
        voice: Voice,
        notes: list[str],
        cost: int,
    ) -> Reply:
        situation, facts, found = heard.situation, looked.facts, looked.found
        handling = handling_of(situation, facts, found)
        return Reply(
            reply_id=new_id("reply"),
            conversation_id=exchange.conversation.conversation_id,
            text=told(situation, facts, lines, handling, looked.called, looked.memory),
            handling=handling,
            answered=bool(found.claims),
            citations=shown(found, lines),
            confidence=found.confidence,
            question=" ".join(looked.asked.questions),
            intent=heard.intent,
            sentiment=heard.sentiment,
            escalation=looked.called,
            lead_score=heard.lead_score,
            written_by=", ".join(dict.fromkeys((*found.written_by, *voice.written_by))) or "rules",
            cost=cost,
            notes=safe_notes(notes),
        )

    def _recent(self, exchange: Exchange, memory: Memory, traits: dict[str, str]) -> list[str]:
        """What was said just before and the facts, for whoever words the reply; nothing that gives orders."""
        lines = [f"{m['author']}: {m['text']}" for m in exchange.recent[-RECENT:]]
        lines += [f"user: {text}" for text in exchange.before[-RECENT:]] if not lines else []
        facts = [f"{name}: {value}" for name, value in traits.items() if name not in memory.facts]
        return [line[:_LONGEST_LINE] for line in (*facts, *memory.summary(), *lines) if not gives_orders(line)]

    def _spent(self, conversation: Conversation) -> int:
        if self.settings.models == (OFFLINE,):
            return 0
        return spending(self.base.store, conversation.tenant, run=conversation.conversation_id).cost


def _known(conversation: Conversation, *facts: dict[str, str]) -> tuple[str, ...]:
    """What names the person."""
    names = [some[name] for some in facts for name in PERSONAL if some.get(name)]
    return tuple(dict.fromkeys((*([conversation.user_id] if conversation.user_id else []), *names)))


def _inputs(heard: _Heard, recent: list[str], found: Found, lines: list[Line]) -> dict[str, Any]:
    """What the wording was made from, and the wording without marks: a training example, if somebody judges it."""
    claims = [{"number": c.number, "text": c.text, "citations": [vars(x) for x in c.citations]} for c in found.claims]
    written = " ".join(line.text for line in lines)
    return {
        "message": heard.situation.text,
        "recent": recent,
        "known": list(heard.known),
        "claims": claims,
        "written": written,
    }
