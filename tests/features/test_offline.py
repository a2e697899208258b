"""The training table equals what the service would have said, however it is cut."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from growthbench.base.errors import DataFormatError
from growthbench.events.lake import Lake
from growthbench.features import offline
from growthbench.features.plan import Plan
from tests.features import engines
from tests.features.declared import EVERYTHING
from tests.features.logs import logs, made


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
    lake = Lake(tmp_path_factory.mktemp("lake")).write(drawn.data)
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
