"""Feedback as a training set for the program that words replies: personal data masked, each with where it is from."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from growthbench.base.clock import to_iso
from growthbench.base.ids import digest
from growthbench.content.chat.replies import ChatCitation
from growthbench.content.chat.wording import NumberedClaim, Proven, is_courtesy, safe, tells
from growthbench.language.masking import Mask
from growthbench.people.directory import Directory
from growthbench.people.erasure import ids_of
from growthbench.people.vault import PersonKey
from growthbench.store.chat_tables import chat_feedback, chat_messages
from growthbench.store.engine import Store
from growthbench.text.sentences import sentences

if TYPE_CHECKING:
    import dspy


def training_set(
    store: Store, directory: Callable[[str], Directory], tenant: str, limit: int = 1_000
) -> "list[dspy.Example]":
    """Replies that somebody judged, the newest first, as examples of `wording.WriteChatReply`.

    Each has the inputs ``message recent claims``, the text wanted (``reply``: the edit if there is one), ``sentences``
    where that text holds against its claims, ``thumbs`` (1, -1 or None) and ``provenance``: ids, whether it was edited,
    by whom it was written first, and whether every sentence is ``verified``. Only verified ones may become demos; the
    others are for a metric.
    """
    import dspy

    people, feedback, said = directory(tenant), chat_feedback.c, chat_messages.c
    query = (
        select(
            feedback.reply_id,
            feedback.thumbs,
            feedback.sealed,
            feedback.changed_at,
            said.person,
            said.sealed.label("reply"),
        )
        .where(feedback.tenant_id == tenant, said.tenant_id == tenant, said.message_id == feedback.reply_id)
        .order_by(feedback.changed_at.desc(), feedback.reply_id)
        .limit(limit)
    )
    with store.reading() as connection:
        rows = connection.execute(query).all()
        keys = people.keys(connection, {row.person for row in rows})
        known = {person: _known(connection, tenant, person, keys) for person in keys}
    found = [_example(row, keys[row.person], known[row.person]) for row in rows if row.person in keys]
    return [dspy.Example(**one).with_inputs("message", "recent", "claims") for one in found if one is not None]


def _known(connection: Connection, tenant: str, person: str, keys: dict[str, PersonKey]) -> list[str]:
    return sorted(value for _, value in ids_of(connection, tenant, [person], keys))


def _example(row, key: PersonKey, known: list[str]) -> dict[str, Any] | None:
    told = json.loads(key.unseal(row.reply))
    inputs, reply = told["inputs"], told["reply"]
    if not inputs.get("claims"):
        return None  # a template: nothing to learn
    edit = json.loads(key.unseal(row.sealed))["edit"] if row.sealed is not None else None
    wanted = edit or inputs["written"]
    texts = [inputs["message"], *inputs["recent"], wanted, *(c["text"] for c in inputs["claims"])]
    mask = Mask(texts, (*known, *inputs.get("known", ())))
    claims = [_proven(c, mask.hide) for c in inputs["claims"]]
    wanted = mask.hide(wanted)
    drafts = _drafts(wanted, claims)
    provenance = {
        "reply_id": row.reply_id,
        "person": digest(row.person)[:12],
        "at": to_iso(row.changed_at),
        "edited": edit is not None,
        "written_by": reply["written_by"],
        "verified": drafts is not None,
    }
    return {
        "message": mask.hide(inputs["message"]),
        "recent": [mask.hide(line) for line in inputs["recent"]],
        "claims": [NumberedClaim(number=c.number, text=c.text) for c in claims],
        "reply": wanted,
        "sentences": drafts,
        "thumbs": row.thumbs,
        "provenance": provenance,
    }


def _proven(told: dict[str, Any], hide: Callable[[str], str]) -> Proven:
    cited = tuple(ChatCitation(**{**c, "quote": hide(c["quote"])}) for c in told["citations"])
    return Proven(told["number"], hide(told["text"]), cited)


def _drafts(text: str, claims: list[Proven]) -> list[dict[str, Any]] | None:
    """A text as the program would have written it; None if a sentence of it is neither courtesy nor claim."""
    drafts = []
    for start, end in sentences(text):
        one = text[start:end]
        claim = next((c for c in claims if tells(one, c)), None)
        if claim is None and not (is_courtesy(one) and safe(one)):
            return None
        drafts.append({"text": one, "claim": claim.number if claim else 0})
    return drafts or None
