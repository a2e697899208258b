"""A chat that is handed over in one process is told by another: on the live channel and by webhook."""

import asyncio
import json
import time

import pytest
from live_parts import Client
from receiver import Receiver, verified
from sqlalchemy import func, select

from growthbench.base.clock import now_us
from growthbench.content.chat.conversations import Conversations, Said
from growthbench.content.chat.replies import Escalation
from growthbench.people.directory import Directory
from growthbench.serving.live import realtime
from growthbench.serving.webhook_dispatch import Dispatcher
from growthbench.serving.webhook_spread import spread
from growthbench.serving.webhooks import Webhooks
from growthbench.store.engine import open_store
from growthbench.store.message_tables import webhook_deliveries


@pytest.fixture
def elsewhere(store_url, parts):
    """Conversations of another process: a store of its own, and nobody to wake the Door."""
    with open_store(store_url) as store:
        yield Conversations(store, {"local": Directory(store, parts.keyring, "local")}.get)


@pytest.fixture
def receiver(monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_WEBHOOKS_PRIVATE", "1")
    made = Receiver()
    yield made
    made.close()


def hand_over(kept, user_id="jane"):
    """A conversation in which a person is called; its id."""
    begun = kept.begin("local", user_id, None)
    memory = {"escalated": ["explicit_wish"]}
    called = Escalation(f"esc_{begun.conversation_id}", "explicit_wish", "asked for a person")
    said = Said(
        f"msg_{user_id}", "get me a human", f"reply_{user_id}", {"text": "b", "sentiment": -0.5}, {}, memory, called
    )
    kept.keep(begun, said)
    return begun.conversation_id


def wait_for(true, within=10.0):
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_readers_of_alerts_hear_of_it_at_once_and_as_much_as_they_may(parts, elsewhere):
    async def work():
        whole = Client(realtime, parts)
        bare = Client(realtime, parts, headers=[("authorization", "Bearer viewer")])
        other = Client(realtime, parts, headers=[("authorization", "Bearer other")])
        for client in (whole, bare, other):
            client.say(type="subscribe", topics=["alerts"])
            await client.hear("subscribed")
        conversation_id = await asyncio.to_thread(hand_over, elsewhere)
        begun = time.monotonic()
        told, less = await whole.hear("message"), await bare.hear("message")
        assert time.monotonic() - begun < 2
        assert (told["topic"], told["seq"]) == ("alerts", 1)
        assert told["body"]["kind"] == "chat_escalation"
        assert told["body"]["conversation_id"] == conversation_id
        assert told["body"]["user_id"] == "jane"
        assert less["body"] == {k: v for k, v in told["body"].items() if k != "user_id"}
        assert less["body"]["person"] not in ("", "jane")
        await asyncio.to_thread(hand_over, elsewhere, "bob")
        assert (await whole.hear("message"))["seq"] == 2
        assert other.heard.empty()
        for client in (whole, bare, other):
            await client.leave()

    asyncio.run(asyncio.wait_for(work(), 30))


def test_a_webhook_is_told_signed_and_once(parts, elsewhere, receiver):
    kept = Webhooks(parts.store, parts.keyring, parts.bus)
    sending = Dispatcher(parts, kept)
    _, secret = kept.create("local", receiver.url, ["alerts"])
    sending.start()
    conversation_id = hand_over(elsewhere)
    wait_for(lambda: receiver.got)
    time.sleep(0.3)
    sending.close()
    ((_, headers, body),) = receiver.got
    assert verified(secret, headers, body)
    told = json.loads(body)
    assert (told["type"], told["topic"], told["seq"]) == ("alert.chat_escalation", "alerts", 1)
    assert (told["data"]["conversation_id"], told["data"]["user_id"]) == (conversation_id, "jane")
    assert "get me a human" not in body.decode()


@pytest.mark.parametrize("died", ["before it was spread", "before it was sent", "while it was sent"])
def test_whoever_dies_on_the_way_another_one_delivers_it_under_one_id(parts, elsewhere, receiver, died):
    kept = Webhooks(parts.store, parts.keyring, parts.bus)
    hook, _ = kept.create("local", receiver.url, ["alerts"])
    hand_over(elsewhere)
    dead = Dispatcher(parts, kept)
    if died != "before it was spread":
        spread(parts.store, hook, "channel", parts.bus.heads(["local"])["local"])
    if died == "while it was sent":  # the receiver has it, and nobody has written that down
        (row,) = dead._due()
        assert dead._begin(row)
        assert dead.attempt(row)[0] == "delivered"
        with parts.store.writing() as connection:
            connection.execute(webhook_deliveries.update().values(next_at=now_us()))  # what was lent is given back
    alive = Dispatcher(parts, kept)
    alive.start()
    wait_for(lambda: kept.deliveries("local", hook.webhook_id, "delivered"))
    alive.close()
    dead.close()
    assert len(receiver.got) == 1 + (died == "while it was sent")
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    with parts.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(webhook_deliveries)).scalar() == 1
