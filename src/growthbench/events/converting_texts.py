"""Text fields: taken from columns, constants or cases; checked like live ones."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.events.batches import Batch, texts
from growthbench.events.checks import MAX_TEXT
from growthbench.events.converting_numbers import as_floats
from growthbench.events.mapping import Condition, Plain, Test, TextSource
from growthbench.events.problems import Problems, as_mask


def resolve(
    batch: Batch, source: str | TextSource, decimal: str = ".", problems: Problems | None = None, field: str = ""
) -> pa.Array:
    """Text of a field, NULL where missing; a value that ``map`` does not name is a problem of its row."""
    if isinstance(source, str):
        return texts(batch.column(source))
    if source.value is not None:
        found = _constant(source.value, len(batch))
    elif source.cases is not None:
        found = _cases(batch, source, decimal)
    else:
        found = pc.coalesce(*(texts(batch.column(c)) for c in source.first_of or (source.column,)))
    if source.map is None:
        return found
    keys = pa.array(list(source.map), pa.string())
    mapped = pa.array(list(source.map.values()), pa.string()).take(pc.index_in(found, keys))
    if problems is not None:
        problems.note(pc.and_(found.is_valid(), mapped.is_null()), f"{field} is not in its map")
    return mapped


def meets(batch: Batch, condition: Condition, decimal: str = ".") -> np.ndarray:
    """Mask of the rows that meet every test of a condition."""
    met = np.ones(len(batch), bool)
    for column, test in condition.items():
        for mask in _tests(batch.column(column), test, decimal):
            met &= as_mask(mask)
    return met


def checked_texts(
    column: pa.Array, field: str, problems: Problems, required: bool = False, limit: int = MAX_TEXT
) -> pa.Array:
    """The column with empty texts as NULL; too long, U+0000 and (if required) missing are problems of their rows."""
    column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    problems.note(pc.greater(pc.utf8_length(column), limit), f"{field} is longer than {limit} characters")
    problems.note(pc.match_substring(column, "\x00"), f"{field} holds U+0000")
    if required:
        problems.note(column.is_null(), f"{field} is missing")
    return column


def json_texts(column: pa.Array, problems: Problems) -> pa.Array:
    """Texts that are JSON objects, as they are."""
    codes = column.dictionary_encode()
    fine = pa.array([_is_object(text) for text in codes.dictionary.to_pylist()], pa.bool_()).take(codes.indices)
    problems.note(pc.invert(fine), "properties is not a JSON object")
    problems.note(pc.match_substring(column, "\\u0000"), "properties hold U+0000")
    return column


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _constant(value: Plain, n: int) -> pa.Array:
    return pa.array([plain_text(value)]).take(pa.array(np.zeros(n, np.int8)))


def plain_text(value: Plain) -> str:
    """A value of the mapping as the text of a cell."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cases(batch: Batch, source: TextSource, decimal: str) -> pa.Array:
    found = pa.nulls(len(batch), pa.string())
    for case in reversed(source.cases):
        value = _constant(case.is_, len(batch)) if case.column is None else texts(batch.column(case.column))
        found = pc.if_else(pa.array(meets(batch, case.when, decimal)), value, found)
    return found


def _tests(column: pa.Array, test: Test, decimal: str):
    cells = texts(column)
    if test.is_ is not None:
        yield pc.equal(cells, plain_text(test.is_))
    if test.in_ is not None:
        yield pc.is_in(cells, pa.array([plain_text(v) for v in test.in_], pa.string()))
    for given, function in ((test.starts_with, pc.starts_with), (test.ends_with, pc.ends_with)):
        if given is not None:
            yield function(cells, given)
    if test.contains is not None:
        yield pc.match_substring(cells, test.contains)
    if test.missing is not None:
        yield cells.is_null() if test.missing else cells.is_valid()
    if test.above is not None:
        yield as_floats(column, decimal) > test.above
    if test.below is not None:
        yield as_floats(column, decimal) < test.below
