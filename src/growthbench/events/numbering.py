"""Number events in the order they stand in, the first of equal ids winning."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.events.data import EventData
from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS, arrow_schema


def in_file_order(events: pa.Table, values: pa.Table | None) -> EventData:
    """Events with ``seq`` 1, 2, 3 ... in row order, without later rows of the same ``event_id``, and their values.

    Parameters
    ----------
    events : pyarrow.Table
        All columns of ``EVENT_FIELDS``; ``seq`` names the row that a value belongs to together with ``event_id``.
    values : pyarrow.Table, optional
        Columns of ``VALUE_FIELDS``, some of which may be missing (NULL).
    """
    first = _first_rows(events["event_id"])
    numbers = pa.array(np.arange(1, len(first) + 1), pa.int64())
    kept = events.take(first)
    told = _conform(_with(kept, "seq", numbers), EVENT_FIELDS)
    if values is None or not values.num_rows:
        return EventData(told, arrow_schema(VALUE_FIELDS).empty_table())
    # A value is of the kept row when both its id and its old number match: a duplicate's values go with the duplicate.
    place = pc.index_in(values["event_id"], kept["event_id"])
    mine = pc.equal(kept["seq"].take(place), values["seq"])
    values = _with(values, "seq", numbers.take(place)).filter(mine)
    return EventData(told, _conform(values, VALUE_FIELDS).sort_by([("seq", "ascending"), ("key", "ascending")]))


def _first_rows(ids: pa.ChunkedArray) -> pa.Array:
    codes = ids.combine_chunks().dictionary_encode()
    _, first = np.unique(codes.indices.to_numpy(zero_copy_only=False), return_index=True)
    return pa.array(np.sort(first))


def _with(table: pa.Table, name: str, column) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)


def _conform(table: pa.Table, fields) -> pa.Table:
    schema = arrow_schema(fields)
    columns = [
        table[f.name].cast(f.type) if f.name in table.column_names else pa.nulls(table.num_rows, f.type) for f in schema
    ]
    return pa.table(columns, schema=schema).combine_chunks()
