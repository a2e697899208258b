import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import DataFormatError
from growthbench.events.data import EventData

ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"), st.sampled_from(["p", "é"]), st.integers(-(10**15), 10**15), st.integers(0, 5)
    ),
    max_size=30,
)


def raw(rows):
    columns = list(zip(*rows)) or [[], [], [], []]
    return pa.table(
        {
            "event_id": pa.array(columns[0], pa.string()),
            "person": pa.array(columns[1], pa.string()),
            "name": pa.array(["x"] * len(rows), pa.string()),
            "timestamp": pa.array(columns[2], pa.int64()),
            "received_at": pa.array(columns[3], pa.int64()),
        }
    )


@given(ROWS)
def test_first_received_wins_and_numbers_follow_receipt(rows):
    data = EventData.from_raw(raw(rows)).events.to_pylist()
    assert [e["seq"] for e in data] == list(range(1, len(data) + 1))
    assert [(e["received_at"], e["event_id"]) for e in data] == sorted((e["received_at"], e["event_id"]) for e in data)
    assert {e["event_id"]: e["received_at"] for e in data} == {
        i: min(r[3] for r in rows if r[0] == i) for i in {r[0] for r in rows}
    }
    assert all(e["day"] * 86_400_000_000 <= e["timestamp"] < (e["day"] + 1) * 86_400_000_000 for e in data)


@given(st.permutations([("a", "p", 1, 1), ("b", "p", 2, 1), ("c", "q", -3, 0), ("a", "p", 1, 4)]))
def test_order_of_arrival_in_the_file_does_not_matter(rows):
    straight = raw([("a", "p", 1, 1), ("b", "p", 2, 1), ("c", "q", -3, 0)])
    assert EventData.from_raw(raw(rows)).digest() == EventData.from_raw(straight).digest()


def test_values_follow_their_event_and_strangers_are_dropped():
    values = pa.table(
        {"event_id": ["a", "nobody", "a"], "key": ["plan", "plan", "country"], "text_value": ["pro", "x", "DE"]}
    )
    data = EventData.from_raw(raw([("a", "p", 1, 1)]), values)
    assert [(v["key"], v["text_value"], v["person"], v["seq"]) for v in data.values.to_pylist()] == [
        ("country", "DE", "p", 1),
        ("plan", "pro", "p", 1),
    ]


def test_a_missing_column_is_named():
    with pytest.raises(DataFormatError, match="person") as caught:
        EventData.from_raw(raw([("a", "p", 1, 1)]).drop(["person"]))
    assert caught.value.field == "person"


def test_digest_tells_null_from_empty_and_minus_one():
    def one(session):
        table = raw([("a", "p", 1, 1)]).append_column("quantity", pa.array([session], pa.int64()))
        return EventData.from_raw(table).digest()

    assert len({one(None), one(-1), one(0)}) == 3
