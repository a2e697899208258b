"""One live event as a caller gives it, and its check."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from growthbench.base.amounts import minor_units
from growthbench.base.clock import DAY_US
from growthbench.base.errors import BadInputError
from growthbench.base.ids import new_id
from growthbench.events.catalogue import PROPERTIES
from growthbench.events.checks import TIME_RANGE_US, checked_int, checked_text
from growthbench.events.data import EventData
from growthbench.events.schema import EVENT_FIELDS, KEY_FIELDS, PROPERTY_COLUMNS, VALUE_FIELDS, arrow_schema

_DECLARED = {p.name: p.kind for p in PROPERTIES}


class Event(msgspec.Struct, kw_only=True, frozen=True):
    """An event on its way into the log.

    Attributes
    ----------
    person, name : str
        Who did what.
    timestamp : int
        When it happened, UTC µs.
    event_id : str, optional
        The client's id; two events with the same id are one event. Made here if missing.
    session_id : str, optional
    properties : dict
        Those of ``PROPERTY_COLUMNS`` and of the event catalogue become typed values that features read; all are kept as
        JSON. ``amount`` is in major units (19.99) of ``currency``.
    """

    person: str
    name: str
    timestamp: int
    event_id: str = ""
    session_id: str | None = None
    properties: Mapping[str, Any] = {}


def to_data(batch: Sequence[Event], tenant: str) -> EventData:
    """Check a batch and lay it out as columns; ``seq`` is its order, ``received_at`` still 0. First of equal ids wins.

    Raises
    ------
    BadInputError
        Naming the field, and the event's place in the batch.
    """
    rows, values, seen = [], [], set()
    for place, event in enumerate(batch):
        try:
            row, row_values = _row(event, tenant)
        except BadInputError as exc:
            raise BadInputError(f"event {place}: {exc}", field=exc.field) from exc
        if row["event_id"] in seen:
            continue
        seen.add(row["event_id"])
        row["seq"] = len(seen)
        rows.append(row)
        values += [{**{f.name: row[f.name] for f in KEY_FIELDS}, **v} for v in row_values]
    return EventData(
        pa.Table.from_pylist(rows, arrow_schema(EVENT_FIELDS)), pa.Table.from_pylist(values, arrow_schema(VALUE_FIELDS))
    )


def _row(event: Event, tenant: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    row = {
        "tenant_id": tenant,
        "person": checked_text(event.person, "person"),
        "event_id": checked_text(event.event_id or new_id("evt"), "event_id"),
        "name": checked_text(event.name, "name", limit=100),
        "timestamp": checked_int(event.timestamp, "timestamp", TIME_RANGE_US),
        "received_at": 0,
        "day": event.timestamp // DAY_US,
        "session_id": None if event.session_id is None else checked_text(event.session_id, "session_id"),
        "properties": _json(event.properties) if event.properties else None,
    }
    for field in PROPERTY_COLUMNS:
        row[field.name] = _column_value(event.properties, field)
    declared = ((k, v) for k, v in event.properties.items() if k in _DECLARED and v is not None)
    return row, [_declared_value(k, v) for k, v in sorted(declared)]


def _column_value(properties: Mapping[str, Any], field):
    value = properties.get(field.name)
    if value is None:
        return None
    if field.name == "amount":
        return minor_units(value, properties.get("currency") or "EUR")
    return checked_text(value, field.name) if field.kind == "text" else checked_int(value, field.name)


def _declared_value(key: str, value: Any) -> dict[str, Any]:
    if _DECLARED[key] == "text":
        return {"key": key, "text_value": checked_text(value, key), "int_value": None}
    return {"key": key, "text_value": None, "int_value": checked_int(value, key)}


def _json(properties: Mapping[str, Any]) -> str:
    try:
        found = json.dumps(properties, ensure_ascii=False, allow_nan=False)
        found.encode()
    except (TypeError, ValueError) as exc:
        raise BadInputError(f"properties must be JSON: {exc}", field="properties") from exc
    if "\\u0000" in found:
        raise BadInputError("properties must not hold U+0000", field="properties")
    return found
