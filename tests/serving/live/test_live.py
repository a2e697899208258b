import asyncio

import pytest
from live_parts import Client
from sqlalchemy import delete

from growthbench.events.tables import events
from growthbench.serving import feeds, live
from growthbench.serving.live import realtime
from growthbench.store.callers import Caller


def running(work):
    """Run a test's coroutine."""
    asyncio.run(asyncio.wait_for(work(), 30))


def track(i, **more):
    return {"userId": f"u{i % 3}", "event": "login", "messageId": f"m{i}", "properties": {"n": i}, **more}


def test_a_subscriber_hears_what_happens_after_it_came(parts):
    async def work():
        parts.track(track(0))
        client = Client(realtime, parts)
        assert (await client.hear())["tenant"] == "local"
        client.say(type="subscribe", topics=["events", "alerts"])
        assert (await client.hear()) == {"type": "subscribed", "topics": ["events", "alerts"],
                                         "at": {"events": 1, "alerts": 0}}  # fmt: skip
        parts.track(track(1), track(2, event="purchase"))
        first, second = await client.messages(2)
        assert (first["topic"], first["seq"], first["body"]["name"]) == ("events", 2, "login")
        assert (second["seq"], second["body"]["name"], second["body"]["properties"]) == (3, "purchase", {"n": 2})
        assert second["body"]["user_id"] == "u2"
        parts.bus.publish("alerts", "local", {"kind": "x"}, person=second["body"]["person"])
        told = await client.hear("message")
        assert told["topic"] == "alerts"
        assert told["body"] == {"kind": "x", "person": second["body"]["person"], "user_id": "u2"}
        await client.leave()
        assert parts.bus.followers() == 0
        assert parts.bus.feeds.connections == {}

    running(work)


def test_it_goes_on_from_a_number_without_a_gap_or_a_repetition(parts):
    async def work():
        for i in range(10):
            parts.bus.publish("campaigns", "local", {"i": i})
        parts.track(*[track(i) for i in range(450)])
        client = Client(realtime, parts)
        client.say(type="subscribe", **{"from": {"events": 120, "campaigns": 7}})
        got = await client.messages(330 + 3)
        parts.track(*[track(i) for i in range(450, 460)])
        got += await client.messages(10)
        assert [m["seq"] for m in got if m["topic"] == "events"] == list(range(121, 461))
        assert [m["body"]["i"] for m in got if m["topic"] == "campaigns"] == [7, 8, 9]
        client.say(type="subscribe", **{"from": {"events": 455}})
        assert [m["seq"] for m in await client.messages(5)] == list(range(456, 461))
        await client.leave()

    running(work)


@pytest.mark.parametrize("steps", range(12))
def test_whoever_cancels_a_connection_that_is_ending_hears_of_its_own_cancellation(parts, steps):
    async def work():  # servers and test clients tell their cancellation by its message
        client = Client(realtime, parts)
        await client.hear("welcome")
        client.said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        for _ in range(steps):
            await asyncio.sleep(0)
        client.task.cancel("the server's")
        try:
            await client.task
        except asyncio.CancelledError as exc:
            assert exc.args == ("the server's",)  # noqa: PT017 - it may as well have ended in time
        assert parts.bus.followers() == 0

    running(work)


def test_many_readers_read_the_store_once(parts, monkeypatch):
    reads = []
    real = feeds.read_events
    monkeypatch.setattr(feeds, "read_events", lambda *args: reads.append(args) or real(*args))

    async def work():
        clients = [Client(realtime, parts) for _ in range(20)]
        for client in clients:
            client.say(type="subscribe", topics=["events"])
            await client.hear("subscribed")
        parts.track(*[track(i) for i in range(5)])
        for client in clients:
            assert [m["seq"] for m in await client.messages(5)] == [1, 2, 3, 4, 5]
        assert len(reads) <= 2
        for client in clients:
            await client.leave()

    running(work)


