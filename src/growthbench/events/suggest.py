"""Draft a mapping for a file by looking at its columns' names and first values."""

import codecs
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.errors import DataFormatError
from growthbench.events.batches import Batch, texts
from growthbench.events.converting import convert
from growthbench.events.converting_times import moments
from growthbench.events.mapping import KINDS, FileFormat, ImportMapping, TimeSource, parse_mapping
from growthbench.events.problems import Problems
from growthbench.events.reading import check_file
from growthbench.events.scanning import checked_path, format_of, open_bytes

PATTERNS = ("%Y-%m-%d %H:%M:%S %Z", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M",
            "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
            "%d-%b-%Y", "%Y%m%d")  # fmt: skip
FILL_ME = "FILL_ME"
_MOSTLY = 0.6  # of a dirty column that can be read as something: the others go to quarantine, with their reasons

_NAMES = {
    "person": "person user_id customer_id client_id contact_id lead_id account_id visitor_id anonymous_id"
    " uid email user customer",
    "name": "name event event_name event_type action activity type what",
    "timestamp": "timestamp event_time event_timestamp occurred_at created_at time datetime ts order_date invoice_date"
    " date when day",
    "received_at": "received_at ingested_at server_time loaded_at",
    "event_id": "event_id message_id uuid id",
    "session_id": "session_id session visit_id invoice_no order_id",
    "item_id": "item_id product_id sku stock_code stockcode article_id item product page url path",
    "category": "category product_category category_code page_type",
    "campaign": "campaign campaign_id utm_campaign",
    "channel": "channel utm_medium medium",
    "currency": "currency currency_code",
    "amount": "amount revenue total total_price value unit_price price",
    "quantity": "quantity qty units",
}
_COMMENTS = {
    "person": "who did it",
    "name": "what was done; the event catalogue lists the names that features know",
    "timestamp": "when it happened",
    "received_at": "when it was known; without it, the timestamp",
    "event_id": "makes importing again harmless",
}


def suggest(path: str | os.PathLike) -> str:
    """A ``mapping.yaml`` for a file, with comments on what was guessed and how many of its first rows would land.

    Parameters
    ----------
    path : path
        CSV, JSONL or Parquet file. Separator and encoding are guessed as well.

    Returns
    -------
    str
        YAML; ``FILL_ME`` stands where nothing in the file looks like a field that an event must have.

    Raises
    ------
    BadInputError, DataFormatError
        No such file, empty, or not readable at all.
    """
    path = checked_path(path)
    form = format_of(path, FileFormat())
    told, batch = _open(path, form)
    if {"type", "event", "properties"} <= set(batch.names):
        lines, rest = _segment(batch), []
    else:
        lines, rest = _guess(batch)
    text = "\n".join([*_file_lines(told, form), *lines]) + "\n"
    return "\n".join([*_verdict(path, batch, text), text + _kept_lines(rest)])


def _open(path: Path, form: str) -> tuple[FileFormat, Batch]:
    told = FileFormat(format=form)
    if form != "parquet" and (wide := _byte_order(path)):
        told = FileFormat(format=form, encoding=wide)
    if form == "csv":
        told = FileFormat(format=form, encoding=told.encoding, separator=_separator(path, told.encoding))
    try:
        return told, check_file(path, form, told)
    except DataFormatError as exc:
        if exc.field != "encoding" or told.encoding != "utf-8":
            raise
        told = FileFormat(format=form, encoding="cp1252", separator=told.separator)
        return told, check_file(path, form, told)


def _byte_order(path: Path) -> str | None:
    """``utf-16`` where the file says so by its first bytes."""
    with open_bytes(path) as file:
        return "utf-16" if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else None


def _separator(path: Path, encoding: str) -> str:
    with open_bytes(path) as file:
        first = file.read(1 << 16).decode(encoding, errors="replace").partition("\n")[0]
    header = re.sub(r'"[^"]*"', "", first)
    return max(",;\t|", key=header.count)


def _guess(batch: Batch) -> tuple[list[str], list[str]]:
    free, found = list(batch.names), {}
    for field in _NAMES:
        column = next((c for wanted in _NAMES[field].split() for c in free if _fits(batch, field, c, wanted)), None)
        if column is not None:
            found[field] = column
            free.remove(column)
    if "timestamp" not in found and (times := [c for c in free if _time_format(batch, c) is not None]):
        found["timestamp"] = times[0]
        free.remove(times[0])
    lines = ["events:", *(_field_line(batch, field, found) for field in _NAMES if field in found or field in _MUST)]
    traits = [c for c in free if _is_trait(batch, c)]
    lines += ["properties:", *(f"  {_plain(c)}: {_scalar(c)}" for c in traits)] if traits else []
    return lines, [c for c in free if c not in traits]


_MUST = ("person", "name", "timestamp")


def _is_trait(batch: Batch, column: str) -> bool:
    kind = KINDS.get(_plain(column))
    return kind == "text" or (kind == "int" and _share(batch, column, _is_whole) >= _MOSTLY)


def _fits(batch: Batch, field: str, column: str, wanted: str) -> bool:
    if _plain(column) != wanted:
        return False
    values = batch.column(column).drop_null()
    if field in ("timestamp", "received_at"):
        return _time_format(batch, column) is not None
    if field in ("amount", "quantity"):
        return _share(batch, column, _is_number) >= _MOSTLY
    distinct = len(pc.unique(texts(values)))
    if field == "event_id":
        return distinct == len(batch)
    return field != "name" or 0 < distinct <= 200


