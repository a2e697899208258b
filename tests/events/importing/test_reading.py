import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from growthbench.base.errors import BadInputError
from growthbench.events.importing import read_events
from growthbench.events.mapping import FileFormat, parse_mapping
from growthbench.events.reading import read_pieces
from growthbench.events.scanning import format_of

HEADER = "user,event,time,amount,n\n"
ROW = "u,purchase,2024-01-01,1.50,1\n"
MAPPING = parse_mapping("events: {person: user, name: event, timestamp: time, amount: amount, quantity: n}")


def refused(path, mapping=MAPPING):
    with pytest.raises(BadInputError) as caught:
        read_events(path, mapping)
    assert "\n" not in str(caught.value).rstrip()
    return str(caught.value)


def test_an_empty_file_is_empty_however_it_is_packed(write):
    assert "is empty" in refused(write("a.csv", ""))
    assert "is empty" in refused(write("a.csv.gz", ""))
    assert "is empty" in refused(write("a.jsonl", " \n\n"))
    assert "no rows" in refused(write("b.csv", HEADER))


def test_no_such_file(tmp_path):
    assert "no file" in refused(tmp_path / "none.csv")


def test_a_wrong_byte_is_named_by_its_offset_in_the_unpacked_file(write):
    body = (HEADER + ROW).encode()
    for name in ("a.csv", "a.csv.gz", "a.jsonl"):
        message = refused(write(name, body + b"M\xfcller,purchase,2024-01-01,1,1\n"))
        assert f"byte 0xfc at offset {len(body) + 1}" in message
        assert "encoding: cp1252" in message


def test_a_byte_offset_counts_across_blocks_and_split_characters(write, monkeypatch):
    monkeypatch.setattr("growthbench.events.scanning._BLOCK", 7)
    text = (HEADER + "ää,€uro,2024-01-01,1,1\n" * 5).encode()
    assert f"offset {len(text):,} " in refused(write("a.csv", text + b"\xff\n"))
    assert f"offset {len(text):,} " in refused(write("a.csv", text + "ä".encode()[:1]))


@pytest.mark.parametrize(("encoding", "mark"), [("cp1252", b""), ("utf-16", b""), ("utf-8", b"\xef\xbb\xbf")])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_other_encodings_are_read_when_told(write, encoding, mark, name):
    row = {"user": "Müller", "event": "purchase", "time": "2024-01-01", "amount": "1.50", "n": "1"}
    text = HEADER + ",".join(row.values()) + "\n" if name == "a.csv" else json.dumps(row, ensure_ascii=False) + "\n"
    mapping = parse_mapping(
        f"file: {{encoding: {encoding}}}\n"
        "events: {person: user, name: event, timestamp: time, amount: amount, quantity: n}"
    )
    data, _ = read_events(write(name, mark + text.encode(encoding)), mapping)
    assert data.events["person"].to_pylist() == ["Müller"]


def test_a_cut_gzip_and_a_false_parquet_are_refused(write):
    path = write("a.csv.gz", (HEADER + ROW * 1000).encode())
    path.write_bytes(path.read_bytes()[:-20])
    assert "not a complete gzip" in refused(path)
    assert "not a readable Parquet" in refused(write("a.parquet", ROW))


def test_a_quote_that_never_ends_is_refused_and_one_within_a_value_is_not(write):
    message = refused(write("a.csv", HEADER + ROW + '"u,purchase,2024-01-01,1,1\n' + ROW * 3))
    assert "never ends" in message
    data, _ = read_events(write("b.csv", HEADER + '"u\nv",purchase,2024-01-01,1,1\n'), MAPPING)
    assert data.events["person"].to_pylist() == ["u\nv"]


def test_two_columns_of_one_name_are_refused(write):
    assert "two columns named 'a'" in refused(write("a.csv", "a,b,a\n1,2,3\n"))


def test_a_missing_column_is_named_beside_those_that_are_there(write):
    assert "has no column 'amount', 'n'; it has user, event, time" in refused(
        write("a.csv", "user,event,time\nu,x,2024-01-01\n")
    )