def test_a_slow_reader_is_told_and_goes_on_from_the_store_and_nothing_waits_for_it(parts, monkeypatch):
    monkeypatch.setattr(feeds, "_MOST_BYTES", 20_000)

    async def work():
        slow, quick = Client(realtime, parts), Client(realtime, parts)
        for client in (slow, quick):
            client.say(type="subscribe", topics=["events"])
            await client.hear("subscribed")
        slow.gate.clear()
        parts.track(*[track(i) for i in range(600)])
        assert [m["seq"] for m in await quick.messages(600)] == list(range(1, 601))
        feed = parts.bus.feeds._feeds["local", "events"]
        assert len(feed.items) == feeds.PAGE
        assert slow.heard.qsize() == 0
        slow.gate.set()
        got, lagging = [], []
        while len(got) < 600:
            message = await slow.hear()
            (got if message["type"] == "message" else lagging).append(message)
        assert [m["seq"] for m in got] == list(range(1, 601))
        assert [m["type"] for m in lagging] == ["lagging"]
        assert lagging[0]["topics"] == ["events"]
        assert lagging[0]["head"] == 600
        assert "growthbench_live_lagging_total 1" in parts.metrics.text()
        await slow.leave()
        await quick.leave()

    running(work)


def test_a_reader_that_takes_nothing_at_all_is_dropped(parts, monkeypatch):
    monkeypatch.setattr(live, "SEND_S", 0.3)

    async def work():
        client = Client(realtime, parts)
        client.say(type="subscribe", topics=["events"])
        await client.hear("subscribed")
        client.gate.clear()
        parts.track(track(1))
        await asyncio.sleep(0.6)
        client.gate.set()
        await asyncio.wait_for(client.task, 5)
        assert parts.bus.feeds.connections == {}

    running(work)


@pytest.mark.parametrize(
    ("headers", "first", "code"),
    [
        ([], {"type": "auth", "key": "wrong"}, 4401),
        ([], {"type": "subscribe", "topics": ["events"]}, 4401),
        ([("authorization", "Bearer wrong")], {"type": "auth", "key": "secret"}, 4401),
        ([("authorization", "Bearer write")], None, 4403),
        ([], {"type": "auth", "key": "write"}, 4403),
    ],
)
def test_nobody_unknown_and_nobody_without_leave_gets_in(parts, headers, first, code):
    async def work():
        client = Client(realtime, parts, headers)
        if first:
            client.say(**first)
        told = await client.hear()
        assert told["problem"]["status"] == code - 4000
        assert (await client.hear()).closed == code
        await asyncio.wait_for(client.task, 5)

    running(work)


def test_a_silent_stranger_is_shown_out(parts, monkeypatch):
    monkeypatch.setattr(live, "AUTH_S", 0.2)

    async def work():
        client = Client(realtime, parts, [])
        assert (await client.hear())["type"] == "error"
        assert (await client.hear()).closed == 4401

    running(work)


def test_a_browser_says_its_key_first_and_renews_it_later(parts):
    async def work():
        client = Client(realtime, parts, [])
        client.say(type="auth", key="secret")
        assert (await client.hear())["type"] == "welcome"
        client.say(type="auth", key="viewer")
        assert (await client.hear())["type"] == "authenticated"
        client.say(type="auth", key="other")
        assert (await client.hear())["problem"]["status"] == 403
        assert (await client.hear()).closed == 4403

    running(work)


def test_a_key_that_is_revoked_ends_the_connection_soon(parts):
    async def work():
        client = Client(realtime, parts)
        await client.hear("welcome")
        del parts.auth.callers["secret"]
        assert (await client.hear("error"))["problem"]["status"] == 401
        assert (await client.hear()).closed == 4401

    running(work)


def test_a_reader_who_may_not_see_people_gets_neither_ids_nor_properties(parts):
    async def work():
        client = Client(realtime, parts, [("authorization", "Bearer viewer")])
        client.say(type="subscribe", topics=["events", "alerts"])
        await client.hear("subscribed")
        parts.track(track(1))
        event = await client.hear("message")
        assert event["body"].keys() == {"event_id", "name", "timestamp", "session_id", "person"}
        parts.bus.publish("alerts", "local", {"kind": "x"}, person=event["body"]["person"])
        assert (await client.hear("message"))["body"] == {"kind": "x", "person": event["body"]["person"]}
        await client.leave()

    running(work)


