"""Import a file of events into a log, or read it into memory.

The importer may be killed at any moment and run again: pieces of the file are landed in file order, each in one
transaction, under event ids that depend on the file alone, so a second run skips what the first one landed and goes on;
the quarantine file is put in place at the end. Log and quarantine are then those of one undisturbed run.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.events.batches import Batch
from growthbench.events.content_ids import ContentIds
from growthbench.events.converting import Converted, convert
from growthbench.events.data import EventData
from growthbench.events.mapping import FileFormat, ImportMapping, canonical_mapping
from growthbench.events.numbering import in_file_order
from growthbench.events.quarantine import Quarantine
from growthbench.events.reading import Piece, check_file, read_pieces
from growthbench.events.scanning import checked_path, format_of

CHUNK_ROWS = 50_000


class Landed(NamedTuple):
    """What a sink did with a piece (`growthbench.events.log.Appended` has the same fields)."""

    new: int
    duplicates: int


class Sink(Protocol):
    """Something that takes events: `growthbench.events.log.EventLog`, or a list in memory."""

    def append_data(self, data: EventData) -> Landed: ...


@dataclass(frozen=True)
class ImportReport:
    """What became of a file.

    Attributes
    ----------
    path : Path
    read : int
        Rows of the file.
    landed : int
        Events that are new in the log.
    duplicates : int
        Rows whose ``event_id`` was there already (of an earlier run, or twice in the file).
    skipped : int
        Rows that the mapping leaves out.
    refused : int
        Rows that could not become events; ``read = landed + duplicates + skipped + refused``.
    reasons : mapping of str to int
        Refused rows by reason, the most frequent first.
    quarantine : Path or None
        Where the refused rows are.
    """

    path: Path
    read: int
    landed: int
    duplicates: int
    skipped: int
    refused: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    quarantine: Path | None = None

    def __str__(self) -> str:
        lines = [
            f"{self.path.name}: {self.read:,} rows read, {self.landed:,} events landed, "
            f"{self.duplicates:,} duplicates, {self.skipped:,} skipped, {self.refused:,} refused"
        ]
        lines += [f"  {count:>10,}  {reason}" for reason, count in self.reasons.items()]
        return "\n".join([*lines, f"refused rows are in {self.quarantine}"] if self.quarantine else lines)


def import_file(
    path: str | os.PathLike,
    mapping: ImportMapping | None,
    sink: Sink,
    quarantine: str | os.PathLike | None = None,
    chunk_rows: int = CHUNK_ROWS,
    progress: Callable[[int], None] | None = None,
    tenant: str = "local",
) -> ImportReport:
    """Import one CSV, JSONL or Parquet file (``.gz`` too).

    Parameters
    ----------
    path : path
        The file.
    mapping : ImportMapping or None
        Which column means what; None for a file with our own column names.
    sink : Sink
        Where events go, at most ``chunk_rows`` in one transaction.
    quarantine : path, optional
        File for refused rows (JSONL), written anew; removed if no row is refused. Without it they are only counted.
    chunk_rows : int
    progress : callable, optional
        Called with the number of rows done since the last call.
    tenant : str
        Tenant of the events.

    Returns
    -------
    ImportReport

    Raises
    ------
    BadInputError
        No such file, an unknown time zone or encoding.
    DataFormatError
        Empty, wrongly encoded, not of its format, without a mapped column, or no row of it can become an event. Nothing
        has been written then.
    """
    if chunk_rows < 1:
        raise BadInputError(f"chunk_rows must be at least 1, found {chunk_rows}", field="chunk_rows")
    path = checked_path(path)
    _check_quarantine(path, quarantine)
    mapping, form = _prepared(path, mapping)
    refused = Quarantine(None if quarantine is None else Path(quarantine))
    ids, total = ContentIds(), np.zeros(4, np.int64)  # read, new, duplicates, skipped
    try:
        for piece in read_pieces(path, form, mapping.file, chunk_rows):
            total += _land(piece, mapping, ids, refused, sink, tenant)
            if progress is not None:
                progress(len(piece))
        read, landed, duplicates, skipped = total.tolist()
        if refused.count and not landed + duplicates:
            raise _nothing_fits(path, refused)
    except BaseException:
        refused.discard()
        raise
    reasons = dict(refused.reasons.most_common())
    return ImportReport(path, read, landed, duplicates, skipped, refused.count, reasons, refused.finish())


def _check_quarantine(path: Path, quarantine: str | os.PathLike | None) -> None:
    if quarantine is None:
        return
    target = Path(quarantine)
    if target.is_dir():
        raise BadInputError(f"quarantine {target} is a folder, a file is wanted", field="quarantine")
    if target.exists() and target.samefile(path):
        raise BadInputError(f"quarantine {target} is the file that is imported", field="quarantine")


def read_events(
    path: str | os.PathLike,
    mapping: ImportMapping | None = None,
    quarantine: str | os.PathLike | None = None,
    progress: Callable[[int], None] | None = None,
    tenant: str = "local",
) -> tuple[EventData, ImportReport]:
    """The events of a file, in memory: what an empty log would hold after `import_file`. Errors as there."""
    sink = _InMemory()
    report = import_file(path, mapping, sink, quarantine, progress=progress, tenant=tenant)
    data = sink.data()
    twice = report.landed - len(data)
    return data, replace(report, landed=len(data), duplicates=report.duplicates + twice)


class _InMemory:
    def __init__(self):
        self._parts: list[EventData] = []

    def append_data(self, data: EventData) -> Landed:
        self._parts.append(data)
        return Landed(len(data), 0)

    def data(self) -> EventData:
        events = pa.concat_tables([p.events for p in self._parts])
        return in_file_order(events, pa.concat_tables([p.values for p in self._parts]))


def _prepared(path: Path, mapping: ImportMapping | None) -> tuple[ImportMapping, str]:
    told = FileFormat() if mapping is None else mapping.file
    form = format_of(path, told)
    first = check_file(path, form, told)
    if not first.names:
        raise DataFormatError(f"{path}: not one of its first lines is a JSON object", field="path")
    if mapping is None:
        mapping = canonical_mapping(first.names, form, _whole_columns(first))
    elif missing := [c for c in mapping.columns() if c not in first.names and form != "jsonl"]:
        raise DataFormatError(
            f"{path} has no column {', '.join(map(repr, missing))}; it has {', '.join(first.names)}", field=missing[0]
        )
    convert(first, mapping)  # a wrong type or time zone shows before anything is written
    return mapping, form


def _whole_columns(batch: Batch) -> list[str]:
    import pyarrow.compute as pc

    columns = {name: batch.column(name) for name in batch.names}
    typed = [n for n, c in columns.items() if pa.types.is_integer(c.type)]
    texts = {n: c.drop_null() for n, c in columns.items() if pa.types.is_string(c.type)}
    digits = [n for n, c in texts.items() if len(c) and pc.all(pc.match_substring_regex(c, r"^-?\d+$")).as_py()]
    return [*typed, *digits]


def _land(piece: Piece, mapping, ids: ContentIds, refused: Quarantine, sink: Sink, tenant: str) -> np.ndarray:
    found = convert(piece.batch, mapping)
    raw = piece.batch.raw([i for i, _ in found.refused])
    problems = [(int(piece.rows[i]), reason, row) for (i, reason), row in zip(found.refused, raw)]
    problems += [(m.row, m.reason, m.raw) for m in piece.malformed]
    for problem in sorted(problems, key=lambda p: p[0]):
        refused.add(*problem)
    data = _data(found, ids, tenant)
    done = sink.append_data(data) if len(data) else Landed(0, 0)
    twice = int(found.good.sum()) - len(data)
    return np.array([len(piece), done.new, done.duplicates + twice, found.skipped.sum()], np.int64)


def _data(found: Converted, ids: ContentIds, tenant: str) -> EventData:
    good = pa.array(np.flatnonzero(found.good))
    events = {name: column.take(good) for name, column in found.events.items()}
    values = {name: column.take(good) for name, column in found.values.items()}
    if len(good) and events["event_id"].null_count:
        events["event_id"] = ids.of(events, values)
    return in_file_order(*_tables(events, values, tenant))


def _tables(events: dict[str, pa.Array], values: dict[str, pa.Array], tenant: str) -> tuple[pa.Table, pa.Table]:
    n = len(events["person"])
    keys = {"tenant_id": pa.array([tenant] * n, pa.string()), "seq": pa.array(np.arange(n))}
    table = pa.table({**keys, **events})
    parts = []
    for key, column in values.items():
        told = table.select(["tenant_id", "person", "event_id", "name", "timestamp", "received_at", "seq"])
        kind = "text_value" if pa.types.is_string(column.type) else "int_value"
        told = told.append_column("key", pa.array([key] * n, pa.string())).append_column(kind, column)
        parts.append(told.filter(column.is_valid()))
    return table, pa.concat_tables(parts, promote_options="default") if parts else None


def _nothing_fits(path: Path, refused: Quarantine) -> DataFormatError:
    reason, count = refused.reasons.most_common(1)[0]
    first = refused.first
    return DataFormatError(
        f"{path}: none of {refused.count:,} rows can become an event; {count:,} times: {reason} "
        f"(first: row {first['row']}, {first['reason']}, {str(first['raw'])[:200]})",
        field=reason.split(" ")[0],
    )
