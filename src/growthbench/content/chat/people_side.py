"""A chat as the rest of the house sees it: an event in the person's log, and a lead score that may move by it."""

import json
from collections.abc import Callable
from typing import Any

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import ArtifactError, NotFoundError, NotReadyError, UnknownNameError
from growthbench.content.chat.conversations import ANONYMOUS, Conversation
from growthbench.content.chat.escalation import SENTIMENT_BELOW
from growthbench.content.chat.memory import plain_fact
from growthbench.content.chat.replies import LeadScore
from growthbench.events.segment import read_message
from growthbench.people.directory import Directory, Ident
from growthbench.people.intake import Batch, Intake
from growthbench.people.profile import read_profile
from growthbench.predictions.prediction import Prediction
from growthbench.predictions.scorer import Scorer
from growthbench.store.engine import Store

EVENT = "chat_message"
TASK = "lead_scoring"
TRAITS = ("first_name", "name", "company", "plan", "industry", "country")
"""Traits that may be spoken of, if they are a few plain words; no other one is read."""


class PeopleSide:
    """Events, scores and traits of whoever writes.

    Parameters
    ----------
    store : Store
    directory, scorer : callable
        Of a tenant; a scorer may be None.
    """

    def __init__(self, store: Store, directory: Callable[[str], Directory], scorer: Callable[[str], Scorer | None]):
        self.store, self._directory, self._scorer = store, directory, scorer
        self._intake = Intake(directory)

    def traits(self, conversation: Conversation) -> dict[str, str]:
        """Facts from the profile, checked to be no more than that."""
        if conversation.user_id is None:
            return {}
        directory = self._directory(conversation.tenant)
        ident = Ident("user", conversation.user_id)
        try:
            told = read_profile(self.store, directory.keyring, conversation.tenant, ident, directory)
        except NotFoundError:
            return {}
        found = {name: plain_fact(told["traits"].get(name)) for name in TRAITS}
        return {name: value for name, value in found.items() if value}

    def heard(self, conversation: Conversation, message_id: str, intent: str, sentiment: float) -> None:
        """Append the message to the person's log, as any other event comes in: what it is about, not what it says."""
        if conversation.user_id is None:
            return
        about = {"category": intent or "unknown", "sentiment": band(sentiment)}
        message: dict[str, Any] = {"type": "track", "event": EVENT, "messageId": message_id, "properties": about}
        message |= {"userId": conversation.user_id, "timestamp": to_iso(now_us())}
        if conversation.anonymous:
            message["anonymousId"] = ANONYMOUS + conversation.conversation_id
        event = read_message(json.dumps(message).encode(), None, now_us())
        with self.store.writing() as connection:
            self._intake.write(connection, [Batch(conversation.tenant, [event])])

    def score(self, conversation: Conversation) -> tuple[Prediction | None, str]:
        """The person's lead score now, logged like any other; or None and why."""
        scorer = self._scorer(conversation.tenant)
        if conversation.user_id is None or scorer is None:
            return None, ""
        try:
            return scorer.score_person(TASK, conversation.user_id), ""
        except NotFoundError:
            return None, ""
        except (UnknownNameError, NotReadyError):
            return None, f"no lead score: no champion is deployed for {TASK}"
        except ArtifactError as exc:
            return None, f"no lead score: {exc}"


def moved(before: Prediction | None, after: Prediction | None) -> LeadScore | None:
    """Both scores as the reply tells them."""
    if after is None:
        return None
    known = before is not None
    return LeadScore(
        after.model_version,
        before.score if known else None,
        after.score,
        before.prediction_id if known else None,
        after.prediction_id,
    )


def band(sentiment: float) -> str:
    """Sentiment in three words, for the log.

    >>> band(-0.7), band(0.0), band(0.9)
    ('negative', 'neutral', 'positive')
    """
    return "negative" if sentiment < SENTIMENT_BELOW else "positive" if sentiment > -SENTIMENT_BELOW else "neutral"
