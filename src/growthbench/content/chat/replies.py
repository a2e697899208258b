"""What a chat gives back: plain data, every action in it a field of its own, never a word in the text."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from growthbench.ledger.micros import dollars

Handling = Literal["answer", "no_evidence", "small_talk", "statement", "orders", "closed"]
"""How a message was handled: ``orders`` gave orders to the machine and asked nothing, ``closed`` came too late."""

Reason = Literal["explicit_wish", "complex", "sentiment", "no_evidence", "repetition", "too_long"]


@dataclass(frozen=True)
class Escalation:
    """A conversation is handed to a person: decided by rules over facts (`chat.escalation`), stored with the reply.

    Attributes
    ----------
    escalation_id : str
    reason : str
        The weightiest rule that holds now and was not acted on before.
    detail : str
        The fact behind it, such as ``sentiment -0.81``; never words of the conversation.
    also : tuple of str
        Further rules that hold now.
    """

    escalation_id: str
    reason: Reason
    detail: str
    also: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """All that people are told with it, and not again in this conversation."""
        return (self.reason, *self.also)


@dataclass(frozen=True)
class Intent:
    """What the deployed champion of ``chat_intent`` takes a message for; ``out_of_scope`` if for nothing it knows."""

    label: str
    confidence: float
    model_version: str


@dataclass(frozen=True)
class LeadScore:
    """A person's lead score before and after a message, as the prediction log has it; None where nobody was known."""

    model_version: str
    before: float | None
    after: float | None
    before_id: str | None
    after_id: str | None


@dataclass(frozen=True)
class ChatCitation:
    """A span of a document that carries a sentence: ``document.text[start:end]``; links in ``quote`` are taken out."""

    number: int
    document_id: str
    passage_id: str
    title: str
    quote: str
    start: int
    end: int
    date: str | None = None
    stale: str = ""


@dataclass(frozen=True)
class Reply:
    """One reply.

    Attributes
    ----------
    reply_id, conversation_id : str
    text : str
        With marks such as ``[1]`` that name `citations`.
    handling : str
    answered : bool
        Whether the documents answer the message.
    citations : tuple of ChatCitation
    confidence : float
        Of the answer; 0 if there is none.
    question : str
        The question as it was looked up: follow-ups are resolved against what was said before.
    intent : Intent or None
    sentiment : float
        Of the message, -1 to 1.
    escalation : Escalation or None
    lead_score : LeadScore or None
    written_by : str
        ``offline``, a model's name, or ``rules``.
    cost : int
        Micro-USD booked for this reply.
    notes : tuple of str
        What was not done and why: no champion, no encoder, drafts that were dropped.
    """

    reply_id: str
    conversation_id: str
    text: str
    handling: Handling
    answered: bool = False
    citations: tuple[ChatCitation, ...] = ()
    confidence: float = 0.0
    question: str = ""
    intent: Intent | None = None
    sentiment: float = 0.0
    escalation: Escalation | None = None
    lead_score: LeadScore | None = None
    written_by: str = "rules"
    cost: int = 0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as the shell and the Desk give it."""
        told = asdict(self)
        told["sentiment"], told["confidence"] = round(self.sentiment, 4), round(self.confidence, 4)
        told["cost_usd"] = str(dollars(told.pop("cost")))
        told["citations"] = [dict(one) for one in told["citations"]]
        told["notes"] = list(self.notes)
        if told["escalation"]:
            told["escalation"]["also"] = list(told["escalation"]["also"])
        return told


@dataclass(frozen=True)
class Delta:
    """A piece of a streamed reply; the pieces of a stream add up to ``Reply.text``."""

    text: str


@dataclass(frozen=True)
class Turn:
    """One message of a conversation: ``author`` is user or assistant; ``reply_id`` of an assistant's."""

    author: Literal["user", "assistant"]
    text: str
    at: int
    reply_id: str = ""
