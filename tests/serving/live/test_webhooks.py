import json
import time

import pytest
from receiver import Receiver, verified
from sqlalchemy import func, select

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.serving import webhook_dispatch
from growthbench.serving.webhook_dispatch import Dispatcher, wait_s
from growthbench.serving.webhook_spread import spread
from growthbench.serving.webhooks import Webhooks
from growthbench.store.message_tables import webhook_deliveries, webhooks


@pytest.fixture(autouse=True)
def _inside(monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_WEBHOOKS_PRIVATE", "1")


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def kept(parts):
    return Webhooks(parts.store, parts.keyring, parts.bus)


@pytest.fixture
def sending(parts, kept):
    """A dispatcher that runs."""
    made = Dispatcher(parts, kept)
    made.start()
    yield made
    made.close()


def wait_for(true, within=10.0):
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def count(store, **where):
    query = select(func.count()).select_from(webhook_deliveries)
    for name, value in where.items():
        query = query.where(webhook_deliveries.c[name] == value)
    with store.reading() as connection:
        return connection.execute(query).scalar()


def test_what_happens_is_delivered_signed_and_once(parts, kept, sending, receiver):
    parts.track({"userId": "early", "event": "before", "messageId": "m0"})
    hook, secret = kept.create("local", receiver.url, ["events", "alerts"])
    sending.wake()
    parts.track({"userId": "u1", "event": "purchase", "messageId": "m1", "properties": {"item": "x"}})
    parts.bus.publish("alerts", "local", {"kind": "score_threshold", "score": 0.9})
    parts.bus.publish("campaigns", "local", {"kind": "paused"})
    wait_for(lambda: len(receiver.got) == 2)
    time.sleep(0.3)
    told = {b["type"]: b for b in receiver.bodies()}
    assert told.keys() == {"event.tracked", "alert.score_threshold"}
    event = told["event.tracked"]
    assert (event["topic"], event["seq"], event["data"]["name"], event["data"]["user_id"]) == (
        "events", 2, "purchase", "u1",
    )  # fmt: skip
    assert event["data"]["properties"] == {"item": "x"}
    for path, headers, body in receiver.got:
        assert path == "/hook?x=1"
        assert verified(secret, headers, body)
        assert not verified(secret, headers, body + b" ")
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        assert headers["Content-Type" if "Content-Type" in headers else "content-type"] == "application/json"
    assert {d["state"] for d in kept.deliveries("local", hook.webhook_id)} == {"delivered"}


def test_a_failed_delivery_comes_again_under_its_id_until_it_is_taken(parts, kept, sending, receiver, monkeypatch):
    monkeypatch.setattr(webhook_dispatch, "FIRST_WAIT_S", 0.05)
    receiver.answers = [500, 404, 302]
    hook, _ = kept.create("local", receiver.url, ["alerts"])
    sending.wake()
    parts.bus.publish("alerts", "local", {"kind": "x"})
    wait_for(lambda: kept.deliveries("local", hook.webhook_id, "delivered"))
    assert len({h["webhook-id"] for _, h, _ in receiver.got}) == 1
    assert len({body for _, _, body in receiver.got}) == 1
    (told,) = kept.deliveries("local", hook.webhook_id)
    assert (told["attempts"], told["last_error"]) == (4, None)


def test_it_is_given_up_after_the_last_attempt_and_can_be_sent_again(parts, kept, sending, receiver, monkeypatch):
    monkeypatch.setattr(webhook_dispatch, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(webhook_dispatch, "MOST_ATTEMPTS", 3)
    receiver.answers = [400, 400, 400]
    hook, _ = kept.create("local", receiver.url, ["alerts"])
    sending.wake()
    parts.bus.publish("alerts", "local", {"kind": "x"})
    wait_for(lambda: kept.deliveries("local", hook.webhook_id, "given_up"))
    (told,) = kept.deliveries("local", hook.webhook_id)
    assert (told["attempts"], told["last_error"]) == (3, "the receiver answered 400")
    assert kept.redeliver("local", hook.webhook_id, told["delivery_id"])["state"] == "waiting"
    sending.wake()
    wait_for(lambda: kept.deliveries("local", hook.webhook_id, "delivered"))
    assert {h["webhook-id"] for _, h, _ in receiver.got} == {told["delivery_id"]}


def test_waiting_grows_fourfold_with_jitter_up_to_four_hours():
    assert [wait_s(n, lambda: 0.5) for n in (1, 2, 3, 4)] == [5.0, 20.0, 80.0, 320.0]
    assert wait_s(10, lambda: 0.5) == 4 * 3600.0
    assert wait_s(1, lambda: 0.0) == 4.0
    assert wait_s(1, lambda: 1.0) == pytest.approx(6.0)


def test_a_receiver_that_fails_is_left_alone_by_its_circuit_and_the_others_are_not(
    parts, kept, sending, receiver, monkeypatch
):
    monkeypatch.setattr(webhook_dispatch, "FIRST_WAIT_S", 0.01)
    good = Receiver()
    receiver.answers = [503] * 100
    bad, _ = kept.create("local", receiver.url, ["alerts"])
    kept.create("local", good.url, ["alerts"])
    sending.wake()
    for _ in range(12):
        parts.bus.publish("alerts", "local", {"kind": "x"})
    wait_for(lambda: len(good.got) == 12)
    wait_for(lambda: sending.breakers() == {bad.webhook_id: "open"})
    time.sleep(0.3)
    asked = len(receiver.got)
    time.sleep(0.3)
    assert len(receiver.got) == asked <= 7  # five failures, and what was under way beside the fifth
    waiting = kept.deliveries("local", bad.webhook_id, "waiting")
    assert len(waiting) == 12
    assert sum(d["attempts"] for d in waiting) == asked  # what the circuit kept back was not an attempt
    good.close()


def test_gone_disables_the_webhook(parts, kept, sending, receiver):
    receiver.answers = [410]
    hook, _ = kept.create("local", receiver.url, ["alerts"])
    sending.wake()
    parts.bus.publish("alerts", "local", {"kind": "x"})
    wait_for(lambda: kept.get("local", hook.webhook_id).disabled_at is not None)
    wait_for(lambda: kept.deliveries("local", hook.webhook_id, "given_up"))
    with pytest.raises(ConflictError, match="disabled"):
        (told,) = kept.deliveries("local", hook.webhook_id)
        kept.redeliver("local", hook.webhook_id, told["delivery_id"])


def test_one_that_is_enabled_again_is_told_what_happens_from_then_on(parts, kept, sending, receiver):
    hook, _ = kept.create("local", receiver.url, ["alerts"])
    kept.change("local", hook.webhook_id, enabled=False)
    sending.wake()
    parts.bus.publish("alerts", "local", {"n": 1})
    time.sleep(0.3)
    kept.change("local", hook.webhook_id, enabled=True)
    sending.wake()
    parts.bus.publish("alerts", "local", {"n": 2})
    wait_for(lambda: receiver.got)
    assert [b["data"]["n"] for b in receiver.bodies()] == [2]


def test_a_new_secret_signs_beside_the_old_one(parts, kept, sending, receiver):
    hook, old = kept.create("local", receiver.url, ["alerts"])
    new = kept.new_secret("local", hook.webhook_id)
    sending.wake()
    parts.bus.publish("alerts", "local", {})
    wait_for(lambda: receiver.got)
    _, headers, body = receiver.got[0]
    assert verified(old, headers, body)
    assert verified(new, headers, body)
    newest = kept.new_secret("local", hook.webhook_id)
    assert kept.secrets(kept.get("local", hook.webhook_id)) == [newest, new]


def test_many_workers_make_and_send_each_delivery_once(parts, kept, receiver):
    kept.create("local", receiver.url, ["events"])
    workers = [Dispatcher(parts, kept) for _ in range(3)]
    for worker in workers:
        worker.start()
    parts.track(*[{"userId": f"u{i}", "event": "e", "messageId": f"m{i}"} for i in range(30)])
    wait_for(lambda: count(parts.store, state="delivered") == 30)
    time.sleep(0.2)
    for worker in workers:
        worker.close()
    assert len(receiver.got) == 30
    assert {b["seq"] for b in receiver.bodies()} == set(range(1, 31))


def test_a_delivery_that_died_with_its_worker_comes_again(parts, kept, sending, receiver, monkeypatch):
    hook, _ = kept.create("local", receiver.url, ["alerts"])
    monkeypatch.setattr(webhook_dispatch, "LEND_S", 0.5)
    dead = Dispatcher(parts, kept)
    dead._list()
    sending.close()
    parts.bus.publish("alerts", "local", {})
    dead.spread()
    (row,) = dead._due()
    assert dead._begin(row)  # and then it is killed
    assert dead._due() == []
    alive = Dispatcher(parts, kept)
    alive.start()
    wait_for(lambda: receiver.got)
    wait_for(lambda: kept.deliveries("local", hook.webhook_id, "delivered"))
    assert kept.deliveries("local", hook.webhook_id)[0]["attempts"] == 2
    alive.close()
    dead.close()


def test_deliveries_hold_no_ids_of_people_and_what_was_erased_is_not_sent(parts, kept, receiver):
    from sqlalchemy import delete

    from growthbench.events.tables import events

    kept.create("local", receiver.url, ["events", "alerts"])
    parts.track({"userId": "secret-user", "event": "e", "properties": {"email": "a@b.example"}})
    parts.bus.publish("alerts", "local", {"kind": "x"}, person=None)
    worker = Dispatcher(parts, kept)
    worker._list()
    assert not worker.spread()
    with parts.store.reading() as connection:
        rows = [dict(r) for r in connection.execute(select(webhook_deliveries)).mappings()]
    assert len(rows) == 2
    assert "secret-user" not in json.dumps(rows)
    assert "a@b.example" not in json.dumps(rows)
    (event,) = [r for r in rows if r["topic"] == "events"]
    assert event["person"].startswith("per_")
    with parts.store.writing() as connection:
        connection.execute(delete(events))
    assert worker.attempt(event)[::2] == ("given_up", "what it told was erased")
    worker.close()


def test_a_receiver_that_takes_nothing_does_not_fill_the_store(parts, kept, receiver, monkeypatch):
    from growthbench.serving import webhook_spread

    monkeypatch.setattr(webhook_spread, "_MOST_WAITING", 10)
    monkeypatch.setattr(webhook_spread, "_PAGE", 5)
    hook, _ = kept.create("local", receiver.url, ["events"])
    parts.track(*[{"userId": "u", "event": "e", "messageId": f"m{i}"} for i in range(40)])
    heads = parts.bus.heads(["local"])["local"]
    for _ in range(10):
        assert spread(parts.store, hook, "events", heads)
    assert count(parts.store) == 10
    kept.prune(now_us() + 1)
    assert count(parts.store) == 10


def test_scores_are_wanted_where_a_webhook_tells_them(parts, kept, receiver):
    kept.create("local", receiver.url, ["scores"])
    assert parts.bus.wanted("local", "scores")


def test_the_secret_lies_sealed_and_is_another_tenants_to_nobody(parts, kept, receiver, store):
    hook, secret = kept.create("local", receiver.url, ["alerts"], actor="k1")
    with store.reading() as connection:
        (sealed,) = connection.execute(select(webhooks.c.secret)).scalars()
    assert secret.encode() not in bytes(sealed)
    for ask in (kept.get, kept.new_secret, kept.delete, kept.deliveries):
        with pytest.raises(NotFoundError):
            ask("other", hook.webhook_id)
    with pytest.raises(NotFoundError):
        kept.redeliver("local", hook.webhook_id, "whd_none")
    kept.delete("local", hook.webhook_id)
    assert kept.of("local") == []


def test_mistakes_are_refused(kept, receiver, monkeypatch):
    with pytest.raises(BadInputError, match="topics must be of"):
        kept.create("local", receiver.url, ["news"])
    with pytest.raises(BadInputError, match="found none"):
        kept.create("local", receiver.url, [])
    for _ in range(20):
        kept.create("local", receiver.url, ["alerts"])
    with pytest.raises(ConflictError, match="at most 20"):
        kept.create("local", receiver.url, ["alerts"])
    monkeypatch.delenv("GROWTHBENCH_WEBHOOKS_PRIVATE")
    with pytest.raises(BadInputError, match="https"):
        kept.create("other", receiver.url, ["alerts"])
