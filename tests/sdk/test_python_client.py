"""What the Python client sends, and what it never does: lose, raise, block, mix up."""

import base64
import doctest
import gzip
import json
import math
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import growthbench_sdk
import pytest
from growthbench_sdk import MarketingClient, async_client, client
from sdk_servers import (
    close_after,
    close_unread,
    endless_body,
    friendly_page,
    ok,
    picky,
    rubbish,
    slow,
    status,
    trickle,
)

QUICK = {"flush_interval_s": 0.02, "retry_first_s": 0.02, "retry_longest_s": 0.1, "timeout_s": 1.0}


@pytest.fixture
def problems():
    return []


@pytest.fixture
def sdk(receiver, problems):
    made = MarketingClient("gbw_key", receiver.url, "shop", on_error=problems.append, **QUICK)
    yield made
    made.close(0)


def kinds(problems):
    return {p.kind for p in problems}


def test_the_examples_in_the_docstrings_hold():
    for module in (client, async_client):
        assert doctest.testmod(module).failed == 0


def test_a_batch_is_segments_format(sdk, receiver):
    assert sdk.track("u1", "product_viewed", {"product_id": "p1", "price": 299.99}) is True
    assert sdk.identify("u1", {"email": "a@b.example", "plan": "pro"}, anonymous_id="a1")
    assert sdk.page(None, "Pricing", {"path": "/pricing"}, category="docs", anonymous_id="a1")
    assert sdk.screen("u1", "Basket")
    assert sdk.group("u1", "acme", {"employees": 250})
    assert sdk.alias("a1", "u1")
    assert sdk.flush()
    path, headers, body = receiver.requests[0]
    assert path == "/v1/batch"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"gbw_key:").decode()
    assert headers["Content-Encoding"] == "gzip"
    sent = json.loads(gzip.decompress(body))
    assert set(sent) == {"batch", "sentAt"}
    track, identify, page, screen, group, alias = receiver.messages
    assert track["type"] == "track"
    assert (track["userId"], track["event"]) == ("u1", "product_viewed")
    assert track["properties"] == {"product_id": "p1", "price": 299.99}
    assert track["context"]["app"] == {"name": "shop"}
    assert track["context"]["library"] == {"name": "growthbench-python", "version": growthbench_sdk.__version__}
    assert (identify["traits"]["plan"], identify["anonymousId"]) == ("pro", "a1")
    assert "userId" not in page
    assert (page["name"], page["category"], page["properties"]) == ("Pricing", "docs", {"path": "/pricing"})
    assert (screen["type"], screen["name"]) == ("screen", "Basket")
    assert (group["groupId"], group["traits"]) == ("acme", {"employees": 250})
    assert (alias["previousId"], alias["userId"]) == ("a1", "u1")
    assert len({m["messageId"] for m in receiver.messages}) == 6
    assert abs(datetime.fromisoformat(track["timestamp"]) - datetime.now(UTC)) < timedelta(seconds=10)


