"""Events out of a Redis Stream: taken once, acknowledged when durable, refused with a reason."""

import json
import os
import threading
import time
import uuid

import pytest

from growthbench.events.log import EventLog
from growthbench.serving.intake_stream import GROUP, IntakeStream
from growthbench.serving.opening import open_state
from growthbench.serving.settings import DoorSettings

URL = os.environ.get("GROWTHBENCH_TEST_REDIS", "redis://localhost:6379/9")


@pytest.fixture
def redis(require_or_skip):
    import redis

    client = redis.Redis.from_url(URL, socket_connect_timeout=2)
    try:
        client.ping()
    except redis.RedisError as exc:
        require_or_skip("redis", f"{URL} does not answer: {exc}")
    yield client
    client.close()


@pytest.fixture
def stream(redis):
    name = f"growthbench:test:{uuid.uuid4().hex[:8]}"
    yield name
    redis.delete(name, f"{name}:refused")


@pytest.fixture
def state(settings, store):
    opened = open_state(DoorSettings(), settings)
    yield opened
    opened.close()


def wait_for(what, within_s=20.0):
    until = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def body(key, *ids):
    batch = [{"type": "track", "event": "streamed", "userId": "u", "messageId": i} for i in ids]
    return json.dumps({"writeKey": key, "batch": batch})


@pytest.mark.redis
def test_entries_become_events_and_leave_nothing_behind(redis, stream, state, keys, store):
    for i in range(20):
        redis.xadd(stream, {"body": body(keys["write"], f"m{i}", f"m{i + 1}")})
    consumer = IntakeStream(state, URL, stream).start()
    wait_for(lambda: redis.xlen(stream) == 0)
    redis.xadd(stream, {"body": body(keys["write"], "later")})
    wait_for(lambda: redis.xlen(stream) == 0)
    consumer.close()
    assert EventLog(store).count("streamed") == 22
    assert redis.xpending(stream, GROUP)["pending"] == 0


@pytest.mark.redis
def test_an_entry_that_cannot_be_taken_is_put_aside_with_its_reason(redis, stream, state, keys):
    for bad in ("no json", body("gbw_unknown", "m"), json.dumps({"writeKey": keys["write"], "batch": 7})):
        redis.xadd(stream, {"body": bad})
    redis.xadd(stream, {"other": "field"})
    consumer = IntakeStream(state, URL, stream).start()
    wait_for(lambda: redis.xlen(stream) == 0)
    consumer.close()
    aside = [entry for _, entry in redis.xrange(f"{stream}:refused")]
    assert len(aside) == 4
    assert all(entry[b"reason"] for entry in aside)


@pytest.mark.redis
def test_what_a_dead_consumer_had_taken_is_taken_over(redis, stream, state, keys, store):
    redis.xadd(stream, {"body": body(keys["write"], "orphan")})
    redis.xgroup_create(stream, GROUP, id="0")
    redis.xreadgroup(GROUP, "dead", {stream: ">"})
    consumer = IntakeStream(state, URL, stream, takeover_ms=200).start()
    wait_for(lambda: EventLog(store).count("streamed") == 1)
    consumer.close()


@pytest.mark.redis
def test_an_outage_of_the_store_loses_no_entry(redis, stream, state, keys, store, monkeypatch):
    from sqlalchemy.exc import OperationalError

    healthy, failed = state.commits._writing, threading.Event()

    def away():
        failed.set()
        raise OperationalError("away", {}, Exception("away"))

    monkeypatch.setattr(state.commits, "_writing", away)
    redis.xadd(stream, {"body": body(keys["write"], "m")})
    consumer = IntakeStream(state, URL, stream, takeover_ms=300).start()
    wait_for(failed.is_set)
    assert EventLog(store).count("streamed") == 0
    monkeypatch.setattr(state.commits, "_writing", healthy)
    wait_for(lambda: EventLog(store).count("streamed") == 1)
    consumer.close()