def test_an_unknown_ending_asks_for_the_format(write):
    assert "what is it?" in refused(write("a.dat", ROW))
    assert format_of(write("a.dat", ROW), FileFormat(format="csv")) == "csv"


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_pieces_end_at_multiples_of_their_size_and_count_every_row(write, chunk, monkeypatch):
    monkeypatch.setattr("growthbench.events.reading._BLOCK_BYTES", 64)
    lines = [("x\n" if i % 5 == 3 else "\n" + ROW if i % 4 == 0 else ROW) for i in range(1, 31)]
    pieces = list(read_pieces(write("a.csv", HEADER + "".join(lines)), "csv", FileFormat(), chunk))
    good = [i for i in range(1, 31) if i % 5 != 3]
    assert np.concatenate([p.rows for p in pieces]).tolist() == good
    assert [m.row for p in pieces for m in p.malformed] == [i for i in range(1, 31) if i % 5 == 3]
    assert [len(p) for p in pieces] == [min(chunk, 30 - start) for start in range(0, 30, chunk)]


def test_malformed_lines_are_set_aside_with_number_and_text(imported):
    rows, _, report, refused_rows = imported(HEADER + ROW + "a,b\n" + ROW.replace("u,", "v,") + "1,2,3,4,5,6\n")
    assert len(rows) == 2
    assert [(r["row"], r["reason"]) for r in refused_rows] == [
        (2, "has 2 columns instead of 5"),
        (4, "has 6 columns instead of 5"),
    ]
    assert refused_rows[0]["raw"] == "a,b"
    assert (report.read, report.landed, report.refused) == (4, 2, 2)


def test_jsonl_lines_stand_for_themselves(imported):
    good = {"user": {"id": 7}, "event": "purchase", "time": 1704067200, "amount": 19.99, "n": 2}
    lines = [json.dumps(good), "{", "[1]", '{"a": NaN}', "", json.dumps(good | {"time": None})]
    mapping = (
        "events: {person: user.id, name: event, timestamp: {column: time, format: s}, amount: amount, quantity: n}"
    )
    rows, _, report, refused_rows = imported("\n".join(lines), mapping, "rows.jsonl")
    assert (rows[0]["person"], rows[0]["amount"]) == ("7", 1999)
    assert [(r["row"], r["reason"]) for r in refused_rows] == [
        (2, "is not JSON"), (3, "is not a JSON object"), (4, "is not JSON"), (5, "timestamp is missing"),
    ]  # fmt: skip
    assert report.read == 5


def test_parquet_brings_its_types(tmp_path):
    moments = np.array(["2024-01-01T00:00:00.123456", "2024-06-01"], "datetime64[us]")
    table = pa.table(
        {
            "who": pa.array([{"id": 1}, {"id": 2}]),
            "what": pa.array(["purchase", "refund"]).dictionary_encode(),
            "when": pa.array(moments).cast(pa.timestamp("us", "Europe/Berlin")),
            "price": pa.array([19.99, -5.0]),
            "n": pa.array([1, -1], pa.int8()),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    path = tmp_path / "a.parquet.gz"
    path.write_bytes(gzip.compress(buffer.getvalue()))
    mapping = parse_mapping("events: {person: who.id, name: what, timestamp: when, amount: price, quantity: n}")
    data, report = read_events(path, mapping)
    rows = data.events.to_pylist()
    assert [(r["person"], r["name"], r["amount"], r["quantity"]) for r in rows] == [
        ("1", "purchase", 1999, 1), ("2", "refund", -500, -1),
    ]  # fmt: skip
    assert rows[0]["timestamp"] == int(moments[0].astype(np.int64))
    assert report.refused == 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_parquet_moments_outside_the_calendar_are_refused(tmp_path, zone):
    days = pa.array([0, 2**31 - 1, None], pa.int32()).cast(pa.date32())
    moments = pa.array([0, 2**62, None], pa.int64()).cast(pa.timestamp("us"))
    mapping = parse_mapping(
        f"events: {{person: who, name: who, timestamp: {{column: t, timezone: {zone}}}}}",
    )
    for column in (days, moments):
        pq.write_table(pa.table({"who": ["a", "b", "c"], "t": column}), tmp_path / "a.parquet")
        data, report = read_events(tmp_path / "a.parquet", mapping)
        assert data.events["timestamp"].to_pylist() == [0 if zone == "UTC" else -9 * 3_600_000_000]
        assert report.reasons == {"timestamp is outside the years 1 to 9999": 1, "timestamp is missing": 1}
