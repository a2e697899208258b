"""The assistant in conversation: answers with citations, follow-ups, people called by rule, models kept in check."""

import json

import pytest
import sqlalchemy as sa

from growthbench.base.errors import NotReadyError
from growthbench.content.chat import Assistant, Delta, Reply
from growthbench.language import LanguageSettings, Patience
from growthbench.language.guard import has_address
from growthbench.store.chat_tables import chat_escalations, chat_messages
from growthbench.store.engine import open_store
from growthbench.store.ledger_tables import llm_calls, llm_replies
from tests.language.loopback import Loopback, asked, fields

from .conftest import REFUND

PRICE = (1_000_000, 2_000_000)


@pytest.fixture
def store(tmp_path):
    """One database is enough here: `test_conversations` has both."""
    with open_store(f"sqlite:///{tmp_path / 'home' / 'growthbench.db'}") as opened:
        yield opened


def talk(assistant, *texts, **who):
    conversation, replies = None, []
    for text in texts:
        reply = assistant.reply(conversation, text, **{"tenant": "local", **who})
        conversation = reply.conversation_id
        replies.append(reply)
    return replies


def rows(store, table):
    with store.reading() as connection:
        return connection.execute(sa.select(table)).mappings().all()


@pytest.fixture
def server():
    with Loopback() as running:
        yield running


@pytest.fixture
def speaking_model(assistant, base, home, server):
    """The same assistant, worded by a scripted model."""
    patience = Patience(2.0, 10.0, 1)
    settings = LanguageSettings(("openai/tiny",), server.url, {"openai": "k"}, PRICE, None, patience, patience)
    return Assistant(
        assistant.store, base, settings, home=home, directory=assistant.directory, sentiment=lambda t: [0.0] * len(t)
    )


def scripted(sentences=None, claims=None, question=None):
    """A model that writes what it is told, or what an honest one would."""

    def script(body):
        user = body["messages"][-1]["content"]
        if "[[ ## sources ## ]]" in user:
            first = json.loads(asked(body, "sources"))[0]
            honest = [{"text": first["nearest"], "source": first["number"], "quote": first["nearest"]}]
            return fields(claims=honest if claims is None else claims(first))
        if "[[ ## claims ## ]]" in user:
            told = json.loads(asked(body, "claims"))
            honest = [{"text": c["text"], "claim": c["number"]} for c in told]
            return fields(sentences=honest if sentences is None else sentences(told))
        return fields(question=question or asked(body, "message"))

    return script


def test_an_answer_carries_citations_that_are_spans_of_their_documents(assistant, base):
    (reply,) = talk(assistant, REFUND)
    assert (reply.handling, reply.answered, reply.escalation, reply.written_by) == ("answer", True, None, "offline")
    assert "30 days" in reply.text
    assert reply.citations
    for citation in reply.citations:
        assert f"[{citation.number}]" in reply.text
        assert base.document("local", citation.document_id).text[citation.start : citation.end] == citation.quote
    assert not has_address(reply.text)
    assert reply.to_dict()["citations"][0]["document_id"] == reply.citations[0].document_id


def test_a_stream_adds_up_to_its_reply_and_is_kept(assistant):
    *pieces, reply = assistant.stream(None, REFUND, tenant="local")
    assert len(pieces) > 5
    assert all(isinstance(piece, Delta) for piece in pieces)
    assert isinstance(reply, Reply)
    assert "".join(piece.text for piece in pieces) == reply.text
    assert assistant.history(reply.conversation_id, tenant="local")[1].text == reply.text


def test_a_reader_who_leaves_early_misses_pieces_not_the_reply(assistant):
    stream = assistant.stream(None, REFUND, tenant="local")
    next(stream)
    stream.close()
    assert [row["author"] for row in rows(assistant.store, chat_messages)] == ["user", "assistant"]


def test_follow_ups_are_resolved_against_the_conversation_and_against_what_callers_tell(assistant):
    first, second = talk(assistant, "How many API calls a day may Pro make?", "and Free?")
    assert first.answered
    assert second.question == "How many API calls a day may Free make?"
    stateless = assistant.reply(
        None, "and Free?", tenant="local", before=["Hello", "How many API calls a day may Pro make?"]
    )
    assert stateless.question == second.question


def test_people_are_called_by_rule_once_for_each_reason(assistant, moods):
    moods["I hate this"] = -0.9
    said = [
        "Can I talk to a human?",
        "I want a human please",
        "I hate this",
        "What is the melting point of iron?",
        "I hate this",
    ]
    replies = talk(assistant, *said, "What is the boiling point of iron?", user_id="ann")
    assert [r.escalation.reason if r.escalation else None for r in replies] == [
        "explicit_wish", None, "sentiment", "no_evidence", None, None]  # fmt: skip
    assert "colleague" in replies[0].text
    assert "told already" in replies[1].text
    stored = rows(assistant.store, chat_escalations)
    assert {row["escalation_id"] for row in stored} == {r.escalation.escalation_id for r in replies if r.escalation}


