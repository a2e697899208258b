import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.events.importing import import_file, read_events
from growthbench.events.log import EventLog
from growthbench.events.mapping import parse_mapping
from growthbench.events.wide import wide_table

MAPPING = parse_mapping("events: {person: user, name: event, timestamp: time, quantity: n}\nproperties: {plan: plan}")
HEADER = "user,event,time,n,plan\n"


def content(rows=40):
    lines = [
        f"u{i % 7},page_view,2024-01-{i % 28 + 1:02d},{i // 3},{'pro' if i % 5 else ''}\n"
        if i % 6
        else "u,x,never,1,\n"
        for i in range(rows)
    ]
    return HEADER + "".join(lines)


def everything(log):
    data = log.read()
    return data.events.to_pylist(), data.values.to_pylist()


def test_good_rows_land_bad_ones_are_kept_and_the_report_counts_both(write, store, tmp_path):
    log, place = EventLog(store), tmp_path / "q" / "refused.jsonl"
    done = []
    report = import_file(write("a.csv", content()), MAPPING, log, place, chunk_rows=7, progress=done.append)
    assert (report.read, report.landed, report.refused) == (40, 33, 7)
    assert report.reasons == {"timestamp is not a moment of format iso": 7}
    assert sum(done) == 40
    assert log.count() == 33
    lines = [json.loads(line) for line in place.read_text().splitlines()]
    assert [line["row"] for line in lines] == [1, 7, 13, 19, 25, 31, 37]
    assert "7 refused" in str(report)
    assert str(place) in str(report)


def test_the_log_and_the_memory_hold_the_same_whatever_the_pieces(write, store, tmp_path):
    path = write("a.csv", content())
    log = EventLog(store)
    import_file(path, MAPPING, log, chunk_rows=3)
    data, report = read_events(path, MAPPING)
    assert everything(log) == (data.events.to_pylist(), data.values.to_pylist())
    assert report.landed == log.count()


def test_importing_again_adds_nothing(write, store, tmp_path):
    log, path = EventLog(store), write("a.csv", content())
    first = import_file(path, MAPPING, log, tmp_path / "q", chunk_rows=5)
    before, refused = everything(log), (tmp_path / "q").read_bytes()
    again = import_file(path, MAPPING, log, tmp_path / "q", chunk_rows=11)
    assert (again.landed, again.duplicates) == (0, first.landed)
    assert (everything(log), (tmp_path / "q").read_bytes()) == (before, refused)


def test_repeated_rows_are_events_of_their_own(write, store):
    log, row = EventLog(store), "u,page_view,2024-01-01,1,\n"
    path = write("a.csv", HEADER + row * 5)
    assert import_file(path, MAPPING, log, chunk_rows=2).landed == 5
    ids = [r["event_id"] for r in log.person("u")]
    assert len(set(ids)) == 5
    assert {i.split("-")[-1] for i in ids if "-" in i} == {"2", "3", "4", "5"}


def test_the_same_rows_in_another_file_are_the_same_events(write, store):
    log = EventLog(store)
    import_file(write("a.csv", content()), MAPPING, log)
    lines = content().splitlines()[1:]
    rows = [dict(zip(HEADER.strip().split(","), line.split(","))) for line in lines]
    report = import_file(write("b.jsonl", "\n".join(map(json.dumps, rows))), MAPPING, log)
    assert (report.landed, report.duplicates) == (0, 33)


def test_an_id_that_comes_twice_lands_once_with_the_first_rows_values(write, store):
    mapping = parse_mapping(
        "events: {person: user, name: event, timestamp: time, event_id: n}\nproperties: {plan: plan}"
    )
    path = write("a.csv", HEADER + "a,x,2024-01-01,1,free\nb,y,2023-01-01,1,pro\nc,z,2024-01-01,2,\n")
    for chunk in (1, 10):
        log = EventLog(store, f"tenant-{chunk}")
        report = import_file(path, mapping, log, chunk_rows=chunk, tenant=f"tenant-{chunk}")
        assert (report.landed, report.duplicates) == (2, 1)
        assert [v["text_value"] for v in everything(log)[1]] == ["free"]
    data, report = read_events(path, mapping)
    assert (report.landed, report.duplicates) == (2, 1)
    assert data.events["person"].to_pylist() == ["a", "c"]
    assert data.values["text_value"].to_pylist() == ["free"]


def test_ids_made_of_columns_are_joined(write):
    mapping = parse_mapping(
        "events: {person: user, name: event, timestamp: time, event_id: {columns: [user, n], prefix: shop-}}"
    )
    data, report = read_events(write("a.csv", HEADER + "a,x,2024-01-01,1,\nb,x,2024-01-01,,\n"), mapping)
    assert data.events["event_id"].to_pylist() == ["shop-a-1"]
    assert report.reasons == {"event_id is missing": 1}


def test_a_file_of_which_nothing_fits_is_an_error_and_leaves_no_trace(write, store, tmp_path):
    log, place = EventLog(store), tmp_path / "refused.jsonl"
    with pytest.raises(DataFormatError, match="none of 3 rows can become an event; 3 times: timestamp is not"):
        import_file(write("a.csv", HEADER + "u,x,soon,1,\n" * 3), MAPPING, log, place)
    assert log.count() == 0
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".db" and "store.db" not in p.name) == ["a.csv"]


def test_an_error_late_in_the_file_is_found_before_the_first_row_lands(write, store):
    log = EventLog(store)
    late = {"bad byte": content(500).encode() + b"\xff\n", "open quote": (content(500) + '"u,x,y\nu,x,y\n').encode()}
    for what, raw in late.items():
        with pytest.raises(DataFormatError):
            import_file(write(f"{what}.csv", raw), MAPPING, log, chunk_rows=10)
    assert log.count() == 0


def test_a_quarantine_of_an_earlier_run_does_not_outlive_it(write, store, tmp_path):
    place = tmp_path / "refused.jsonl"
    import_file(write("a.csv", content()), MAPPING, EventLog(store), place)
    assert place.exists()
    report = import_file(write("a.csv", HEADER + "u,x,2024-01-01,1,\n"), MAPPING, EventLog(store), place)
    assert report.quarantine is None
    assert not place.exists()


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_an_exported_log_comes_back_without_a_mapping(write, tmp_path, ending):
    mapping = parse_mapping(
        "events: {person: user, name: event, timestamp: time, quantity: n, currency: {value: EUR}, amount: n}\n"
        "properties: {plan: plan, size: {column: n, kind: int}}\nkeep: all"
    )
    data, _ = read_events(write("a.csv", content()), mapping)
    table, path = wide_table(data), tmp_path / f"out.{ending}"
    if ending == "parquet":
        pq.write_table(table, path)
    else:
        pacsv.write_csv(table, path)
    again, report = read_events(path)
    assert report.refused == 0
    assert again.events.equals(data.events)
    assert again.values.equals(data.values)


def test_chunk_rows_must_be_positive(write, store):
    with pytest.raises(BadInputError, match="chunk_rows"):
        import_file(write("a.csv", content()), MAPPING, EventLog(store), chunk_rows=0)


def test_a_wide_table_of_a_log_without_values_is_its_events(write):
    data, _ = read_events(write("a.csv", HEADER + "u,x,2024-01-01,1,\n"), MAPPING)
    assert wide_table(data).equals(data.events)
    assert pc.sum(pa.array(data.events["seq"].to_pylist())).as_py() == 1
