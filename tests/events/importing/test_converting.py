import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.amounts import minor_units
from growthbench.base.clock import to_us
from growthbench.base.errors import BadInputError
from growthbench.events.batches import ObjectBatch
from growthbench.events.converting import convert
from growthbench.events.live import Event, checked
from growthbench.events.mapping import FileFormat, parse_mapping

HEADER = "user,event,time,amount,n\n"


def only(imported, cells, mapping=None, header=HEADER):
    arguments = {} if mapping is None else {"mapping": mapping}
    rows, values, _, refused = imported(header + "ok,x,2024-01-01,1,1\n" + cells + "\n", **arguments)
    return rows[1] if len(rows) > 1 else None, [v for v in values if v["person"] != "ok"], refused


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (",x,2024-01-01,1,1", "person is missing"),
        ("u,,2024-01-01,1,1", "name is missing"),
        ("u,x,,1,1", "timestamp is missing"),
        ("u,x,2024-13-01,1,1", "timestamp is not a moment of format iso"),
        (f"u,{'x' * 101},2024-01-01,1,1", "name is longer than 100 characters"),
        (f"{'u' * 1001},x,2024-01-01,1,1", "person is longer than 1000 characters"),
        ("u\x00,x,2024-01-01,1,1", "person holds U+0000"),
        ("u,x,2024-01-01,ten,1", "amount is not a number"),
        ("u,x,2024-01-01,inf,1", "amount is not a number"),
        ("u,x,2024-01-01,1.005,1", "amount is finer than a minor unit"),
        ("u,x,2024-01-01,1e20,1", "amount is too large"),
        ("u,x,2024-01-01,1,1.5", "n is not a whole number".replace("n is", "quantity is")),
        ("u,x,2024-01-01,1,nan", "quantity is not a whole number"),
        ("u,x,2024-01-01,1,9007199254740992", "quantity is not below 2^53"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_the_field_and_the_row(imported, cells, reason):
    row, _, refused = only(imported, cells)
    assert row is None
    assert [(r["row"], r["reason"]) for r in refused] == [(2, reason)]
    assert refused[0]["raw"]["event"] == cells.split(",")[1]


@pytest.mark.parametrize(
    ("cell", "told", "us"),
    [
        ("2024-03-31T02:00:00+02:00", "", to_us("2024-03-31T00:00:00Z")),
        ("2024-07-01 12:00:00.5", "timezone: Europe/London", to_us("2024-07-01T11:00:00.5Z")),
        ("2024-10-27 01:30:00", "timezone: Europe/London", to_us("2024-10-27T00:30:00Z")),
        ("31/12/2023 10:05", 'format: "%d/%m/%Y %H:%M"', to_us("2023-12-31T10:05:00Z")),
        ("1704067200", "format: s", to_us("2024-01-01T00:00:00Z")),
        ("1704067200.25", "format: s", to_us("2024-01-01T00:00:00.25Z")),
        ("1704067200123", "format: ms", to_us("2024-01-01T00:00:00.123Z")),
        ("-1", "format: us", -1),
        ("0001-01-01", "", to_us("0001-01-01T00:00:00Z")),
        ("9999-12-31T23:59:59.999999", "", to_us("9999-12-31T23:59:59.999999Z")),
    ],
)
def test_moments_become_utc_microseconds(imported, cell, told, us):
    mapping = f"events: {{person: user, name: event, timestamp: {{column: time{', ' + told if told else ''}}}}}"
    rows, *_ = imported(f"user,event,time\nu,x,{cell}\n", mapping)
    assert rows[0]["timestamp"] == rows[0]["received_at"] == us


@pytest.mark.parametrize("cell", ["99999999999999999999", "-62135596801", "253402300800"])
def test_moments_outside_the_calendar_are_refused(imported, cell):
    mapping = "events: {person: user, name: event, timestamp: {column: time, format: s}}"
    *_, refused = imported(f"user,event,time\nok,x,0\nu,x,{cell}\n", mapping)
    assert [r["reason"] for r in refused] == ["timestamp is outside the years 1 to 9999"]


def test_an_unknown_time_zone_is_said_before_anything_is_read(imported):
    with pytest.raises(BadInputError, match="unknown time zone 'Europe/Londn'"):
        imported(
            HEADER + "u,x,2024-01-01,1,1\n",
            "events: {person: user, name: event, timestamp: {column: time, timezone: Europe/Londn}}",
        )


def test_a_factor_and_a_currency_make_exact_minor_units(imported):
    mapping = """
events:
  person: user
  name: {cases: [{when: {n: {below: 0}}, is: refund}, {is: purchase}]}
  timestamp: time
  amount: {column: amount, times: n}
  currency: cur
  quantity: n
"""
    content = "user,time,amount,n,cur\na,2024-01-01,0.005,2,EUR\na,2024-01-01,0.1,-3,EUR\na,2024-01-01,120,1,JPY\n"
    content += "a,2024-01-01,1.5,1,JPY\n"
    rows, _, _, refused = imported(content, mapping)
    assert [(r["name"], r["amount"]) for r in rows] == [("purchase", 1), ("refund", -30), ("purchase", 120)]
    assert [r["reason"] for r in refused] == ["amount is finer than a minor unit"]


def test_minor_units_a_decimal_comma_and_a_sign_by_name(imported):
    amount = "{column: a, unit: minor, negative_for: [refund]}"
    mapping = f"events: {{person: user, name: event, timestamp: time, amount: {amount}}}"
    rows, *_ = imported("user,event,time,a\nu,refund,2024-01-01,150\nu,purchase,2024-01-02,150\n", mapping)
    assert [r["amount"] for r in rows] == [-150, 150]
    comma = "file: {separator: ';', decimal: ','}\nevents: {person: user, name: event, timestamp: time, amount: a}"
    rows, *_ = imported("user;event;time;a\nu;x;2024-01-01;12,50\n", comma)
    assert rows[0]["amount"] == 1250


def test_names_come_from_maps_constants_and_cases(imported):
    mapping = "events: {person: {first_of: [user, event]}, name: {column: event, map: {a: purchase}}, timestamp: time}"
    rows, _, _, refused = imported("user,event,time\n,a,2024-01-01\nu,b,2024-01-01\n", mapping)
    assert [(r["person"], r["name"]) for r in rows] == [("a", "purchase")]
    assert [r["reason"] for r in refused] == ["name is not in its map"]


def test_conditions_of_every_kind(imported):
    cases = [
        "{when: {c: {is: 1}}, is: one}", "{when: {c: {in: [2, 3]}}, is: few}", "{when: {c: {starts_with: x}}, is: sx}",
        "{when: {c: {ends_with: y}}, is: ey}", "{when: {c: {contains: m}}, is: m}",
        "{when: {c: {above: 100}}, is: big}", "{when: {c: {missing: true}, d: {missing: false}}, is: d}", "{column: d}",
    ]  # fmt: skip
    mapping = f"events: {{person: user, name: {{cases: [{', '.join(cases)}]}}, timestamp: time}}"
    cells = [("1", ""), ("3", ""), ("xa", ""), ("ay", ""), ("ama", ""), ("101", ""), ("", "q"), ("zzz", "last")]
    lines = "".join(f"u,2024-01-01,{c},{d}\n" for c, d in cells)
    rows, *_ = imported("user,time,c,d\n" + lines, mapping)
    assert [r["name"] for r in rows] == ["one", "few", "sx", "ey", "m", "big", "d", "last"]


def test_skipped_rows_are_counted_and_not_refused(imported):
    mapping = "events: {person: user, name: event, timestamp: time}\nskip: [{event: {is: test}}]"
    rows, _, report, refused = imported("user,event,time\nu,test,nonsense\nu,x,2024-01-01\n", mapping)
    assert (len(rows), report.skipped, report.refused, refused) == (1, 1, 0, [])


def test_properties_become_typed_values_and_bad_ones_refuse_the_row(imported):
    mapping = (
        "events: {person: user, name: event, timestamp: time}\n"
        "properties: {employees: e, industry: i, size: {column: s, kind: int}}"
    )
    lines = "a,identify,2024-01-01,50,retail,\nb,identify,2024-01-01,,,7\nc,identify,2024-01-01,many,,\n"
    _, values, _, refused = imported("user,event,time,e,i,s\n" + lines, mapping)
    assert [(v["person"], v["key"], v["text_value"], v["int_value"]) for v in values] == [
        ("a", "employees", None, 50), ("a", "industry", "retail", None), ("b", "size", None, 7),
    ]  # fmt: skip
    assert [r["reason"] for r in refused] == ["employees is not a whole number"]


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("unmapped", {"x": "1", 'q"': "é"}),
        ("all", {"user": "u", "event": "e", "time": "2024-01-01", "x": "1", 'q"': "é"}),
        ("none", None),
        ("[x]", {"x": "1"}),
    ],
)
def test_columns_are_kept_as_json(imported, keep, kept):
    mapping = f"events: {{person: user, name: event, timestamp: time}}\nkeep: {keep}"
    rows, *_ = imported('user,event,time,x,"q""",empty\nu,e,2024-01-01,1,é,\n', mapping)
    assert (rows[0]["properties"] and json.loads(rows[0]["properties"])) == kept


