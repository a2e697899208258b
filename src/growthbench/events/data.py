"""A piece of an event log in memory: two Arrow tables, put in the log's order and numbered."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.clock import DAY_US
from growthbench.base.errors import DataFormatError
from growthbench.base.ids import digest
from growthbench.events.schema import EVENT_FIELDS, KEY_FIELDS, VALUE_FIELDS, arrow_schema


@dataclass(frozen=True)
class EventData:
    """Events and their declared values, numbered by ``seq`` in order of receipt.

    Attributes
    ----------
    events : pyarrow.Table
        Columns of ``EVENT_FIELDS``, in order of ``seq``.
    values : pyarrow.Table
        Columns of ``VALUE_FIELDS``, in order of (``seq``, ``key``).
    """

    events: pa.Table
    values: pa.Table

    def __len__(self) -> int:
        return self.events.num_rows

    @cached_property
    def horizon(self) -> int:
        """The highest ``seq``, 0 for an empty log."""
        return pc.max(self.events["seq"]).as_py() or 0

    @classmethod
    def from_raw(cls, events: pa.Table, values: pa.Table | None = None, tenant: str = "local") -> "EventData":
        """Number a raw log: first received wins among equal ``event_id``, then ``seq`` by (received_at, event_id).

        Parameters
        ----------
        events : pyarrow.Table
            At least ``event_id person name timestamp received_at``; other columns of ``EVENT_FIELDS`` may be missing
            (NULL); ``seq``, ``day`` and ``tenant_id`` are given here.
        values : pyarrow.Table, optional
            ``event_id key`` and ``text_value`` and/or ``int_value``, one row per event and key.
        tenant : str
            Tenant that the log belongs to.

        Raises
        ------
        DataFormatError
            A required column is missing, has NULLs, or cannot be cast to its type.
        """
        order = pc.sort_indices(
            events, sort_keys=[("received_at", "ascending"), ("event_id", "ascending"), ("timestamp", "ascending")]
        )
        events = events.take(order)
        events = events.take(_first_of_each(events["event_id"]))
        n = events.num_rows
        given = {
            "seq": pa.array(np.arange(1, n + 1)),
            "day": pa.array(np.floor_divide(events["timestamp"].to_numpy(), DAY_US)),
            "tenant_id": pa.array([tenant]).take(pa.array(np.zeros(n, np.int32))),
        }
        table = _conform(events, EVENT_FIELDS, given)
        if values is None or values.num_rows == 0:
            return cls(table, arrow_schema(VALUE_FIELDS).empty_table())
        keys = table.select([f.name for f in KEY_FIELDS])
        joined = values.select([c for c in ("event_id", "key", "text_value", "int_value") if c in values.column_names])
        first = joined.group_by(["event_id", "key"], use_threads=False).aggregate(
            [(c, "first") for c in joined.column_names if c.endswith("_value")]
        )
        first = first.rename_columns([c.removesuffix("_first") for c in first.column_names])
        joined = first.join(keys, "event_id", join_type="inner").sort_by([("seq", "ascending"), ("key", "ascending")])
        return cls(table, _conform(joined, VALUE_FIELDS, {}))

    def digest(self) -> str:
        """SHA-256 of the content, column by column, independent of chunking."""
        return digest(*(part for t in (self.events, self.values) for part in _column_digests(t)))


def _first_of_each(column: pa.ChunkedArray) -> pa.Array:
    codes = column.combine_chunks().dictionary_encode()
    codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    _, first = np.unique(codes.indices.to_numpy(zero_copy_only=False), return_index=True)
    return pa.array(np.sort(first))


def _conform(table: pa.Table, fields, given: dict) -> pa.Table:
    schema, columns = arrow_schema(fields), []
    for field in schema:
        if field.name in given:
            column = pa.chunked_array([given[field.name]])
        elif field.name in table.column_names:
            column = table[field.name]
        elif field.nullable:
            column = pa.chunked_array([pa.nulls(table.num_rows, field.type)])
        else:
            raise DataFormatError(
                f"the log has no column {field.name!r}; it has {table.column_names}", field=field.name
            )
        try:
            column = column.cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
            raise DataFormatError(f"column {field.name!r} is not {field.type}: {exc}", field=field.name) from exc
        if not field.nullable and column.null_count:
            raise DataFormatError(f"column {field.name!r} has {column.null_count} empty values", field=field.name)
        columns.append(column.combine_chunks())
    return pa.table(columns, schema=schema)


def _column_digests(table: pa.Table):
    for name in table.column_names:
        column = table[name].combine_chunks()
        yield name
        if pa.types.is_string(column.type):
            column = column.dictionary_encode()
            yield "\x00".join(v or "" for v in column.dictionary.to_pylist())
            column = column.indices
        yield column.is_null().to_numpy(zero_copy_only=False).tobytes()
        yield column.fill_null(-1).to_numpy(zero_copy_only=False).tobytes()
