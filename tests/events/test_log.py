import threading

import pyarrow as pa
import pytest

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError
from growthbench.events.data import EventData
from growthbench.events.lake import Lake
from growthbench.events.live import Event
from growthbench.events.log import EventLog
from growthbench.store.engine import open_store


@pytest.fixture
def log(store):
    return EventLog(store, "acme")


def an_event(person="ann", name="page_view", timestamp=1_000, **more):
    return Event(person=person, name=name, timestamp=timestamp, **more)


def test_an_event_comes_back_as_it_went_in(log):
    log.append(
        [an_event(event_id="e1", session_id="s", properties={"amount": 19.99, "industry": "retail", "x": [1, "é"]})]
    )
    (row,) = log.person("ann")
    assert row["properties"] == {"amount": 19.99, "industry": "retail", "x": [1, "é"]}
    assert (row["event_id"], row["amount"], row["seq"], row["day"], row["session_id"]) == ("e1", 1999, 1, 0, "s")
    values = log.read().values.to_pylist()
    assert [(v["key"], v["text_value"], v["seq"]) for v in values] == [("industry", "retail", 1)]


def test_the_same_event_id_is_one_event(log):
    assert log.append([an_event(event_id="e1"), an_event(event_id="e1", name="other")]).new == 1
    again = log.append([an_event(event_id="e1", properties={"plan": "pro"}), an_event(event_id="e2")])
    assert (again.new, again.duplicates, again.horizon) == (1, 1, 2)
    assert [e["name"] for e in log.person("ann")] == ["page_view", "page_view"]
    assert log.read().values.num_rows == 0


def test_tenants_do_not_see_each_other(store):
    ours, theirs = EventLog(store, "ours"), EventLog(store, "theirs")
    ours.append([an_event(event_id="e1")])
    theirs.append([an_event(event_id="e1", person="bob")])
    assert (ours.count(), theirs.count(), ours.people(), theirs.people()) == (1, 1, ["ann"], ["bob"])


def test_received_at_is_given_by_the_log_and_never_falls(log):
    before = now_us()
    log.append([an_event(event_id="e1", timestamp=now_us() + 10**12)])
    log.append([an_event(event_id="e2")])
    received = log.read().events["received_at"].to_pylist()
    assert before <= received[0] <= received[1] <= now_us()


def test_an_import_keeps_its_received_at(log):
    raw = pa.table({"event_id": ["a"], "person": ["p"], "name": ["x"], "timestamp": [5], "received_at": [7]})
    log.append_data(EventData.from_raw(raw))
    assert log.person("p")[0]["received_at"] == 7


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"person": ""}, "person"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"timestamp": 10**18}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"properties": {"amount": "1.234"}}, "amount"),
        ({"properties": {"employees": 2.5}}, "employees"),
        ({"properties": {"note": float("nan")}}, "properties"),
        ({"properties": {"note": "\x00"}}, "properties"),
        ({"properties": {"quantity": 2**60}}, "quantity"),
    ],
)
def test_one_bad_event_refuses_the_batch_and_names_the_field(log, bad, field):
    with pytest.raises(BadInputError, match="event 1") as caught:
        log.append([an_event(), an_event(**{"event_id": "bad", **bad})])
    assert caught.value.field == field
    assert log.count() == 0


def test_numbers_follow_commits_under_concurrent_writers(store_url, store):
    """A reader that saw horizon h has seen every event up to h, for good: no number appears later below it."""
    writers, per_writer, stop, holes = 4, 15, threading.Event(), []

    def write(number):
        with open_store(store_url) as own:
            for i in range(per_writer):
                batch = [an_event(person=f"p{number}", event_id=f"{number}-{i}-{k}") for k in range(3)]
                EventLog(own, "t").append(batch)

    def watch():
        with open_store(store_url) as own:
            while not stop.is_set():
                data = EventLog(own, "t").read()
                seq = data.events["seq"].to_pylist()
                if seq != list(range(1, len(seq) + 1)):
                    holes.append(seq)
                received = data.events["received_at"].to_pylist()
                if received != sorted(received):
                    holes.append(received)

    watcher = threading.Thread(target=watch)
    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    watcher.start()
    [t.start() for t in threads]
    [t.join() for t in threads]
    stop.set()
    watcher.join()
    assert holes == []
    assert EventLog(store, "t").count() == writers * per_writer * 3


def test_people_are_paged_in_byte_order(log):
    log.append([an_event(person=p, event_id=p) for p in ("z", "a", "é", "B")])
    assert log.people() == ["B", "a", "z", "é"]
    assert log.people(after="a", limit=1) == ["z"]


def test_export_adds_only_what_is_new(log, tmp_path):
    lake = Lake(tmp_path / "lake")
    log.append([an_event(event_id="1"), an_event(event_id="2", person="é", properties={"plan": "pro"})])
    assert log.export(lake) == 2
    files = {f: f.stat().st_mtime_ns for f in lake.files() + lake.files("values")}
    assert log.export(lake) == 0
    log.append([an_event(event_id="3", timestamp=-5)])
    assert log.export(lake) == 1
    assert {f: f.stat().st_mtime_ns for f in files} == files
    assert lake.data().digest() == log.read().digest()