def _field_line(batch: Batch, field: str, found: dict[str, str]) -> str:
    column = found.get(field)
    told = _scalar(column) if column else FILL_ME
    if field == "name" and column is None:
        told = "{value: " + ("purchase" if "amount" in found else "page_view") + "}"
    elif field in ("timestamp", "received_at") and column:
        told = f"{{column: {told}, format: {_scalar(_time_format(batch, column))}, timezone: UTC}}"
    elif field == "amount":
        times = f", times: {_scalar(found['quantity'])}" if "quantity" in found and "price" in _plain(column) else ""
        told = f"{{column: {told}, unit: major{times}}}"
    comment = _COMMENTS.get(field)
    if field == "name" and column is None:
        comment = "no column names the event: one name for all rows, or cases"
    return f"  {field}: {told}" + (f"  # {comment}" if comment else "")


def _segment(batch: Batch) -> list[str]:
    people = [c for c in ("userId", "anonymousId") if c in batch.names]
    cases = ["- {when: {type: {is: identify}}, is: identify}", "- {when: {type: {is: page}}, is: page_view}",
             "- {when: {type: {is: screen}}, is: page_view}", "- {column: event}"]  # fmt: skip
    lines = ["events:  # a Segment export", f"  person: {{first_of: [{', '.join(people) or FILL_ME}]}}"]
    lines += ["  name:", "    cases:", *(f"      {case}" for case in cases), "  timestamp: timestamp"]
    lines += [f"  {ours}: {theirs}" for ours, theirs in (("received_at", "receivedAt"), ("event_id", "messageId"))
              if theirs in batch.names]  # fmt: skip
    known = ("item_id", "category", "campaign", "channel", "currency", "quantity")
    lines += [f"  {n}: properties.{n}" for n in known if f"properties.{n}" in batch.names]
    lines += ["  amount: {column: properties.amount, unit: major}"] if "properties.amount" in batch.names else []
    traits = [f"  {n}: {p}{n}" for n in KINDS for p in ("traits.", "properties.") if p + n in batch.names][: len(KINDS)]
    lines += ["  properties: properties  # kept as they are"]
    return [*lines, *(["properties:", *traits] if traits else [])]


def _file_lines(told: FileFormat, form: str) -> list[str]:
    said = {"format": form}
    if form != "parquet":
        said |= {"encoding": told.encoding}
    if form == "csv":
        said |= {"separator": told.separator}
    return ["file: {" + ", ".join(f"{k}: {_scalar(v)}" for k, v in said.items()) + "}"]


def _kept_lines(rest: list[str]) -> str:
    if not rest:
        return ""
    return f"keep: unmapped  # as JSON, for people to read: {', '.join(rest)}\n"


def _verdict(path: Path, batch: Batch, text: str) -> list[str]:
    head = [f"# Drafted from {path.name}: read it, correct it, then: growthbench import {path.name} --map THIS_FILE"]
    mapping = parse_mapping(text)
    if FILL_ME in mapping.columns():
        return [*head, f"# {FILL_ME}: no column looks like it; name one of {', '.join(batch.names)}"]
    return [*head, *_trial(batch, mapping)]


def _trial(batch: Batch, mapping: ImportMapping) -> list[str]:
    found = convert(batch, mapping)
    lines = [f"# Of the first {len(batch):,} rows {int(found.good.sum()):,} would become events."]
    reasons = {reason for _, reason in found.refused}
    return lines + [f"# Refused: {sum(r == x for _, x in found.refused):,} rows, {r}" for r in sorted(reasons)]


def _time_format(batch: Batch, column: str) -> str | None:
    cells = batch.column(column)
    if pa.types.is_temporal(cells.type):
        return "iso"
    if _share(batch, column, _is_whole) >= _MOSTLY:
        numbers = [abs(int(float(c))) for c in texts(cells).drop_null()[:1000].to_pylist() if _is_whole(c)]
        size = sorted(numbers)[len(numbers) // 2]
        units = (("us", 1e14), ("ms", 1e11), ("s", 1e8))
        found = next((unit for unit, least in units if size >= least), None)
        return found or ("%Y%m%d" if 19000101 <= size <= 21001231 else None)
    sample = texts(cells).drop_null()[:1000]
    best = max(("iso", *PATTERNS), key=lambda pattern: _read_by(sample, pattern))  # of equals, the first
    return best if _read_by(sample, best) >= _MOSTLY else None


def _read_by(sample: pa.Array, pattern: str) -> float:
    """Share of the cells that a pattern reads."""
    found = moments(sample, TimeSource(column="", format=pattern), "", Problems(len(sample)))
    return 1 - found.null_count / len(sample) if len(sample) else 0.0


def _share(batch: Batch, column: str, test: Callable[[str], bool]) -> float:
    sample = texts(batch.column(column)).drop_null()[:1000].to_pylist()
    return sum(map(test, sample)) / len(sample) if sample else 0.0


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*-?\d+([.,]\d+)?\s*", cell) is not None


def _is_whole(cell: str) -> bool:
    return re.fullmatch(r"\s*\d+(\.0+)?\s*", cell) is not None


def _plain(column: str) -> str:
    """``CustomerID``, ``customer id`` and ``customer-id`` are all ``customer_id``."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.strip())
    plain = re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")
    return re.sub(r"^(user|customer|visitor|session|order|event|item|product)(id|name|type|time)$", r"\1_\2", plain)


def _scalar(text: str) -> str:
    import yaml

    try:
        same = re.fullmatch(r"[\w%][\w %./:-]*", text) and ": " not in text and yaml.safe_load(f"[{text}]") == [text]
    except yaml.YAMLError:
        same = False
    return text if same else json.dumps(text, ensure_ascii=False)
