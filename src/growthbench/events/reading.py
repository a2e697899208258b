"""Read CSV, JSONL and Parquet in pieces of a fixed number of rows; what is no row at all is set aside with its number.

Rows are numbered from 1 in file order, blank lines and the header aside, and pieces end at multiples of their size: the
same file gives the same pieces every time.
"""

import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from growthbench.base.errors import DataFormatError
from growthbench.events.batches import ArrowBatch, Batch, ObjectBatch
from growthbench.events.mapping import FileFormat
from growthbench.events.scanning import check_text, open_bytes

_BLOCK_BYTES = 1 << 22


@dataclass
class Malformed:
    """A row that has no columns to speak of: its number, the reason, its text."""

    row: int
    reason: str
    raw: str


@dataclass
class Piece:
    """Rows of a file with their numbers, and the malformed ones among them."""

    batch: Batch
    rows: np.ndarray
    malformed: list[Malformed] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.malformed)


def check_file(path: Path, form: str, told: FileFormat) -> Batch:
    """Go through the whole file once without keeping it; returns its first rows.

    Raises
    ------
    DataFormatError
        Wrong encoding, broken compression, not CSV or Parquet at all, no columns, no rows.
    """
    quotes = 0 if form == "parquet" else check_text(path, told)
    first = last = None
    with closing(read_pieces(path, form, told, 50_000)) as pieces:
        for last in pieces:
            first = first or last
            if form == "jsonl":
                break  # each line stands for itself
    if first is None:
        raise DataFormatError(f"{path} has no rows", field="path")
    if form == "csv" and quotes % 2 and (row := _row_that_ends_inside_quotes(last)):
        raise DataFormatError(
            f"{path}: a quoted value begins in row {row} and never ends; "
            'if quotes mean nothing in this file, say file: {quote: ""}',
            field="quote",
        )
    return first.batch


def read_pieces(path: Path, form: str, told: FileFormat, chunk_rows: int) -> Iterator[Piece]:
    """Pieces of at most ``chunk_rows`` rows each, in file order."""
    return _READERS[form](path, told, chunk_rows)


def _row_that_ends_inside_quotes(last: Piece) -> int | None:
    """The last row of a file, if it runs over several lines."""
    cells = [(m.row, m.raw) for m in last.malformed[-1:]]
    if len(last.rows):
        (row,) = last.batch.raw([len(last.rows) - 1])
        cells += [(int(last.rows[-1]), cell) for cell in row.values()]
    end = max(row for row, _ in cells)
    return end if any(row == end and "\n" in cell for row, cell in cells) else None


def _read_csv(path: Path, told: FileFormat, chunk_rows: int) -> Iterator[Piece]:
    malformed: list[Malformed] = []

    def set_aside(row) -> str:
        reason = f"has {row.actual_columns} columns instead of {row.expected_columns}"
        malformed.append(Malformed(row.number - 1, reason, row.text))
        return "skip"

    try:
        with open_bytes(path) as file:
            reader = _csv_reader(file, path, told, set_aside)
            yield from _cut(_numbered(reader, malformed), malformed, reader.schema, told, chunk_rows)
    except pa.ArrowInvalid as exc:
        raise DataFormatError(f"{path} is not CSV as the mapping says: {exc}", field="path") from exc


def _csv_reader(file, path: Path, told: FileFormat, set_aside) -> pacsv.CSVStreamingReader:
    if len(told.separator) != 1 or len(told.quote) > 1:
        raise DataFormatError("separator is one character, quote one or none", field="separator")
    parse = pacsv.ParseOptions(
        delimiter=told.separator,
        quote_char=told.quote or False,
        newlines_in_values=bool(told.quote),
        invalid_row_handler=set_aside,
    )
    # One thread: rows are numbered only then, and the numbers must not depend on the machine.
    read = pacsv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, encoding=told.encoding)
    names = _header(path, told)
    convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    return pacsv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert)


def _header(path: Path, told: FileFormat) -> list[str]:
    import csv
    import io

    with open_bytes(path) as file, io.TextIOWrapper(file, encoding=told.encoding, newline="") as text:
        quoting = {"quotechar": told.quote} if told.quote else {"quoting": csv.QUOTE_NONE}
        names = next((row for row in csv.reader(text, delimiter=told.separator, **quoting) if row), [])
    names = [name.removeprefix("\ufeff") if i == 0 else name for i, name in enumerate(names)]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise DataFormatError(f"{path} has two columns named {twice[0]!r}", field=twice[0])
    return names