def test_times_are_utc(sdk, receiver):
    sdk.track("u", "a", timestamp=datetime(2026, 1, 1, 12))
    sdk.track("u", "b", timestamp=datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    sdk.track("u", "c", timestamp="2026-01-01T12:00:00Z")
    sdk.flush()
    assert [m["timestamp"] for m in receiver.messages] == [
        "2026-01-01T12:00:00.000Z", "2026-01-01T10:00:00.000Z", "2026-01-01T12:00:00Z"]  # fmt: skip


def test_odd_values_become_json_that_every_reader_takes(sdk, receiver):
    class Odd:
        def __str__(self):
            return "odd"

    assert sdk.track(17, "odd", {
        "nan": math.nan, "inf": [math.inf], "money": Decimal("9.99"), "day": date(2026, 1, 2), "set": {"b", "a"},
        "bytes": b"x\xff", "odd": Odd(), 5: "number", ("a", 1): "tuple", "surrogate": "\ud800", "none": None,
    })  # fmt: skip
    sdk.flush()
    (message,) = receiver.messages
    assert message["userId"] == "17"
    assert message["properties"] == {
        "nan": None, "inf": [None], "money": "9.99", "day": "2026-01-02", "set": ["a", "b"], "bytes": "x\ufffd",
        "odd": "odd", "5": "number", "('a', 1)": "tuple", "surrogate": "?", "none": None,
    }  # fmt: skip


def test_later_changes_do_not_reach_a_message(sdk, receiver):
    properties = {"price": 1}
    sdk.track("u", "seen", properties)
    properties["price"] = 2
    sdk.flush()
    assert receiver.messages[0]["properties"] == {"price": 1}


class Hostile:
    """Raises at whatever is done to it."""

    def __getattribute__(self, name):
        raise RuntimeError("hostile")

    __str__ = __repr__ = __bool__ = __len__ = __iter__ = __eq__ = __hash__ = lambda *a: 1 / 0


def test_no_argument_raises_into_the_host(sdk, problems):
    loop: dict = {}
    loop["self"] = loop
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    bad = [None, "", [], 5.5, True, object(), Hostile(), loop, {"deep": deep}, b"bytes", lambda: 1]
    for value in bad:
        for call in (
            lambda v: sdk.track(v, "e"), lambda v: sdk.track("u", v), lambda v: sdk.track("u", "e", v),
            lambda v: sdk.track("u", "e", {"x": v}), lambda v: sdk.track("u", "e", context=v),
            lambda v: sdk.track("u", "e", timestamp=v), lambda v: sdk.track("u", "e", message_id=v),
            lambda v: sdk.identify("u", v), lambda v: sdk.page("u", v, v), lambda v: sdk.group("u", v, v),
            lambda v: sdk.alias(v, v), lambda v: sdk.screen(v, anonymous_id=v),
        ):  # fmt: skip
            assert call(value) in (True, False)
    assert sdk.flush("soon") is False
    assert sdk.scores(Hostile(), Hostile()) == {}
    assert sdk.track(None, "nobody") is False
    assert sdk.track("u", "big", {"text": "x" * 40_000}) is False
    assert "too_large" in sdk.counts.dropped
    assert sdk.counts.dropped["invalid"] > 20
    assert kinds(problems) >= {"invalid", "too_large"}


@pytest.mark.parametrize("settings", [
    {"api_key": None}, {"api_key": ""}, {"api_key": "k", "base_url": "no url"}, {"api_key": "k", "base_url": None},
    {"api_key": "k", "flush_at": "many"}, {"api_key": "k", "base_url": "http://x:port"},
])  # fmt: skip
def test_wrong_settings_make_a_dead_client_that_says_so(settings, problems):
    dead = MarketingClient(**settings, on_error=problems.append)
    assert kinds(problems) == {"settings"}
    assert dead.track("u", "e") is False
    assert dead.scores("u", "churn")["churn"].reason == "closed"
    assert not dead.get_recommendations("u")
    assert dead.flush() is False
    assert dead.close() is False
    assert dead.counts.dropped == {"settings": 1}


def test_what_on_error_raises_is_ignored(receiver):
    def raises(problem):
        raise ValueError("host's mistake")

    receiver.plan = [status(500)]
    with MarketingClient("k", receiver.url, on_error=raises, **QUICK) as sdk:
        sdk.track(None, "nobody")
        sdk.track("u", "e")
        assert sdk.flush()
    assert receiver.names() == ["e"]


def test_batches_keep_segments_limits(receiver):
    receiver.plan = [slow(0.3)]  # while more come in
    with MarketingClient("k", receiver.url, **QUICK) as sdk:
        for i in range(350):
            sdk.track(f"u{i % 7}", "e", {"i": i, "text": "x" * (25_000 if i < 60 else 10)})
        assert sdk.flush()
    bodies = [gzip.decompress(b) if h.get("Content-Encoding") == "gzip" else b for _, h, b in receiver.requests]
    assert max(len(b) for b in bodies) <= 500_000
    assert max(len(json.loads(b)["batch"]) for b in bodies) <= 100
    assert [m["properties"]["i"] for m in receiver.messages] == list(range(350))


FAULTS = {
    "500": status(500), "502 page": status(502), "503": status(503, [("Retry-After", "0")]), "401": status(401),
    "404": status(404), "redirect": status(302, [("Location", "/")]), "rubbish": rubbish, "page": friendly_page,
    "close": close_unread, "close after": close_after, "slow": slow(1.3), "trickle": trickle,
    "endless": endless_body, "400 of a proxy": status(400), "413 of a proxy": status(413),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_server_loses_nothing_and_keeps_the_order(fault, sdk, receiver, problems):
    receiver.plan = [FAULTS[fault]] * (8 if "proxy" in fault else 2)  # refusals are first narrowed down to one message
    for i in range(30):
        assert sdk.track(f"u{i % 3}", f"e{i}")
    assert sdk.flush(20)
    assert receiver.names() == [f"e{i}" for i in range(30)]
    counts = sdk.counts
    assert (counts.accepted, counts.delivered, counts.waiting, counts.dropped) == (30, 30, 0, {})
    assert kinds(problems) & {"network", "status", "rubbish"}
    assert not [m for p in problems for m in p.messages]


def test_retry_after_is_honoured(sdk, receiver):
    receiver.plan = [status(429, [("Retry-After", "1")])]
    sdk.track("u", "e")
    begun = time.monotonic()
    assert sdk.flush()
    assert 1.0 <= time.monotonic() - begun < 3
    assert len(receiver.requests) == 2


def test_a_refused_message_is_found_and_handed_back_and_the_others_arrive(sdk, receiver, problems):
    receiver.always = picky(lambda m: m["event"] in ("bad7", "bad40"))
    for i in range(50):
        sdk.track("u", f"bad{i}" if i in (7, 40) else f"e{i}")
    assert sdk.flush()
    assert receiver.names() == [f"e{i}" for i in range(50) if i not in (7, 40)]
    refused = [p for p in problems if p.kind == "refused"]
    assert [p.messages[0]["event"] for p in refused] == ["bad7", "bad40"]
    assert sdk.counts.dropped == {"refused": 2}


def test_a_full_queue_refuses_the_newest_and_counts_it(receiver, problems):
    receiver.always = status(503)
    sdk = MarketingClient("k", receiver.url, max_queue=10, on_error=problems.append, **QUICK)
    assert [sdk.track("u", f"e{i}") for i in range(15)] == [True] * 10 + [False] * 5
    assert sdk.counts.dropped == {"full": 5}
    assert [p.messages[0]["event"] for p in problems if p.kind == "full"] == [f"e{i}" for i in range(10, 15)]
    receiver.always = ok
    assert sdk.close(5)
    assert receiver.names() == [f"e{i}" for i in range(10)]


def test_bytes_bound_the_queue_too(receiver):
    receiver.always = status(503)
    sdk = MarketingClient("k", receiver.url, max_queue_bytes=100_000, **QUICK)
    assert sum(sdk.track("u", "e", {"text": "x" * 20_000}) for _ in range(10)) == 4
    sdk.close(0)


def test_close_hands_back_what_is_left_within_its_limit(receiver, problems):
    receiver.always = slow(5)
    sdk = MarketingClient("k", receiver.url, on_error=problems.append, **QUICK)
    for i in range(3):
        sdk.track("u", f"e{i}")
    begun = time.monotonic()
    assert sdk.close(0.5) is False
    assert time.monotonic() - begun < 2
    (left,) = [p for p in problems if p.kind == "closed"]
    assert [m["event"] for m in left.messages] == ["e0", "e1", "e2"]
    assert sdk.counts.dropped == {"closed": 3}
    assert sdk.track("u", "late") is False


def test_the_host_is_never_held_up(free_port, receiver, figure):
    """No server, a slow one, one that trickles: a call takes no longer than with a good one."""
    receiver.always = slow(3)
    trickles = type(receiver)()
    trickles.always = trickle
    with trickles:
        for name, url in (("away", f"http://127.0.0.1:{free_port}"), ("slow", receiver.url), ("trickle", trickles.url)):
            sdk = MarketingClient("k", url, **QUICK)
            taken = []
            for i in range(3000):
                begun = time.perf_counter()
                sdk.track(f"u{i}", "e", {"i": i})
                taken.append(time.perf_counter() - begun)
            sdk.close(0)
            taken.sort()
            figure(f"track() with a server that is {name}, p99", taken[-30] * 1e3, at_most=5, unit="ms")
            figure(f"track() with a server that is {name}, longest", taken[-1] * 1e3, at_most=250, unit="ms")


def test_calls_inside_calls_do_not_lock_up(sdk, receiver):
    """A signal handler or destructor may call while a call runs: here a property's text does."""

    class Chatty:
        def __str__(self):
            sdk.track("u", "inner")
            return "chatty"

    sdk.track("u", "outer", {"x": Chatty()})
    with sdk._sender.queue.changed:  # as when a signal arrives inside
        sdk.track("u", "signal")
    assert sdk.flush()
    assert receiver.names() == ["inner", "outer", "signal"]
