import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growthbench.base.errors import DataFormatError
from growthbench.base.ids import bucket_of
from growthbench.events.data import EventData
from growthbench.events.lake import Lake

MONTH_US = 31 * 86_400_000_000


def a_log(n, first=0):
    ids = [f"e{first + i:04d}" for i in range(n)]
    events = pa.table(
        {
            "event_id": ids,
            "person": [f"p{i % 7}" for i in range(n)],
            "name": ["x"] * n,
            "timestamp": [i * MONTH_US // 10 for i in range(n)],
            "received_at": [i * MONTH_US // 10 + 5 for i in range(n)],
        }
    )
    values = pa.table({"event_id": ids, "key": ["plan"] * n, "text_value": ["pro"] * n})
    return EventData.from_raw(events, values)


def test_a_lake_gives_back_what_was_written(tmp_path):
    data = a_log(40)
    lake = Lake(tmp_path).write(data)
    assert lake.data().digest() == data.digest()
    assert (lake.horizon, lake.count()) == (40, 40)


def test_files_are_cut_by_month_of_receipt_and_sorted_by_bucket_person_time(tmp_path):
    lake = Lake(tmp_path).write(a_log(40))
    assert len({f.parent.name for f in lake.files()}) > 3
    for file in lake.files() + lake.files("values"):
        rows = pq.read_table(file, partitioning=None).to_pylist()
        keys = [(r["bucket"], r["person"].encode(), r["timestamp"], r["event_id"]) for r in rows]
        assert keys == sorted(keys)
        assert all(r["bucket"] == bucket_of(r["person"]) for r in rows)


def test_append_refuses_what_is_not_newer(tmp_path):
    lake = Lake(tmp_path).write(a_log(10))
    with pytest.raises(DataFormatError, match="seq up to 10"):
        lake.append(a_log(3, first=50))


def test_a_file_of_another_shape_is_refused(tmp_path):
    lake = Lake(tmp_path).write(a_log(10))
    table = pq.read_table(lake.files()[0], partitioning=None)
    pq.write_table(table.set_column(4, "timestamp", table["timestamp"].cast(pa.timestamp("ns"))), lake.files()[0])
    with pytest.raises(DataFormatError, match="has columns"):
        lake.read()


def test_an_empty_lake_reads_as_an_empty_log(tmp_path):
    assert len(Lake(tmp_path / "none").data()) == 0
    assert Lake(tmp_path / "none").horizon == 0
    assert len(Lake(tmp_path / "empty").write(a_log(0)).data()) == 0
