"""Random logs: late, early, duplicate and same-instant events, unicode, before 1970; moments drawn from the events.

With merges and unmerges of their people, also such as no guard would let pass: engines must agree on them, too.
"""

from dataclasses import dataclass

import pyarrow as pa
from hypothesis import strategies as st

from growthbench.base.clock import DAY_US, HOUR_US, MINUTE_US
from growthbench.events.data import EventData
from growthbench.events.lake import LINK_SCHEMA

TEXTS = ("pricing", "a", "B", "Z", "ä", "é", "é", "ß", "Ω", "😀", "ｚ", "a b", "", "10", "9", "_")
NAMES = ("page_view", "product_view", "purchase", "identify", "Émoji 😀", "unheard of")
PEOPLE = ("ann", "Bö", "😀")
WEEK = 7 * DAY_US


@dataclass(frozen=True)
class Drawn:
    """A log, spine rows (person, moment, horizon), and links as rows of `LINK_SCHEMA`."""

    data: EventData
    spine: list[tuple[str, int, int]]
    links: list[dict]

    @property
    def link_table(self) -> pa.Table:
        return pa.Table.from_pylist(self.links, schema=LINK_SCHEMA)

    def __repr__(self):
        rows = [{k: v for k, v in r.items() if v is not None} for r in self.data.events.to_pylist()]
        return f"events={rows} values={self.data.values.to_pylist()} spine={self.spine} links={self.links}"


_MARKS = (0, -1, DAY_US, 3 * DAY_US, WEEK, WEEK + MINUTE_US, WEEK + 31 * MINUTE_US, 30 * DAY_US)
_DELAYS = (0, 0, 0, 0, 1, -1, HOUR_US, DAY_US, 5 * DAY_US, 20 * DAY_US)
_AMOUNTS = (None, None, 2**40, -(2**40), 0)
_ENDINGS = ("", "\x01", "\x01\x01b", "0")
"""Ids that begin others, with the one character that packed texts have to escape."""
_WIDTH = 16
"""Bytes that make one event: drawing one long byte string is fifty times faster than drawing every field."""


def _event(raw: bytes, people) -> dict:
    who, kind, near, mark, high, low, delay, item, category, channel, amount, cents, pieces, plan, size, nick = raw
    timestamp = _timestamp(near % 3, mark, high << 8 | low)
    return {
        "event_id": f"{TEXTS[who // 16]}{item % 41}{_ENDINGS[kind // 64]}",
        "person": people[who % len(people)],
        "name": NAMES[kind % len(NAMES)],
        "timestamp": timestamp,
        "received_at": timestamp + _DELAYS[delay % len(_DELAYS)],
        "item_id": _text(item),
        "category": _text(category),
        "channel": (None, "email", "ads")[channel % 3],
        "amount": _AMOUNTS[amount] if amount < len(_AMOUNTS) else cents * 20 - 500,
        "quantity": (None, 1, 2, -3)[pieces % 4],
        "plan": _text(plan),
        "employees": (None, None, 0, 5, 10**9)[size % 5],
        "öffentlich": _text(nick),
    }


def _timestamp(near: int, mark: int, wide: int) -> int:
    """A moment that others share, an hour of twelve days, or any of 42 days from two before 1970."""
    if near == 0:
        return _MARKS[mark % len(_MARKS)]
    return (wide % 288) * HOUR_US if near == 1 else wide * (42 * DAY_US // 2**16) - 2 * DAY_US + mark


def _text(byte: int) -> str | None:
    return None if byte % 3 == 0 else TEXTS[byte // 3 % len(TEXTS)]


def _cut(raw: bytes, width: int) -> list[bytes]:
    return [raw[i : i + width] for i in range(0, len(raw) - width + 1, width)]


@st.composite
def logs(draw, people=PEOPLE, size=(20, 60)):
    """A log of these people with 3 to 6 spine rows: moments are times of events, or just beside them."""
    content = draw(st.binary(min_size=size[0] * _WIDTH, max_size=size[1] * _WIDTH))
    rows = [_event(raw, people) for raw in _cut(content, _WIDTH)]
    data = made(rows)
    marks = sorted({t for r in rows for t in (r["timestamp"], r["received_at"])})
    spine = [
        (
            (*people, *people, "nobody")[who % (2 * len(people) + 1)],
            marks[(high << 8 | low) % len(marks)] + (0, 0, 0, 1, -1, DAY_US, WEEK)[shift % 7],
            horizon % (data.horizon + 2) if horizon % 2 else data.horizon,
        )
        for who, high, low, shift, horizon in _cut(draw(st.binary(min_size=15, max_size=30)), 5)
    ]
    return Drawn(data, spine, _links(_cut(draw(st.binary(max_size=42)), 7), people, marks, data.horizon))


def _links(drawn: list[bytes], people, marks: list[int], horizon: int) -> list[dict]:
    """Merges of the log's people, most of them near its events in time and number, some ended later."""
    rows = {}
    for who, other, high, low, seq, shift, end in drawn:
        person, member = people[who % len(people)], (*people, "nobody")[other % (len(people) + 1)]
        received_at = marks[(high << 8 | low) % len(marks)] + (0, 0, 1, -1)[shift % 4]
        row = {"tenant_id": "local", "person": person, "member": member, "seq": seq % (horizon + 2),
               "received_at": received_at, "until_seq": None, "until_received_at": None}  # fmt: skip
        if end % 2:
            later = (0, 1, DAY_US, 9 * DAY_US, 30 * DAY_US)[end % 5]
            row |= {"until_seq": row["seq"] + end * 7 % 41, "until_received_at": received_at + later}
        if person != member:
            rows[person, member, row["seq"]] = row
    return list(rows.values())


def made(rows) -> EventData:
    """Event data of rows as drawn: traits become values, duplicates go."""
    traits = {"plan": "text_value", "employees": "int_value", "öffentlich": "text_value"}
    values = [
        {"event_id": r["event_id"], "key": key, "text_value": None, "int_value": None} | {column: r[key]}
        for r in rows
        for key, column in traits.items()
        if r["name"] == "identify"
    ]
    texts = ("event_id", "person", "name", "item_id", "category", "channel")
    types = {c: pa.string() if c in texts else pa.int64() for c in rows[0] if c not in traits}
    events = pa.table({c: pa.array([r[c] for r in rows], t) for c, t in types.items()})
    schema = pa.schema([("event_id", pa.string()), ("key", pa.string()), ("text_value", pa.string()),
                        ("int_value", pa.int64())])  # fmt: skip
    return EventData.from_raw(events, pa.Table.from_pylist(values, schema=schema))
