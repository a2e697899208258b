"""Conversations in the store: whose they are, who may read them, and that nothing of them is left when they go."""

import pytest
import sqlalchemy as sa

from growthbench.base.clock import DAY_US, now_us
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.content.chat import chats_of
from growthbench.content.chat.assistant import LAST_TURN, LONGEST_MESSAGE
from growthbench.content.chat.conversations import Said
from growthbench.operations.erasing import Eraser
from growthbench.people.directory import Ident
from growthbench.people.export import export_person
from growthbench.store.chat_tables import chat_conversations, chat_escalations, chat_feedback, chat_messages
from growthbench.store.keyring import Keyring

from .conftest import REFUND

WORDS = "my cat Mirabella sleeps on the invoices"
EDIT = "Mirabella wants thirty days"
TABLES = (chat_conversations, chat_messages, chat_feedback, chat_escalations)


def rows(store, table):
    with store.reading() as connection:
        return connection.execute(sa.select(table)).all()


def say(assistant, text, conversation=None, **who):
    return assistant.reply(conversation, text, **{"tenant": "local", **who})


def test_a_conversation_is_kept_whole_and_in_order(assistant):
    first = say(assistant, "Hi!", user_id="ann")
    second = say(assistant, REFUND, first.conversation_id, user_id="ann")
    turns = assistant.history(first.conversation_id, tenant="local", user_id="ann")
    assert [(t.author, t.text) for t in turns] == [
        ("user", "Hi!"), ("assistant", first.text), ("user", REFUND), ("assistant", second.text)]  # fmt: skip
    assert [t.reply_id for t in turns] == ["", first.reply_id, "", second.reply_id]


@pytest.mark.parametrize("who", [{"tenant": "other"}, {"user_id": "bob"}, {"user_id": None}])
def test_nobody_else_reads_or_goes_on_with_it(assistant, who):
    reply = say(assistant, WORDS, user_id="ann")
    say(assistant, "Hi!", user_id="bob")
    asked = {"tenant": "local", "user_id": "ann", **who}
    for attempt in (
        lambda: assistant.history(reply.conversation_id, **asked),
        lambda: assistant.reply(reply.conversation_id, "Hi!", **asked),
        lambda: assistant.feedback(reply.reply_id, thumbs=1, **asked),
    ):
        with pytest.raises(NotFoundError, match="there is no"):
            attempt()
    assert rows(assistant.store, chat_feedback) == []


def test_a_role_is_fixed_when_a_conversation_begins(assistant):
    question = "What is the inner code of a refund of a first payment?"
    as_lead = say(assistant, question, role="lead")
    assert "KESTREL-9" in as_lead.text
    with pytest.raises(ConflictError, match="begin another one"):
        say(assistant, question, as_lead.conversation_id)
    assert "KESTREL" not in repr(say(assistant, question))


def test_a_visitor_who_becomes_known_goes_on_and_the_conversation_is_theirs(assistant):
    first = say(assistant, REFUND)
    second = say(assistant, "Thanks", first.conversation_id, user_id="ann")
    assert second.conversation_id == first.conversation_id
    assert len(assistant.history(first.conversation_id, tenant="local", user_id="ann")) == 4
    with pytest.raises(NotFoundError):
        say(assistant, "Hi!", first.conversation_id, user_id="bob")
    receipt = Eraser(assistant.store, assistant.home, Keyring.open(assistant.home)).erase(Ident("user", "ann"))
    assert receipt.stores["chat_messages"] == 4


def test_texts_lie_sealed_and_erasing_the_person_leaves_nothing(assistant, home, moods, tmp_path):
    moods[WORDS] = -0.9
    reply = say(assistant, WORDS, user_id="jane-4711")
    asked = say(assistant, REFUND, reply.conversation_id, user_id="jane-4711")
    assistant.feedback(asked.reply_id, tenant="local", edit=EDIT, user_id="jane-4711")
    other = say(assistant, REFUND, user_id="bob")
    dumped = repr([rows(assistant.store, table) for table in TABLES])
    assert "Mirabella" not in dumped
    assert "jane" not in dumped
    assert [len(rows(assistant.store, t)) for t in TABLES] == [2, 6, 1, 1]
    keyring = Keyring.open(home)
    eraser = Eraser(assistant.store, home, keyring)
    receipt = eraser.erase(Ident("user", "jane-4711"))
    found = {name: receipt.stores[name] for name in receipt.stores if name.startswith("chat_")}
    assert found == {"chat_conversations": 1, "chat_messages": 4, "chat_feedback": 1, "chat_escalations": 1}
    assert eraser.verify(receipt.receipt_id, ["jane-4711"]).holds
    for needle in (b"Mirabella", b"jane-4711", EDIT.encode()):
        assert [p for p in tmp_path.rglob("*") if p.is_file() and needle in p.read_bytes()] == []
    with pytest.raises(NotFoundError):
        assistant.history(reply.conversation_id, tenant="local", user_id="jane-4711")
    assert len(assistant.history(other.conversation_id, tenant="local", user_id="bob")) == 2