def test_the_same_answer_a_third_time_calls_a_person(assistant):
    replies = talk(assistant, REFUND, REFUND, REFUND, REFUND)
    assert [r.escalation.reason if r.escalation else None for r in replies] == [None, None, "repetition", None]
    assert replies[1].text.startswith("As said before:")


def test_several_questions_are_answered_one_by_one_and_many_call_a_person(assistant):
    two = f"{REFUND} How many API calls a day may Pro make?"
    (reply,) = talk(assistant, two)
    cited = {c.document_id.partition(".")[0] for c in reply.citations}
    assert {"refunds", "api-limits"} <= cited
    assert reply.escalation is None
    (many,) = talk(assistant, f"{two} Where is our data stored?")
    assert many.escalation.reason == "complex"


def test_small_talk_and_statements_look_nothing_up_and_call_nobody(assistant, moods):
    moods["ok"] = -0.99
    replies = talk(assistant, "Hi!", "ok", "We are 40 people on the Pro plan.", "Thanks a lot", "bye")
    assert [r.handling for r in replies] == ["small_talk", "small_talk", "statement", "small_talk", "small_talk"]
    assert not any(r.escalation or r.citations for r in replies)


def test_a_model_words_the_reply_and_its_cost_is_told(speaking_model, server):
    server.script = scripted(
        lambda told: [{"text": "Happy to help!", "claim": 0}, {"text": told[0]["text"], "claim": 1}]
    )
    (reply,) = talk(speaking_model, REFUND)
    assert reply.text.startswith("Happy to help! ")
    assert reply.written_by == "openai/tiny"
    assert reply.cost == server.cost(*PRICE) > 0
    assert [b["temperature"] for b in server.requests][-1] == 0.7
    (again,) = talk(speaking_model, REFUND)
    assert again.cost > 0  # nothing of a visitor's chat is kept in the cache
    assert rows(speaking_model.store, llm_replies) == []
    assert {row["agent"] for row in rows(speaking_model.store, llm_calls)} == {"chat"}


def test_a_model_cannot_promise_link_or_make_anything_up(speaking_model, server):
    lies = ["I have refunded EUR 5,000.", "I told a manager.", "Yes.", "![x](https://cdn.evil.example/p)"]
    server.script = scripted(lambda told: [{"text": t, "claim": c} for t in lies for c in (0, 1)])
    (reply,) = talk(speaking_model, REFUND)
    assert reply.escalation is None
    assert "30 days" in reply.text
    assert not any(word in reply.text for word in ("5,000", "manager", "Yes", "evil"))
    assert any("put back or left out" in note for note in reply.notes)


def test_a_model_whose_drafts_are_in_no_document_is_overruled_by_the_documents(speaking_model, server):
    server.script = scripted(claims=lambda first: [{"text": "It is 90 days.", "source": 1, "quote": "It is 90 days."}])
    (reply,) = talk(speaking_model, REFUND)
    assert "30 days" in reply.text
    assert "90" not in reply.text
    assert any("drafts of the model are in no document" in note for note in reply.notes)


def test_a_follow_up_of_a_model_is_looked_up_only_if_its_words_were_said(speaking_model, server):
    server.script = scripted(question="How many API calls a day may Free make?")
    _, second = talk(speaking_model, "How many API calls a day may Pro make?", "and Free?")
    assert second.question == "How many API calls a day may Free make?"
    server.script = scripted(question="What is the inner code of the sales team?")
    _, second = talk(speaking_model, "How many API calls a day may Pro make?", "and Free?")
    assert second.question == "How many API calls a day may Free make?"
    assert any("words that nobody said" in note for note in second.notes)


def test_an_unreadable_wording_is_replaced_by_the_claims_and_a_dead_model_is_said(speaking_model, server):
    honest = scripted()
    server.script = lambda body: (
        "no fields at all" if "[[ ## claims ## ]]" in body["messages"][-1]["content"] else honest(body)
    )
    (reply,) = talk(speaking_model, REFUND)
    assert "30 days" in reply.text
    assert any("could not be read" in note for note in reply.notes)
    server.fault = lambda number: "500"
    with pytest.raises(NotReadyError, match="no language model answers"):
        talk(speaking_model, REFUND)


def test_personal_data_does_not_leave(speaking_model, server):
    server.script = scripted()
    text = f"I am ann@example.org, call +49 151 2345678. {REFUND}"
    talk(speaking_model, text, user_id="ann-4711")
    sent = repr(server.requests)
    assert server.requests
    for secret in ("ann@example.org", "2345678", "ann-4711"):
        assert secret not in sent