def test_u0000_in_a_kept_column_refuses_the_row(imported):
    mapping = "events: {person: user, name: event, timestamp: time}"
    *_, refused = imported("user,event,time,x\nu,e,2024-01-01,a\nu,e,2024-01-01,a\x00b\n", mapping)
    assert [r["reason"] for r in refused] == ["properties hold U+0000"]


AMOUNTS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True, places=3).map(str), st.text(max_size=6), st.integers().map(str)
)


@given(st.lists(AMOUNTS, min_size=1, max_size=20), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_amounts_are_those_of_live_events_and_refused_where_they_are(cells, currency):
    mapping = parse_mapping("events: {person: p, name: n, timestamp: t, amount: a, currency: c}")
    rows = [{"p": "p", "n": "n", "t": "2024-01-01", "a": cell, "c": currency} for cell in cells]
    found = convert(ObjectBatch(rows, FileFormat()), mapping)
    for cell, good, amount in zip(cells, found.good, found.events["amount"].to_pylist()):
        if cell == "":
            assert good
            assert amount is None
            continue
        try:
            expected = minor_units(cell, currency)
        except BadInputError:
            assert not good
        else:
            assert (good, amount) == (True, expected)


@given(st.text(max_size=1100), st.text(max_size=110), st.integers(-(2**60), 2**60))
def test_what_the_door_refuses_is_refused_here(person, name, timestamp):
    mapping = parse_mapping("events: {person: p, name: n, timestamp: {column: t, format: us}}")
    row = {"p": person, "n": name, "t": timestamp}
    found = convert(ObjectBatch([row], FileFormat()), mapping)
    try:
        live = checked(Event(person=person, name=name, timestamp=timestamp))
    except BadInputError:
        assert not found.good[0]
    else:
        assert found.good[0]
        for field in ("person", "name", "timestamp", "day"):
            assert found.events[field][0].as_py() == getattr(live, field)
