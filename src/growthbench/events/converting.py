"""Columns of a file into columns of events, as a mapping says; rows that do not fit are told apart with a reason.

Limits and meanings are those of live events (`growthbench.events.live`): what the Door would refuse is refused here.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.clock import DAY_US
from growthbench.events.batches import Batch, texts
from growthbench.events.checks import TIME_RANGE_US
from growthbench.events.converting_numbers import money, whole_numbers
from growthbench.events.converting_texts import checked_texts, json_texts, meets, resolve
from growthbench.events.converting_times import moments
from growthbench.events.mapping import IdSource, ImportMapping, MoneySource, PropertySource, TimeSource
from growthbench.events.problems import Problems
from growthbench.events.schema import EVENT_FIELDS

_TEXT_FIELDS = ("session_id", "item_id", "category", "campaign", "channel", "currency")
_NAME_LIMIT = 100
_INTS = {f.name for f in EVENT_FIELDS if f.kind == "int"}


@dataclass
class Converted:
    """What became of a batch.

    Attributes
    ----------
    events : dict of str to pyarrow.Array
        Columns of events without ``seq``, ``tenant_id``; ``event_id`` is NULL where it has to be made from the content.
    values : dict of str to pyarrow.Array
        Declared properties by name, text or int64, one per row.
    good, skipped : ndarray of bool
        Rows that become events; rows left out on request.
    refused : list of (int, str)
        Place in the batch and reason.
    """

    events: dict[str, pa.Array]
    values: dict[str, pa.Array]
    good: np.ndarray
    skipped: np.ndarray
    refused: list[tuple[int, str]]


def convert(batch: Batch, mapping: ImportMapping) -> Converted:
    """Convert one batch; never raises for a value, only tells the row apart."""
    problems = Problems(len(batch))
    skipped = np.zeros(len(batch), bool)
    for condition in mapping.skip:
        skipped |= meets(batch, condition, mapping.file.decimal)
    events = _events(batch, mapping, problems)
    values = {name: _value(batch, mapping, name, problems) for name in sorted(mapping.properties)}
    refused = [(i, reason) for i, reason in problems.items() if not skipped[i]]
    return Converted(events, values, problems.fine & ~skipped, skipped, refused)


def _events(batch: Batch, mapping: ImportMapping, problems: Problems) -> dict[str, pa.Array]:
    fields, decimal = mapping.events, mapping.file.decimal
    person = checked_texts(resolve(batch, fields.person, decimal), "person", problems, required=True)
    name = checked_texts(
        resolve(batch, fields.name, decimal, problems, "name"), "name", problems, required=True, limit=_NAME_LIMIT
    )
    timestamp = _moment(batch, fields.timestamp, "timestamp", problems, required=True)
    found = {"person": person, "name": name, "timestamp": timestamp}
    received = fields.received_at and _moment(batch, fields.received_at, "received_at", problems, required=False)
    found["received_at"] = timestamp if received is None else pc.coalesce(received, timestamp)
    found["day"] = pa.array(np.floor_divide(timestamp.fill_null(0).to_numpy(), DAY_US))
    for field in _TEXT_FIELDS:
        if (source := getattr(fields, field)) is not None:
            found[field] = checked_texts(resolve(batch, source, decimal, problems, field), field, problems)
    if fields.quantity is not None:
        found["quantity"] = whole_numbers(batch.column(fields.quantity), "quantity", problems, decimal)
    if fields.amount is not None:
        found["amount"] = _amount(batch, fields.amount, found, problems, decimal)
    found["properties"] = _properties(batch, mapping, problems)
    found["event_id"] = _event_id(batch, fields.event_id, problems)
    for field in EVENT_FIELDS:
        if field.name not in found and field.name not in ("tenant_id", "seq"):
            found[field.name] = pa.nulls(len(batch), pa.int64() if field.name in _INTS else pa.string())
    return found


def _moment(batch: Batch, source: str | TimeSource, field: str, problems: Problems, required: bool) -> pa.Array:
    source = TimeSource(column=source) if isinstance(source, str) else source
    found = moments(batch.column(source.column), source, field, problems)
    low, high = TIME_RANGE_US
    problems.note(pc.or_(pc.less(found, low), pc.greater(found, high)), f"{field} is outside the years 1 to 9999")
    if required:
        problems.note(found.is_null(), f"{field} is missing")
    return found


def _amount(batch: Batch, source: str | MoneySource, found, problems: Problems, decimal: str) -> pa.Array:
    source = MoneySource(column=source) if isinstance(source, str) else source
    column, currency = batch.column(source.column), found.get("currency")
    times = None
    if source.times is not None:
        times = whole_numbers(batch.column(source.times), source.times, problems, decimal)
    if source.unit == "minor":
        amount = whole_numbers(column, "amount", problems, decimal, times)
    else:
        amount = money(column, currency, problems, decimal, times)
    if source.negative_for:
        refund = pc.is_in(found["name"], pa.array(source.negative_for))
        amount = pc.if_else(refund, pc.negate(pc.abs(amount)), amount)
    return amount


def _value(batch: Batch, mapping: ImportMapping, name: str, problems: Problems) -> pa.Array:
    source = mapping.properties[name]
    column = batch.column(source.column if isinstance(source, PropertySource) else source)
    if mapping.kind_of(name) == "int":
        return whole_numbers(column, name, problems, mapping.file.decimal)
    return checked_texts(texts(column), name, problems)


def _properties(batch: Batch, mapping: ImportMapping, problems: Problems) -> pa.Array:
    if mapping.events.properties is not None:
        return json_texts(texts(batch.column(mapping.events.properties)), problems)
    if mapping.keep == "none":
        return pa.nulls(len(batch), pa.string())
    mapped = set(mapping.columns()) if mapping.keep == "unmapped" else set()
    names = [n for n in batch.names if n not in mapped] if isinstance(mapping.keep, str) else list(mapping.keep)
    kept = batch.kept(names)
    problems.note(pc.match_substring(kept, "\\u0000"), "properties hold U+0000")
    return kept


def _event_id(batch: Batch, source: str | IdSource | None, problems: Problems) -> pa.Array:
    if source is None:
        return pa.nulls(len(batch), pa.string())
    if isinstance(source, str):
        return checked_texts(texts(batch.column(source)), "event_id", problems, required=True)
    parts = [texts(batch.column(c)) for c in source.columns]
    joined = pc.binary_join_element_wise(*parts, "-")
    return checked_texts(pc.binary_join_element_wise(source.prefix, joined, ""), "event_id", problems, required=True)
