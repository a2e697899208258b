"""The columns of an event, once: the store's tables, the lake's files and the importer follow this list.

Everything that a feature may read is a typed column of integers or text; ``properties`` is for people to read.
``events`` has one row per event. ``event_values`` has one row per declared property of an event that has no column of
its own (traits of an ``identify`` above all), so that a new property needs no migration.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "int"]


@dataclass(frozen=True)
class Field:
    """One column: its name, its kind (UTF-8 text or int64), whether it may be NULL, and what it means."""

    name: str
    kind: Kind
    about: str
    nullable: bool = True


KEY_FIELDS = (
    Field("tenant_id", "text", "whose data it is", nullable=False),
    Field("person", "text", "who did it: user id or anonymous id", nullable=False),
    Field("event_id", "text", "the client's id, unique per tenant: what makes ingest idempotent", nullable=False),
    Field("name", "text", "what was done, such as page_view or purchase", nullable=False),
    Field("timestamp", "int", "when it happened, UTC µs", nullable=False),
    Field("received_at", "int", "when we knew, UTC µs", nullable=False),
    Field("seq", "int", "the log's own number, in order of commit, from 1", nullable=False),
)

EVENT_FIELDS = (
    *KEY_FIELDS,
    Field("day", "int", "floor(timestamp / one day)", nullable=False),
    Field("session_id", "text", "the client's session, if it keeps one"),
    Field("item_id", "text", "product, page, e-mail or feature the event is about"),
    Field("category", "text", "kind of that item"),
    Field("campaign", "text", "campaign that brought it about"),
    Field("channel", "text", "where: web, email, ads, social, sales ..."),
    Field("currency", "text", "ISO 4217 code of amount"),
    Field("amount", "int", "money in minor units, negative for refunds"),
    Field("quantity", "int", "number of items"),
    Field("properties", "text", "all properties as sent, JSON"),
)

VALUE_FIELDS = (
    *KEY_FIELDS,
    Field("key", "text", "name of the property or trait", nullable=False),
    Field("text_value", "text", "its value, if text"),
    Field("int_value", "int", "its value, if a whole number"),
)

BUCKET = Field("bucket", "int", "crc32(person) % 64; lake files only", nullable=False)

PROPERTY_COLUMNS = tuple(f for f in EVENT_FIELDS if f.name in {
    "item_id", "category", "campaign", "channel", "currency", "amount", "quantity",
})  # fmt: skip
"""Columns of ``events`` that are filled from the property of the same name."""


def arrow_schema(fields: tuple[Field, ...], bucket: bool = False):
    """The pyarrow schema of a list of fields: ``string`` and ``int64`` only, nullability as declared."""
    import pyarrow as pa

    types = {"text": pa.string(), "int": pa.int64()}
    columns = (*fields, BUCKET) if bucket else fields
    return pa.schema([pa.field(f.name, types[f.kind], nullable=f.nullable) for f in columns])
