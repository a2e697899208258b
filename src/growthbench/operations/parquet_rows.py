"""Take a person's rows out of a Parquet file: the one time a written file is written again."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from growthbench.people.subject import Subject

_PERSONS = ("person", "member", "user_id", "group")
_ROW_GROUP = 65_536


def rows_about(path: Path, subject: Subject, keys: Sequence[str], others: Sequence[str] = ()) -> int:
    """Count rows of the subject, and texts of others that mention them."""
    table = pq.read_table(path, partitioning=None)
    theirs = _theirs(table, keys)
    rest = table.filter(pc.invert(theirs))
    return (pc.sum(theirs).as_py() or 0) + sum(map(len, _mentions(rest, subject, others).values()))


def without(path: Path, subject: Subject, keys: Sequence[str], others: Sequence[str] = ()) -> tuple[int, int]:
    """Write a file anew without the subject's rows, and with mentions in other rows masked.

    A file that has no row left is deleted. Rows stay in their order, row groups keep their size.

    Parameters
    ----------
    keys : sequence of str
        What the subject is called in columns of persons.
    others : sequence of str
        Text columns that are never looked at in other people's rows: ids of events, which are all different.

    Returns
    -------
    (int, int)
        Rows removed, texts masked; the file is as it was if both are 0.
    """
    table = pq.read_table(path, partitioning=None)
    theirs = _theirs(table, keys)
    removed = pc.sum(theirs).as_py() or 0
    rest = table.filter(pc.invert(theirs)) if removed else table
    masked = 0
    for name, found in _mentions(rest, subject, others).items():
        place, field = rest.schema.get_field_index(name), rest.schema.field(name)
        texts = [subject.masked(t) if t in found else t for t in rest[name].to_pylist()]
        rest = rest.set_column(place, field, pa.array(texts, field.type))
        masked += len(found)
    if not removed and not masked:
        return 0, 0
    if not rest.num_rows:
        path.unlink()
        return removed, masked
    draft = path.with_suffix(".part")
    pq.write_table(rest, draft, compression="zstd", row_group_size=_ROW_GROUP)
    draft.replace(path)
    return removed, masked


def _theirs(table: pa.Table, names: Sequence[str]) -> pa.ChunkedArray:
    """Which rows are the subject's: true or false for each."""
    found = pa.chunked_array([pa.array([False] * table.num_rows)])
    keys = pa.array(names, pa.string())
    for name in _texts(table):
        if name in _PERSONS:
            found = pc.or_(found, pc.fill_null(pc.is_in(table[name], keys), False))
        elif name == "key":  # rows of an evaluation are called PERSON@MOMENT
            named = pc.replace_substring_regex(table[name], r"@[0-9T:+.Z-]*$", "")
            found = pc.or_(found, pc.fill_null(pc.is_in(named, keys), False))
    return found


def _mentions(table: pa.Table, subject: Subject, others: Sequence[str]) -> dict[str, set[str]]:
    """Texts that mention the subject, by column."""
    found = {}
    for name in _texts(table):
        if name in _PERSONS or name in others or name == "tenant_id":
            continue
        if some := {text for text in pc.unique(table[name]).to_pylist() if subject.mentions(text)}:
            found[name] = some
    return found


def _texts(table: pa.Table) -> list[str]:
    return [f.name for f in table.schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
