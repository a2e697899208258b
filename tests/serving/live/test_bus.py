import threading
import time

import pytest
from sqlalchemy import select

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError
from growthbench.serving.bus import Bus, Heads
from growthbench.store.engine import open_store
from growthbench.store.message_tables import channel_messages
from growthbench.store.messages import Message


def rows(store, tenant="local"):
    with store.reading() as connection:
        query = select(channel_messages).where(channel_messages.c.tenant_id == tenant)
        return connection.execute(query.order_by(channel_messages.c.seq)).all()


def wait_for(true, within=5.0):
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def test_messages_are_numbered_per_tenant_and_hold_their_body(store):
    bus = Bus(store)
    assert [bus.publish("alerts", "local", {"n": i}) for i in range(3)] == [1, 2, 3]
    assert bus.publish("campaigns", "other", {"n": 9}) == 1
    assert [(r.seq, r.topic, r.body) for r in rows(store)] == [(i + 1, "alerts", f'{{"n":{i}}}') for i in range(3)]
    assert bus.heads(["local", "other", "nobody"]) == {
        "local": Heads(0, 3), "other": Heads(0, 1), "nobody": Heads(),
    }  # fmt: skip


def test_a_message_is_told_only_if_its_transaction_is(store):
    bus = Bus(store)
    with pytest.raises(ZeroDivisionError), store.writing() as connection:
        bus.publish("alerts", "local", {}, connection=connection)
        raise ZeroDivisionError
    assert rows(store) == []
    assert bus.publish("alerts", "local", {}) == 1


def test_events_are_not_published_they_are_the_log(store):
    with pytest.raises(BadInputError, match="scores, campaigns, alerts"):
        Bus(store).publish("events", "local", {})


def test_numbers_come_in_the_order_of_commits_with_many_writers(store):
    bus = Bus(store)

    def write(name):
        for _ in range(20):
            bus.publish("alerts", "local", {"by": name})

    writers = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for w in writers:
        w.start()
    for w in writers:
        w.join()
    assert [r.seq for r in rows(store)] == list(range(1, 81))


def test_a_pruned_or_erased_message_gives_its_number_to_nobody(store):
    bus = Bus(store)
    for _ in range(3):
        bus.publish("alerts", "local", {})
    assert bus.prune(now_us() + 1) == 3
    assert bus.publish("alerts", "local", {}) == 4


def test_followers_are_woken_by_their_process_and_by_others(parts, store_url):
    told = []
    parts.bus.follow("local", lambda tenant, heads: told.append((tenant, heads)))
    parts.bus.publish("alerts", "local", {})
    wait_for(lambda: ("local", Heads(0, 1)) in told)
    with open_store(store_url) as elsewhere:  # what another worker does
        Bus(elsewhere).publish("alerts", "local", {})
    wait_for(lambda: ("local", Heads(0, 2)) in told)
    parts.bus.publish("alerts", "other", {})
    parts.track({"userId": "u", "event": "login"})
    wait_for(lambda: ("local", Heads(1, 2)) in told)
    assert {tenant for tenant, _ in told} == {"local"}


def test_messages_for_later_ride_with_the_group_commit(parts, store):
    parts.bus.later("campaigns", "local", {"state": "paused"}, person=None)
    parts.commits.flush()
    assert [r.topic for r in rows(store)] == ["campaigns"]


def test_who_wants_scores_is_known_in_every_worker(parts, store_url):
    assert not parts.bus.wanted("local", "scores")
    with open_store(store_url) as elsewhere:
        Bus(elsewhere).want("local", "scores")
    wait_for(lambda: parts.bus.wanted("local", "scores"))
    assert not parts.bus.wanted("other", "scores")


def test_one_transaction_may_tell_several_tenants(store):
    bus = Bus(store)
    with store.writing() as connection:
        given = [Message("alerts", t, {}) for t in ("b", "a", "b")]
        assert bus.write(connection, given) == [1, 1, 2]


@pytest.mark.redis
def test_workers_wake_each_other_through_redis(store, redis_url):
    told = []
    slow = Bus(store, redis_url, poll_s=30)
    other = Bus(store, redis_url, poll_s=30)
    slow.start()
    other.start()
    try:
        slow.follow("local", lambda tenant, heads: told.append(heads))
        wait_for(lambda: told == [Heads()])
        time.sleep(0.3)  # it listens now
        other.publish("alerts", "local", {})
        wait_for(lambda: told[-1] == Heads(0, 1))
    finally:
        slow.close()
        other.close()


def test_without_a_redis_that_answers_the_channel_goes_on(store, caplog):
    bus = Bus(store, "redis://127.0.0.1:1/0", poll_s=0.05)
    told = []
    bus.start()
    bus.follow("local", lambda tenant, heads: told.append(heads))
    bus.publish("alerts", "local", {})
    wait_for(lambda: Heads(0, 1) in told)
    bus.close()
    assert "the workers poll instead" in caplog.text
