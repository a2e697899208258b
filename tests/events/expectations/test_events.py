import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growthbench.base.errors import DataFormatError, GateError
from growthbench.events.data import EventData
from growthbench.events.expectations import EventLimits, check_events
from growthbench.events.lake import Lake


def failed(report):
    return {(f.severity, f.about) for f in report.failed}


def test_a_sound_log_meets_everything_and_leaves_no_thread(sound):
    before = set(threading.enumerate())
    report = check_events(sound)
    assert report.failed == []
    assert report.require() is report
    assert (report.rows, report.sampled) == (200, 200)
    assert dict(report.counts) == dict.fromkeys(("page_view", "login", "purchase", "refund"), 50)
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize(
    ("part", "column", "cells", "about"),
    [
        ("events", "event_id", {1: "e0000"}, "an event_id comes once"),
        ("events", "seq", {1: 1}, "a seq comes once"),
        ("events", "person", {3: None}, "every event has person"),
        ("events", "person", {3: ""}, "person and event_id have 1 to 1,000 characters"),
        ("events", "name", {3: "x" * 101}, "names have 1 to 100 characters"),
        ("events", "day", {3: 0}, "day is the day of timestamp"),
        ("events", "timestamp", {3: 2**61}, "times lie in the years 1 to 9999"),
        ("events", "amount", {2: -1}, "payments are not below zero, refunds not above"),
        ("events", "amount", {3: 1}, "payments are not below zero, refunds not above"),
        ("events", "quantity", {3: 2**53}, "amounts and quantities are below 2^53"),
        ("values", "key", {1: None}, "every value has a key"),
        ("values", "int_value", {0: 7}, "a value is a text or a whole number, not both"),
        ("values", "key", {0: "employees"}, "declared properties have their declared kind"),
        ("values", "event_id", {0: "e0099"}, "every value belongs to an event"),
    ],
)
def test_a_broken_log_fails_critically_and_stops_the_gate(broken, part, column, cells, about):
    report = check_events(broken(part, column, cells), "broken")
    assert ("critical", about) in failed(report)
    with pytest.raises(GateError, match="broken: "):
        report.require()


@pytest.mark.parametrize(
    ("column", "cells", "about"),
    [
        ("currency", {2: None}, "amounts have a currency"),
        ("currency", dict.fromkeys(range(2, 200, 4), "euro"), "currency is a three-letter code"),
        ("seq", {199: 900}, "seq counts without gaps"),
        ("received_at", dict.fromkeys(range(50), 0), "events are received after they happened"),
        ("name", dict.fromkeys(range(100), "my_own"), "most names are in the event catalogue"),
        ("tenant_id", {5: "other"}, "all events are of one tenant"),
    ],
)
def test_an_odd_log_is_warned_about_and_goes_on(broken, column, cells, about):
    report = check_events(broken("events", column, cells))
    assert ("warning", about) in failed(report)
    assert report.failed_critical == []
    assert report.passed


def test_bots_and_late_events_are_seen(broken):
    busy = broken("events", "person", dict.fromkeys(range(200), "bot"))
    report = check_events(busy, limits=EventLimits(bot_events_a_day=7))
    assert ("warning", "few events are of people with 7 on one day") in failed(report)
    late = broken("events", "received_at", dict.fromkeys(range(100), 2000000000000000))
    assert ("warning", "few events are received more than 30 days late") in failed(check_events(late))


def test_a_wrong_schema_is_the_only_finding(sound):
    table = sound.events.drop_columns(["day"]).append_column("more", pa.array([1.5] * 200))
    report = check_events(EventData(table, sound.values))
    assert failed(report) == {("critical", "events have the columns and types of the event schema")}
    assert "more double" in report.failed[0].observed


def test_an_empty_log_is_no_log(sound):
    with pytest.raises(DataFormatError, match="no events"):
        check_events(EventData(sound.events.slice(0, 0), sound.values.slice(0, 0)))


def test_a_lake_a_folder_and_a_file_say_the_same_as_the_memory(sound, tmp_path):
    lake = Lake(tmp_path / "lake").write(sound)
    pq.write_table(sound.events, tmp_path / "events.parquet")
    reports = [check_events(x, "log") for x in (sound, lake, tmp_path / "lake")]
    assert reports[0].to_json() == reports[1].to_json() == reports[2].to_json()
    alone = check_events(tmp_path / "events.parquet", "log")
    assert alone.passed
    assert alone.facts["values.stored_values"] == 0


def test_a_large_log_is_sampled_evenly_for_row_expectations(sound, monkeypatch):
    monkeypatch.setattr("growthbench.events.expectations.events._SAMPLE_ROWS", 30)
    report = check_events(sound)
    assert 20 <= report.sampled <= 30
    assert "Row-by-row expectations saw" in report.to_html()


@pytest.mark.data
def test_online_retail_meets_the_critical_expectations(data_home):
    from growthbench.datasets import load_log

    report = check_events(load_log("online-retail", data_home), "dataset:online-retail")
    assert report.failed_critical == []
    assert report.facts["people"] == 4_372
    assert report.facts["last_timestamp"].startswith("2011-12-09")
    assert report.facts["late_share"] == 0
