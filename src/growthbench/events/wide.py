"""A log as one wide table, for export: events with a column ``value.NAME`` for each declared property.

`growthbench.events.importing` reads such a file without a mapping and gives the same log. (CSV cannot tell a new text
property that looks like whole numbers from an int; Parquet can.)
"""

import pyarrow as pa
import pyarrow.compute as pc

from growthbench.events.data import EventData


def wide_table(data: EventData) -> pa.Table:
    """One row per event, in order of ``seq``.

    Returns
    -------
    pyarrow.Table
        The columns of ``EVENT_FIELDS`` and, sorted by name, one ``value.NAME`` per property: int64 if it is an int.
    """
    table = data.events
    place = pc.index_in(data.values["seq"], table["seq"])
    for key in sorted(pc.unique(data.values["key"]).to_pylist()):
        mine = pc.equal(data.values["key"], key)
        values, rows = data.values.filter(mine), place.filter(mine)
        kind = "int_value" if values["text_value"].null_count == len(values) else "text_value"
        column = values[kind].combine_chunks().take(pc.index_in(pa.array(range(len(table)), pa.int32()), rows))
        table = table.append_column(f"value.{key}", column)
    return table
