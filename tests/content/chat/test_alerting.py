"""Whoever is called is told: an escalation and its alert are there together, once, and hold no word of the talk."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from growthbench.base.clock import to_iso
from growthbench.content.chat import conversations as kept_by
from growthbench.content.chat.conversations import Said
from growthbench.content.chat.replies import Escalation
from growthbench.operations.erasing import Eraser
from growthbench.people.directory import Ident
from growthbench.store.chat_tables import chat_escalations, chat_messages
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.message_tables import channel_messages

ANGRY = "Mirabella is furious, get me a human, my lawyer will call you"


def rows(store, table, by):
    with store.reading() as connection:
        return connection.execute(sa.select(table).order_by(table.c[by])).all()


def alerts(store):
    return rows(store, channel_messages, "seq")


def called(store):
    return rows(store, chat_escalations, "created_at")


def said(reason, number, **more):
    reply = {"text": "b", "sentiment": -0.5}
    memory = {"escalated": [reason]}
    called = Escalation(f"esc_{number}", reason, "a fact", **more)
    return Said(f"msg_{number}", "a", f"reply_{number}", reply, {}, memory, called)


def test_an_alert_says_which_conversation_why_and_when_and_not_a_word_of_it(assistant, moods):
    moods[ANGRY] = -0.91234
    reply = assistant.reply(None, ANGRY, tenant="local", user_id="jane-4711")
    (alert,), (row,) = alerts(assistant.store), called(assistant.store)
    assert (alert.tenant_id, alert.topic, alert.seq, alert.person) == ("local", "alerts", 1, row.person)
    assert json.loads(alert.body) == {
        "kind": "chat_escalation",
        "escalation_id": row.escalation_id,
        "conversation_id": reply.conversation_id,
        "reply_id": reply.reply_id,
        "reason": "explicit_wish",
        "detail": "asked for a person",
        "also": ["complex", "sentiment"],
        "called_before": [],
        "sentiment": -0.9123,
        "escalated_at": to_iso(row.created_at),
    }
    for word in ("Mirabella", "furious", "lawyer", "jane", "4711"):
        assert word not in repr(alert)


def test_turns_of_a_conversation_that_was_handed_over_alert_no_more(assistant, moods):
    moods[ANGRY] = -0.9
    reply = assistant.reply(None, ANGRY, tenant="local", user_id="ann")
    for _ in range(4):
        again = assistant.reply(reply.conversation_id, ANGRY, tenant="local", user_id="ann")
        assert again.escalation is None
    assert len(alerts(assistant.store)) == len(called(assistant.store)) == 1


def test_another_reason_alerts_once_more_and_says_that_somebody_was_called_before(assistant):
    first = assistant.reply(None, "What is the melting point of iron?", tenant="local")
    then = assistant.reply(first.conversation_id, "Can I talk to a human?", tenant="local")
    told = [json.loads(row.body) for row in alerts(assistant.store)]
    assert [(t["reason"], t["called_before"]) for t in told] == [
        ("no_evidence", []), ("explicit_wish", ["no_evidence"])]  # fmt: skip
    assert [t["escalation_id"] for t in told] == [first.escalation.escalation_id, then.escalation.escalation_id]


def test_who_is_not_called_is_not_told(assistant):
    assistant.reply(None, "Hi!", tenant="local")
    assert alerts(assistant.store) == called(assistant.store) == []


def test_messages_sent_at_once_call_once(assistant):
    kept = assistant.conversations
    begun = kept.begin("local", "ann", None)
    one, two = (kept.resume(begun.conversation_id, "local", "ann", None) for _ in range(2))
    kept.keep(one, said("sentiment", 1, also=("no_evidence",)))
    kept.keep(two, said("sentiment", 2))
    assert [row.escalation_id for row in called(assistant.store)] == ["esc_1"]
    assert [json.loads(row.body)["escalation_id"] for row in alerts(assistant.store)] == ["esc_1"]
    assert len(rows(assistant.store, chat_messages, "number")) == 4


def test_no_escalation_without_its_alert_and_no_alert_without_its_escalation(assistant, monkeypatch):
    kept, real = assistant.conversations, kept_by.write_messages
    begun = kept.begin("local", "ann", None)

    def never(connection, messages):
        real(connection, messages)
        raise ZeroDivisionError

    monkeypatch.setattr(kept_by, "write_messages", never)
    with pytest.raises(ZeroDivisionError):
        kept.keep(begun, said("sentiment", 1))
    assert alerts(assistant.store) == called(assistant.store) == rows(assistant.store, chat_messages, "number") == []
    monkeypatch.undo()
    kept.keep(begun, said("sentiment", 1))
    assert len(alerts(assistant.store)) == len(called(assistant.store)) == 1


def test_erasing_the_person_takes_the_alert_along(assistant, home, moods):
    moods[ANGRY] = -0.9
    assistant.reply(None, ANGRY, tenant="local", user_id="jane-4711")
    other = assistant.reply(None, ANGRY, tenant="local", user_id="bob")
    receipt = Eraser(assistant.store, home, Keyring.open(home)).erase(Ident("user", "jane-4711"))
    assert (receipt.stores["channel_messages"], receipt.stores["chat_escalations"]) == (1, 1)
    assert [json.loads(row.body)["conversation_id"] for row in alerts(assistant.store)] == [other.conversation_id]


CALLING = """
import sys
from pathlib import Path
from growthbench.content.chat.conversations import Conversations, Said
from growthbench.content.chat.replies import Escalation
from growthbench.people.directory import Directory
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring

url, home = sys.argv[1:]
store, ring = open_store(url), Keyring.open(Path(home))
kept, n = Conversations(store, {"local": Directory(store, ring, "local")}.get), 0
while True:
    begun, n = kept.begin("local", f"u{n % 7}", None), n + 1
    reply = {"text": "b", "sentiment": 0.0}
    called = Escalation(f"esc_{n}", "sentiment", "a fact")
    kept.keep(begun, Said(f"msg_{n}", "a", f"reply_{n}", reply, {}, {"escalated": ["sentiment"]}, called))
    print(n, flush=True)
"""


def test_a_kill_leaves_both_or_neither(store_url, home):
    process = subprocess.Popen([sys.executable, "-c", CALLING, store_url, str(home)], stdout=subprocess.PIPE, text=True)
    with process:
        for line in process.stdout:
            if int(line) == 20:
                break
        time.sleep(random.Random(4711).uniform(0, 0.05))
        os.kill(process.pid, signal.SIGKILL)
        sure = [20, *map(int, process.stdout.read().split())][-1]
    assert process.returncode == -signal.SIGKILL
    with open_store(store_url) as store:
        handed = [row.escalation_id for row in called(store)]
        told = [json.loads(row.body)["escalation_id"] for row in alerts(store)]
    assert sorted(told) == sorted(handed)
    assert told == [f"esc_{n}" for n in range(1, len(told) + 1)]
    assert len(told) >= sure
