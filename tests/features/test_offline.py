"""The training table equals what the service would have said, however it is cut."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from growthbench.base.errors import DataFormatError
from growthbench.events.lake import LINK_SCHEMA, Lake
from growthbench.features import offline
from growthbench.features.plan import Plan
from tests.features import engines, oracle
from tests.features.declared import EVERYTHING
from tests.features.logs import Drawn, logs, made


def spine_table(rows):
    people, moments, horizons = ([row[i] for row in rows] for i in range(3))
    return pa.table([["local"] * len(rows), people, moments, horizons], schema=offline.SPINE_SCHEMA)


def plain(values):
    return [None if v is None or (isinstance(v, float) and math.isnan(v)) else v for v in values]


@pytest.fixture(scope="module")
def online():
    with engines.sqlite_engine(EVERYTHING) as engine:
        yield engine


@given(drawn=logs(size=(40, 80)))
@settings(deadline=None, database=None, max_examples=5, suppress_health_check=list(HealthCheck))
def test_training_rows_equal_served_rows(online, tmp_path_factory, drawn):
    lake = Lake(tmp_path_factory.mktemp("lake")).write(drawn.data).write_links(drawn.link_table)
    served = Plan.from_json(online.plan.to_json()).finish(online.raw(drawn))
    trained = offline.build(EVERYTHING, lake, spine_table(drawn.spine))
    assert [tuple(r.values()) for r in trained.select(["person", "moment", "horizon"]).to_pylist()] == drawn.spine
    assert {c: plain(trained[c].to_pylist()) for c in EVERYTHING.names} == {c: plain(v) for c, v in served.items()}


ROWS = [
    {"event_id": f"e{i}", "person": f"p{i % 90}", "name": ("page_view", "purchase")[i % 2], "timestamp": i * 10**9,
     "received_at": i * 10**9, "item_id": f"i{i % 7}", "category": None, "channel": None, "amount": i, "quantity": 1,
     "plan": None, "employees": None, "öffentlich": None}
    for i in range(900)
]  # fmt: skip
SPINE = spine_table([(f"p{i % 91}", 300 * 10**9 * (1 + i % 3), 850) for i in range(273)])
SOME = EVERYTHING.select(["events", "items", "aov", "last_item", "plan", "gap_median"])


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return Lake(tmp_path_factory.mktemp("lake")).write(made(ROWS))


def test_groups_of_buckets_change_nothing(lake, monkeypatch):
    whole = offline.build(SOME, lake, SPINE)
    monkeypatch.setattr(offline, "_ROW_BYTES", 2**22)
    assert len(offline._groups(lake, SPINE, 1024, 2)) > 5
    assert offline.build(SOME, lake, SPINE).equals(whole)


def test_progress_ends_at_the_number_of_rows(lake, monkeypatch):
    monkeypatch.setattr(offline, "_ROW_BYTES", 2**22)
    steps = []
    offline.build(SOME, lake, SPINE, progress=lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert len(steps) > 5
    assert steps[-1] == (SPINE.num_rows, SPINE.num_rows)


def test_a_file_holds_the_same_rows(lake, tmp_path):
    path = offline.build(SOME, lake, SPINE, out=tmp_path / "made" / "features.parquet")
    keys = [(k, "ascending") for k in ("person", "moment")]
    assert pq.read_table(path).sort_by(keys).equals(offline.build(SOME, lake, SPINE).sort_by(keys))
    assert [p.name for p in path.parent.iterdir()] == ["features.parquet"]


def test_an_error_leaves_no_file(lake, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        offline.build(SOME, lake, SPINE, out=tmp_path / "features.parquet", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_late_files_of_the_lake_are_read(tmp_path):
    lake = Lake(tmp_path).write(made(ROWS[:400]))
    data = made(ROWS)
    lake.append(type(data)(data.events.slice(400), data.values))
    table = offline.build(SOME, lake, spine_table([("p1", 10**15, 10**6)]))
    assert table["events_all"].to_pylist() == [10.0]


def test_an_empty_lake_and_an_empty_spine_give_typed_columns(tmp_path, lake):
    empty = offline.build(SOME, Lake(tmp_path), SPINE)
    assert set(empty["events_all"].to_pylist()) == {0.0}
    assert set(empty["last_item"].to_pylist()) == {None}
    none = offline.build(SOME, lake, SPINE.slice(0, 0))
    assert none.num_rows == 0
    assert none.schema == empty.schema


def test_everyone_is_seen_with_all_that_is_known(lake):
    spine = offline.everyone(lake)
    assert spine["person"].to_pylist() == sorted({r["person"] for r in ROWS})
    assert sum(offline.build(SOME, lake, spine)["events_all"].to_pylist()) == len(ROWS)
    assert offline.everyone(lake, moment=5)["moment"].to_pylist() == [5] * 90


def test_a_spine_without_a_column_is_refused(lake):
    with pytest.raises(DataFormatError, match="horizon"):
        offline.build(SOME, lake, SPINE.drop_columns("horizon"))


def some_links(*rows):
    told = [
        {"tenant_id": "local", "person": person, "member": member, "seq": 900, "received_at": known,
         "until_seq": None if end is None else 900, "until_received_at": end}
        for person, member, known, end in rows
    ]  # fmt: skip
    return pa.Table.from_pylist(told, schema=LINK_SCHEMA)


MERGED = some_links(*((f"p{i}", f"p{i + 1}", 400 * 10**9, None) for i in range(0, 90, 3)), ("p2", "p5", 0, 700 * 10**9))
LINKED_SPINE = spine_table([(f"p{i}", 300 * 10**9 * (1 + i % 3), 900) for i in range(273)])


def test_merged_people_are_counted_together_in_any_number_of_groups(tmp_path, monkeypatch):
    lake = Lake(tmp_path).write(made(ROWS)).write_links(MERGED)
    whole = offline.build(SOME, lake, LINKED_SPINE, threads=1)
    drawn = Drawn(made(ROWS), [tuple(r.values())[1:] for r in LINKED_SPINE.to_pylist()], MERGED.to_pylist())
    expected = oracle.compute(SOME, made(ROWS).events.to_pylist(), [], drawn.spine, drawn.links)
    assert {c: plain(whole[c].to_pylist()) for c in SOME.names} == {c: plain(v) for c, v in expected.items()}
    monkeypatch.setattr(offline, "_ROW_BYTES", 2**22)
    assert len(offline._groups(lake, LINKED_SPINE, 1024, 2)) > 5
    spill = tmp_path / "spill"
    spill.mkdir()
    assert offline.build(SOME, lake, LINKED_SPINE, spill=spill).equals(whole)
    assert list(spill.iterdir()) == []


def test_everyone_leaves_out_whom_somebody_took_over(tmp_path):
    lake = Lake(tmp_path).write(made(ROWS)).write_links(MERGED)
    gone = {f"p{i + 1}" for i in range(0, 90, 3)}
    spine = offline.everyone(lake)
    assert set(spine["person"].to_pylist()) == {r["person"] for r in ROWS} - gone
    assert sum(offline.build(SOME, lake, spine)["events_all"].to_pylist()) == len(ROWS)
    early = offline.everyone(lake, moment=500 * 10**9)["person"].to_pylist()
    assert set(early) == {r["person"] for r in ROWS} - gone - {"p5"}


def test_a_lake_written_anew_has_no_links(tmp_path):
    lake = Lake(tmp_path).write(made(ROWS)).write_links(MERGED)
    assert lake.links().num_rows == 31
    assert lake.write(made(ROWS)).links().num_rows == 0
    assert lake.write_links(MERGED.slice(0, 0)).links().schema == LINK_SCHEMA