def test_tenants_hear_nothing_of_each_other(parts):
    async def work():
        mine, theirs = Client(realtime, parts), Client(realtime, parts, [("authorization", "Bearer other")])
        for client in (mine, theirs):
            client.say(type="subscribe", **{"from": {"events": 0, "alerts": 0}})
            await client.hear("subscribed")
        parts.track(track(1), tenant="other")
        parts.bus.publish("alerts", "other", {})
        assert {(await theirs.hear("message"))["topic"] for _ in range(2)} == {"events", "alerts"}
        with pytest.raises(TimeoutError):
            await mine.hear(within=0.5)
        await mine.leave()
        await theirs.leave()

    running(work)


def test_an_erased_person_is_a_gap_and_what_was_pruned_is_said_to_be_gone(parts, store):
    async def work():
        parts.track(*[track(i) for i in range(6)])
        with store.writing() as connection:
            connection.execute(delete(events).where(events.c.seq.in_([2, 6])))
        for _ in range(4):
            parts.bus.publish("alerts", "local", {})
        parts.bus.prune(1 << 62)
        parts.bus.publish("alerts", "local", {})
        client = Client(realtime, parts)
        client.say(type="subscribe", **{"from": {"events": 0, "alerts": 1}})
        assert (await client.hear("gone")) == {"type": "gone", "topic": "alerts", "oldest": 5}
        got = await client.messages(5)
        assert sorted(m["seq"] for m in got if m["topic"] == "events") == [1, 3, 4, 5]
        parts.track(track(9))
        assert (await client.hear("message"))["seq"] == 7
        await client.leave()

    running(work)


def test_mistakes_are_answered_and_too_many_end_it(parts):
    async def work():
        client = Client(realtime, parts)
        await client.hear("welcome")
        for said, field in [
            ({"type": "dance"}, "type"),
            ({"type": "subscribe"}, "topics"),
            ({"type": "subscribe", "topics": ["news"]}, "topics"),
            ({"type": "subscribe", "topics": ["events"], "from": {"events": 5}}, "from.events"),
            ({"type": "subscribe", "topics": ["events"], "from": {"events": -1}}, "from.events"),
            ({"type": "subscribe", "topics": "events"}, None),
        ]:
            client.say(**said)
            told = await client.hear()
            assert (told["type"], told["problem"]["status"], told["problem"].get("field")) == ("error", 400, field)
        client.say(type="ping")
        assert await client.hear() == {"type": "pong"}
        for _ in range(5):
            client.said.put_nowait({"type": "websocket.receive", "bytes": b"\xff{"})
        while not hasattr(told := await client.hear(), "closed"):
            pass
        assert told.closed == 4400

    running(work)


def test_a_tenant_has_a_limit_of_connections(parts, monkeypatch):
    monkeypatch.setattr(live, "MOST_CONNECTIONS", 2)

    async def work():
        clients = [Client(realtime, parts) for _ in range(2)]
        for client in clients:
            await client.hear("welcome")
        third = Client(realtime, parts)
        assert (await third.hear())["problem"]["status"] == 429
        assert (await third.hear()).closed == 4429
        await clients[0].leave()
        fourth = Client(realtime, parts)
        assert (await fourth.hear())["type"] == "welcome"
        await fourth.leave()
        await clients[1].leave()

    running(work)


def test_silence_is_broken_by_a_heartbeat_with_the_readers_place(parts, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(live, "CHECK_S", 0.1)

    async def work():
        client = Client(realtime, parts)
        client.say(type="subscribe", topics=["events"])
        assert (await client.hear("heartbeat"))["at"] == {"events": 0}
        await client.leave()

    running(work)


def test_the_roles_that_may_follow():
    may = {r for r in ("admin", "marketer", "analyst", "service", "viewer", "sender", "nobody")
           if Caller("t", "key", "k", r).may("live:read")}  # fmt: skip
    assert may == {"admin", "marketer", "analyst", "service", "viewer"}
