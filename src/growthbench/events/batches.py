"""Rows of a file, asked for by column: over an Arrow table (CSV, Parquet) or over objects (JSONL)."""

import json
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.events.mapping import FileFormat


class Batch(Protocol):
    """Some rows of a file."""

    names: list[str]

    def __len__(self) -> int: ...

    def column(self, name: str) -> pa.Array:
        """Values of a column; the file's markers for missing are NULL; NULL throughout if no row has it."""

    def raw(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Some rows as they were, ready for JSON."""

    def kept(self, names: Sequence[str]) -> pa.Array:
        """One JSON object a row of the named columns, missing ones left out; NULL where nothing is left."""


class ArrowBatch:
    """Rows of an Arrow table."""

    def __init__(self, table: pa.Table, told: FileFormat):
        self._table = table
        self._missing = pa.array(told.missing, pa.string())
        self.names = table.column_names

    def __len__(self) -> int:
        return self._table.num_rows

    def column(self, name: str) -> pa.Array:
        if name not in self.names:
            return pa.nulls(len(self), pa.string())
        column = _combined(self._table[name])
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type):
            column = pc.if_else(pc.is_in(column, self._missing), pa.scalar(None, pa.string()), column)
        return column

    def raw(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        columns = self._table.take(pa.array(rows, pa.int64())).columns
        cells = zip(*(_plain_list(column) for column in columns))
        return [dict(zip(self.names, row)) for row in cells]

    def kept(self, names: Sequence[str]) -> pa.Array:
        pieces = [self._piece(name) for name in names if name in self.names]
        if not pieces:
            return pa.nulls(len(self), pa.string())
        joined = pc.binary_join_element_wise(*pieces, "")
        body = pc.utf8_slice_codeunits(joined, 2)
        made = pc.binary_join_element_wise("{", body, "}", "")
        return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), made)

    def _piece(self, name: str) -> pa.Array:
        column = self.column(name).dictionary_encode()
        texts = pa.array([json.dumps(v, ensure_ascii=False) for v in _plain_list(column.dictionary)], pa.string())
        texts = texts.take(column.indices)
        key = json.dumps(name, ensure_ascii=False)
        return pc.coalesce(pc.binary_join_element_wise(f", {key}: ", texts, ""), "")


class ObjectBatch:
    """Rows that are JSON objects; ``a.b`` is the member ``b`` of the object ``a``."""

    def __init__(self, objects: list[dict], told: FileFormat):
        self._objects = objects
        self._missing = set(told.missing)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self._objects for name in _paths(row)))

    def __len__(self) -> int:
        return len(self._objects)

    def column(self, name: str) -> pa.Array:
        if any(name in row for row in self._objects):
            values = [row.get(name) for row in self._objects]
        else:
            values = [_member(row, name.split(".")) for row in self._objects]
        return pa.array([self._text(v) for v in values], pa.string())

    def raw(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        return [self._objects[i] for i in rows]

    def kept(self, names: Sequence[str]) -> pa.Array:
        wanted = [n for n in names if "." not in n]
        rows = ({n: v for n in wanted if (v := row.get(n)) is not None} for row in self._objects)
        return pa.array([json.dumps(row, ensure_ascii=False) if row else None for row in rows], pa.string())

    def _text(self, value: Any) -> str | None:
        if type(value) is str:
            return None if value in self._missing else value
        if value is None:
            return None
        return repr(value) if type(value) in (int, float) else json.dumps(value, ensure_ascii=False)


def texts(column: pa.Array) -> pa.Array:
    """A column as text: numbers by their shortest decimal form, booleans as true and false."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        return pa.array([None if v is None else str(plain(v)) for v in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def plain(value: Any) -> Any:
    """A value that JSON can hold: moments by ISO 8601, decimals and bytes as text, non-finite floats as text."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else repr(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _plain_list(column: pa.Array | pa.ChunkedArray) -> list:
    if pa.types.is_temporal(column.type):  # Arrow writes every moment, Python's calendar ends in 9999
        return column.cast(pa.string()).to_pylist()
    return [plain(value) for value in column.to_pylist()]


def _combined(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def _paths(row: dict, prefix: str = "") -> list[str]:
    own = [prefix + name for name in row]
    inner = [p for name, v in row.items() if isinstance(v, dict) for p in _paths(v, f"{prefix}{name}.")]
    return own + inner


def _member(row: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(row, dict):
            return None
        row = row.get(name)
    return row
