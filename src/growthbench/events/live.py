"""One live event as a caller gives it, and its check: from a mapping to the row of the log."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from growthbench.base.amounts import minor_units
from growthbench.base.clock import DAY_US
from growthbench.base.errors import BadInputError
from growthbench.base.ids import new_id
from growthbench.events.catalogue import PROPERTIES
from growthbench.events.checks import TIME_RANGE_US, checked_int, checked_text
from growthbench.events.schema import PROPERTY_COLUMNS

_DECLARED = {p.name: p.kind for p in PROPERTIES}
_MAX_NAME = 100
_COLUMNS = {f.name: f for f in PROPERTY_COLUMNS}
_NO_COLUMNS = dict.fromkeys(_COLUMNS)


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


class Row(msgspec.Struct, gc=False):
    """A checked event, as the log stores it; ``values`` are its declared values (key, text, whole number).

    ``properties`` is JSON to be read by everybody, ``sealed`` bytes that only the person's own key opens.
    """

    person: str
    timestamp: int
    event_id: str
    name: str
    session_id: str | None
    item_id: str | None
    category: str | None
    campaign: str | None
    channel: str | None
    currency: str | None
    amount: int | None
    quantity: int | None
    properties: str | None
    sealed: bytes | None
    values: list[tuple[str, str | None, int | None]]

    @property
    def day(self) -> int:
        """Number of the UTC day it happened on."""
        return self.timestamp // DAY_US


def checked(event: Event, keep_properties: bool = True) -> Row:
    """Check an event.

    Parameters
    ----------
    event : Event
    keep_properties : bool, default True
        Keep all properties as JSON; False leaves only the typed values.

    Raises
    ------
    BadInputError
        ``field`` names what is wrong.
    """
    given = event.properties
    kept = _json(given) if given and keep_properties else None
    return checked_row(event.person, event.name, event.timestamp, event.event_id, event.session_id, given, kept)


def checked_row(
    person: str,
    name: str,
    timestamp: int,
    event_id: str | None,
    session_id: str | None,
    given: Mapping[str, Any],
    kept: str | None = None,
) -> Row:
    """The same, part by part; ``given`` become typed values, ``kept`` is JSON to be read by everybody.

    Raises
    ------
    BadInputError
        ``field`` names what is wrong.
    """
    columns, values = _typed(given) if given else (_NO_COLUMNS, [])
    return Row(
        person=checked_text(person, "person"),
        timestamp=checked_int(timestamp, "timestamp", TIME_RANGE_US),
        event_id=checked_text(event_id, "event_id") if event_id else new_id("evt"),
        name=checked_text(name, "name", _MAX_NAME),
        session_id=None if session_id is None else checked_text(session_id, "session_id"),
        **columns,
        properties=kept,
        sealed=None,
        values=values,
    )


def _typed(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str | None, int | None]]]:
    columns, values = _NO_COLUMNS, []
    for key, value in given.items():
        if value is None:
            continue
        if (field := _COLUMNS.get(key)) is not None:
            if columns is _NO_COLUMNS:
                columns = _NO_COLUMNS.copy()
            columns[key] = _column_value(given, field, value)
        if key in _DECLARED:
            values.append(_declared_value(key, value))
    if len(values) > 1:
        values.sort()
    return columns, values


def _column_value(given: Mapping[str, Any], field, value: Any):
    if field.name == "amount":
        return minor_units(value, given.get("currency") or "EUR")
    return checked_text(value, field.name) if field.kind == "text" else checked_int(value, field.name)


def _declared_value(key: str, value: Any) -> tuple[str, str | None, int | None]:
    if _DECLARED[key] == "text":
        return key, checked_text(value, key), None
    return key, None, checked_int(value, key)


def _json(properties: Mapping[str, Any]) -> str:
    try:
        found = json.dumps(properties, ensure_ascii=False, allow_nan=False)
        found.encode()
    except (TypeError, ValueError) as exc:
        raise BadInputError(f"properties must be JSON: {exc}", field="properties") from exc
    if "\\u0000" in found:
        raise BadInputError("properties must not hold U+0000", field="properties")
    return found