def _numbered(reader, malformed: list[Malformed]) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
    following = 1
    for batch in reader:
        aside = np.array([m.row for m in malformed if m.row >= following], np.int64)
        rows = np.arange(following, following + batch.num_rows + len(aside))
        rows = (np.setdiff1d(rows, aside) if len(aside) else rows)[: batch.num_rows]
        following = int(rows[-1]) + 1 if len(rows) else following
        yield batch, rows


def _cut(numbered, malformed, schema, told: FileFormat, chunk_rows: int) -> Iterator[Piece]:
    """Pieces whose last row number is a multiple of ``chunk_rows``, whatever blocks the reader gives."""
    tables, numbers, border = [], [], chunk_rows

    def cut(upto: int) -> Piece:
        nonlocal tables, numbers
        table, rows = pa.Table.from_batches(tables, schema), np.concatenate(numbers or [np.empty(0, np.int64)])
        n = int(np.searchsorted(rows, upto, side="right"))
        tables, numbers = table.slice(n).to_batches(), [rows[n:]]
        mine = [m for m in malformed if m.row <= upto]
        malformed[:] = [m for m in malformed if m.row > upto]
        return Piece(ArrowBatch(table.slice(0, n), told), rows[:n], mine)

    for batch, rows in numbered:
        tables.append(batch)
        numbers.append(rows)
        while len(rows) and rows[-1] >= border:
            yield cut(border)
            border += chunk_rows
    rest = max([int(n[-1]) for n in numbers if len(n)] + [m.row for m in malformed], default=0)
    while border - chunk_rows < rest:
        if len(piece := cut(border)):
            yield piece
        border += chunk_rows


def _read_jsonl(path: Path, told: FileFormat, chunk_rows: int) -> Iterator[Piece]:
    decode = msgspec.json.Decoder().decode
    objects, rows, malformed, row = [], [], [], 0
    for line in _lines(path, told.encoding):
        if not (line := line.strip()):
            continue
        row += 1
        try:
            value = decode(line)
        except (msgspec.DecodeError, UnicodeError) as exc:
            malformed.append(Malformed(row, "is not JSON", f"{line} ({exc})"))
        else:
            if isinstance(value, dict):
                objects.append(value)
                rows.append(row)
            else:
                malformed.append(Malformed(row, "is not a JSON object", line))
        if row % chunk_rows == 0:
            yield Piece(ObjectBatch(objects, told), np.array(rows, np.int64), malformed)
            objects, rows, malformed = [], [], []
    if rows or malformed:
        yield Piece(ObjectBatch(objects, told), np.array(rows, np.int64), malformed)


def _lines(path: Path, encoding: str) -> Iterator[str]:
    with open_bytes(path) as file:
        if encoding.lower().replace("-", "") in ("utf8", "utf8sig", "ascii"):
            for i, line in enumerate(file):  # by \n alone: U+2028 and the like stay inside a line
                yield (line.removeprefix(b"\xef\xbb\xbf") if i == 0 else line).decode()
        else:
            import io

            with io.TextIOWrapper(file, encoding=encoding, newline="\n") as text:
                yield from text


def _read_parquet(path: Path, told: FileFormat, chunk_rows: int) -> Iterator[Piece]:
    try:
        with _open_parquet(path) as file:
            row = 1
            for batch in file.iter_batches(chunk_rows, use_threads=False):
                table = _flat(pa.Table.from_batches([batch]))
                yield Piece(ArrowBatch(table, told), np.arange(row, row + len(batch)))
                row += len(batch)
    except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as exc:
        raise DataFormatError(f"{path} is not a readable Parquet file: {exc}", field="path") from exc


def _open_parquet(path: Path) -> pq.ParquetFile:
    if not path.name.endswith(".gz"):
        return pq.ParquetFile(path)
    with open_bytes(path) as file:
        return pq.ParquetFile(pa.BufferReader(file.read()))


def _flat(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(t) for t in table.schema.types):
        table = table.flatten()
    return table


_READERS = {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}
