"""What people are told when a conversation is handed to them: which one, why and when, and never a word of it."""

from typing import TYPE_CHECKING, Any

from growthbench.base.clock import to_iso
from growthbench.store.messages import Message

if TYPE_CHECKING:
    from growthbench.content.chat.conversations import Conversation, Said

TOPIC, KIND = "alerts", "chat_escalation"


def alert_of(conversation: "Conversation", said: "Said", called_before: list[str], at: int) -> Message:
    """The alert about an escalation; `store.messages` writes it.

    Parameters
    ----------
    conversation : Conversation
    said : Said
        With an escalation.
    called_before : list of str
        Reasons for which somebody was called in this conversation already; empty for the first call.
    at : int
        When, UTC µs.
    """
    called = said.escalation
    body: dict[str, Any] = {
        "kind": KIND,
        "escalation_id": called.escalation_id,
        "conversation_id": conversation.conversation_id,
        "reply_id": said.reply_id,
        "reason": called.reason,
        "detail": called.detail,
        "also": list(called.also),
        "called_before": called_before,
        "sentiment": said.reply["sentiment"],
        "escalated_at": to_iso(at),
    }
    return Message(TOPIC, conversation.tenant, body, conversation.person)
