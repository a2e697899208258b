"""Plain text and CSV."""

import csv
import io

from growthbench.base.errors import DataFormatError
from growthbench.knowledge.readers.raw import Raw

_SNIFFED = 20_000


def text_of(content: bytes, name: str) -> str:
    """UTF-8 text with ``\\n`` line ends and without a byte order mark."""
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as exc:
        raise DataFormatError(f"{name} is not UTF-8 text (byte {exc.start}): save it as UTF-8") from exc


def read_plain(content: bytes, name: str) -> Raw:
    """Plain text as it is."""
    return Raw(text_of(content, name))


def read_csv(content: bytes, name: str) -> Raw:
    """One line for each row, ``column: value; column: value``, so that a row can be found and quoted by itself."""
    text = text_of(content, name)
    rows = [row for row in csv.reader(io.StringIO(text), _dialect(text)) if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise DataFormatError(f"{name} needs a line of column names and at least one row, found {len(rows)} line(s)")
    header = [cell.strip() for cell in rows[0]]
    return Raw("\n".join(f"- {_row(header, row)}" for row in rows[1:]))


def _dialect(text: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(text[:_SNIFFED], delimiters=",;\t|")
    except csv.Error:
        return csv.excel


def _row(header: list[str], row: list[str]) -> str:
    names = [*header, *(f"column {i + 1}" for i in range(len(header), len(row)))]
    return "; ".join(f"{n}: {' '.join(cell.split())}" for n, cell in zip(names, row) if cell.strip())