def test_an_export_tells_what_was_said_and_thought(assistant, home):
    reply = say(assistant, WORDS, user_id="ann")
    asked = say(assistant, REFUND, reply.conversation_id, user_id="ann")
    assistant.feedback(asked.reply_id, tenant="local", thumbs=-1, edit=EDIT, user_id="ann")
    directory = assistant.directory("local")
    told = export_person(
        assistant.store, Keyring.open(home), "local", Ident("user", "ann"), {"chats": chats_of(directory)}
    )
    texts = [row.get("text") for row in told["chats"]]
    assert texts[:4] == [WORDS, reply.text, REFUND, asked.text]
    assert [row["edit"] for row in told["chats"] if "edit" in row] == [EDIT]


def test_old_conversations_expire_and_young_ones_stay(assistant):
    old, young = say(assistant, "Hi!"), say(assistant, REFUND)
    table = chat_conversations
    with assistant.store.writing() as connection:
        past = sa.update(table).where(table.c.conversation_id == old.conversation_id)
        connection.execute(past.values(last_at=now_us() - 91 * DAY_US))
    assert assistant.expire("other") == 0
    assert assistant.expire("local") == 1
    assert assistant.expire("local") == 0
    assert {row.conversation_id for row in rows(assistant.store, chat_messages)} == {young.conversation_id}


def test_feedback_is_kept_part_by_part_and_checked(assistant):
    reply = say(assistant, REFUND, user_id="ann")
    who = {"tenant": "local", "user_id": "ann"}
    assistant.feedback(reply.reply_id, thumbs=1, **who)
    assistant.feedback(reply.reply_id, edit="Within 30 days.", **who)
    assistant.feedback(reply.reply_id, thumbs=-1, **who)
    (row,) = rows(assistant.store, chat_feedback)
    assert (row.thumbs, row.sealed is not None) == (-1, True)
    for wrong in ({}, {"thumbs": 2}, {"thumbs": True}, {"edit": " "}, {"edit": "x" * 4_001}):
        with pytest.raises(BadInputError):
            assistant.feedback(reply.reply_id, **wrong, **who)
    with pytest.raises(NotFoundError):
        assistant.feedback("reply_unknown", thumbs=1, **who)


def test_feedback_becomes_masked_examples_with_their_provenance(assistant):
    question = f"I am ann@example.org. {REFUND}"
    good = say(assistant, question, user_id="ann-4711")
    wrong = say(assistant, REFUND, user_id="bob-4711")
    say(assistant, "Hi!", user_id="bob-4711")
    assistant.feedback(good.reply_id, tenant="local", thumbs=1, user_id="ann-4711")
    assistant.feedback(wrong.reply_id, tenant="local", thumbs=-1, edit="ann-4711 gets EUR 5,000.", user_id="bob-4711")
    assert assistant.training_set("other") == []
    edited, praised = assistant.training_set("local")
    assert set(praised.inputs().keys()) == {"message", "recent", "claims"}
    assert "ann@example.org" not in repr(praised)
    assert "[EMAIL_1_" in praised.message
    assert (praised.thumbs, praised.provenance["verified"], praised.provenance["edited"]) == (1, True, False)
    assert praised.sentences[-1]["claim"] >= 1
    assert (edited.thumbs, edited.provenance["verified"], edited.sentences) == (-1, False, None)
    assert edited.provenance["reply_id"] == wrong.reply_id


def test_two_messages_at_once_are_both_kept_and_remember_both_reasons(assistant):
    begun = say(assistant, "Hi!", user_id="ann").conversation_id
    kept = assistant.conversations
    one, two = (kept.resume(begun, "local", "ann", None) for _ in range(2))
    for conversation, reason in ((one, "sentiment"), (two, "complex")):
        memory = {"escalated": [reason]}
        kept.keep(conversation, Said(f"msg_{reason}", "a", f"reply_{reason}", {"text": "b"}, {}, memory))
    found = kept.resume(begun, "local", "ann", None)
    assert (found.turns, found.memory["escalated"]) == (3, ["sentiment", "complex"])
    assert [t.text for t in kept.history(begun, "local", "ann", None)][2:] == ["a", "b", "a", "b"]


def test_a_message_is_checked_and_a_conversation_ends(assistant):
    for text in ("", "   ", "x" * (LONGEST_MESSAGE + 1), "a\x00b", None, 7):
        with pytest.raises(BadInputError):
            say(assistant, text)
    assert rows(assistant.store, chat_conversations) == []
    reply = say(assistant, "Hi!")
    with assistant.store.writing() as connection:
        connection.execute(sa.update(chat_conversations).values(turns=LAST_TURN))
    closed = say(assistant, REFUND, reply.conversation_id)
    assert (closed.handling, closed.escalation) == ("closed", None)
    assert len(rows(assistant.store, chat_messages)) == 2
