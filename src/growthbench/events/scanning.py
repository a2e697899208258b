"""Look through a whole file before the first row lands: its encoding, its compression, its shape."""

import codecs
import gzip
import os
import zlib
from pathlib import Path
from typing import BinaryIO

from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.events.mapping import FileFormat

_BLOCK = 1 << 22
_ENDINGS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}
_PARQUET = {".parquet": "parquet", ".pq": "parquet"}


def checked_path(path: str | os.PathLike) -> Path:
    """The path of a file that exists and is not empty.

    Raises
    ------
    BadInputError
        There is no such file.
    DataFormatError
        It has no bytes.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInputError(f"no file {str(path)!r} to import", field="path")
    if not path.stat().st_size:
        raise DataFormatError(f"{path} is empty", field="path")
    return path


def format_of(path: Path, told: FileFormat) -> str:
    """``csv``, ``jsonl`` or ``parquet``: as told, else by the file's ending.

    Raises
    ------
    DataFormatError
        Neither says it.
    """
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    found = told.format or (_ENDINGS | _PARQUET).get(ending)
    if found is None:
        raise DataFormatError(f"{path}: what is it? Write file: {{format: csv}} (or jsonl, parquet)", field="format")
    return found


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes, unpacked if its name ends in ``.gz``."""
    return gzip.open(path, "rb") if path.name.endswith(".gz") else open(path, "rb")


def check_text(path: Path, told: FileFormat) -> int:
    """Decode the whole file and count its quote characters.

    Raises
    ------
    DataFormatError
        A byte that does not belong to the encoding (its offset is named), a broken gzip file, or no text at all.
    """
    try:
        decoder = codecs.getincrementaldecoder(told.encoding)()
    except LookupError as exc:
        raise BadInputError(f"unknown encoding {told.encoding!r}", field="encoding") from exc
    offset = quotes = held = 0
    blank = True
    try:
        with open_bytes(path) as file:
            while block := file.read(_BLOCK):
                held = len(decoder.getstate()[0])
                text = decoder.decode(block)
                quotes += text.count(told.quote) if told.quote else 0
                blank = blank and not text.strip("\ufeff \t\r\n")
                offset += len(block)
            held = len(decoder.getstate()[0])
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        raise _not_decodable(path, told, offset - held + exc.start, exc) from exc
    except (OSError, EOFError, zlib.error) as exc:
        raise DataFormatError(f"{path} is not a complete gzip file: {exc}", field="path") from exc
    if blank:
        raise DataFormatError(f"{path} is empty", field="path")
    return quotes


def _not_decodable(path: Path, told: FileFormat, offset: int, exc: UnicodeDecodeError) -> DataFormatError:
    byte = exc.object[exc.start]
    wide = offset == 0 and byte in (0xFE, 0xFF)  # a byte order mark
    other = "utf-16" if wide else "cp1252" if told.encoding.lower().replace("-", "") == "utf8" else "utf-8"
    return DataFormatError(
        f"{path} is not {told.encoding}: byte 0x{byte:02x} at offset {offset:,} ({exc.reason}); "
        f"say file: {{encoding: {other}}} in the mapping if that is what it is",
        field="encoding",
    )
