"""The log as Parquet files: what the training engines read.

Layout: ``events/YYYY-MM/FIRST-LAST.parquet`` and ``values/...`` alike (month of receipt, ``seq``). A file is written
once and never rewritten: a late event lands in a newer file with an older timestamp. Inside a file rows are sorted by
(bucket, person, timestamp, event_id), so that an engine reads one bucket of people at a time with bounded memory.
``links.parquet`` says who was merged with whom and when that became known; it is small, and replaced as a whole.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from growthbench.base.errors import DataFormatError
from growthbench.base.ids import bucket_of
from growthbench.events.data import EventData
from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS, arrow_schema

_PARTS = {"events": EVENT_FIELDS, "values": VALUE_FIELDS}
_LINKS = "links.parquet"
_ROW_GROUP = 65_536

LINK_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("tenant_id", "person", "member")]
    + [(name, pa.int64()) for name in ("seq", "received_at", "until_seq", "until_received_at")]
)
"""Columns of ``links.parquet``: ``member``'s events are ``person``'s for who sees ``seq`` and not yet ``until_seq``."""


class Lake:
    """A folder of Parquet files holding one tenant's log.

    Parameters
    ----------
    path : Path
        The folder; made by the first write.
    source : str, default "log"
        Where the events came from, such as ``world:b2b``; what is trained on the lake says so.
    """

    def __init__(self, path, source: str = "log"):
        self.path = Path(path)
        self.source = source

    def files(self, part: str = "events") -> list[Path]:
        """Parquet files of ``events`` or ``values``, in order of name."""
        return sorted((self.path / part).rglob("*.parquet"))

    @property
    def horizon(self) -> int:
        """The highest ``seq`` in the lake, 0 when empty; read from the files' footers."""
        highest = [_column_maximum(pq.ParquetFile(f), "seq") for f in self.files("events")]
        return max(highest, default=0)

    @property
    def last_seq(self) -> int:
        """The highest ``seq`` of events and links."""
        links = self.links()
        return max(self.horizon, *(pc.max(links[c]).as_py() or 0 for c in ("seq", "until_seq")))

    def links(self) -> pa.Table:
        """Who was merged with whom: columns of `LINK_SCHEMA`."""
        path = self.path / _LINKS
        return pq.read_table(path, schema=LINK_SCHEMA) if path.is_file() else LINK_SCHEMA.empty_table()

    def write_links(self, links: pa.Table) -> "Lake":
        """Replace the links; without any there is no file."""
        path = self.path / _LINKS
        if not links.num_rows:
            path.unlink(missing_ok=True)
            return self
        self.path.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        pq.write_table(links.select(LINK_SCHEMA.names).cast(LINK_SCHEMA), draft, compression="zstd")
        draft.replace(path)
        return self

    def count(self) -> int:
        """Number of events."""
        return sum(pq.ParquetFile(f).metadata.num_rows for f in self.files("events"))

    def write(self, data: EventData) -> "Lake":
        """Replace the lake's content; links go too."""
        (self.path / _LINKS).unlink(missing_ok=True)
        for part in _PARTS:
            shutil.rmtree(self.path / part, ignore_errors=True)
        return self.append(data)

    def append(self, data: EventData) -> "Lake":
        """Add events that all come after the lake's horizon; existing files stay as they are.

        Raises
        ------
        DataFormatError
            Some events are not newer than the horizon.
        """
        first = pc.min(data.events["seq"]).as_py()
        if first is not None and first <= self.horizon:
            raise DataFormatError(f"the lake holds seq up to {self.horizon}, cannot append from {first}", field="seq")
        for part, fields in _PARTS.items():
            (self.path / part).mkdir(parents=True, exist_ok=True)
            table = getattr(data, part)
            if table.num_rows:
                self._write_part(part, table, arrow_schema(fields, bucket=True))
        return self

    def read(self, columns: Sequence[str] | None = None, part: str = "events") -> pa.Table:
        """Events (or values) in order of ``seq``; ``columns`` limits what is read.

        Raises
        ------
        DataFormatError
            A file has not the columns and types of the schema.
        """
        schema = arrow_schema(_PARTS[part], bucket=True)
        wanted = list(columns or [f.name for f in _PARTS[part]])
        tables = [pq.read_table(f, columns=[*{*wanted, "seq"}], partitioning=None) for f in self._checked(part, schema)]
        if not tables:
            return schema.empty_table().select(wanted)
        keys = [("seq", "ascending"), *([("key", "ascending")] if "key" in wanted else [])]
        return pa.concat_tables(tables).sort_by(keys).select(wanted)

    def data(self) -> EventData:
        """The whole log in memory."""
        return EventData(self.read().combine_chunks(), self.read(part="values").combine_chunks())

    def _checked(self, part: str, schema: pa.Schema) -> Iterator[Path]:
        for file in self.files(part):
            found = pq.read_schema(file)
            if found.names != schema.names or found.types != schema.types:
                raise DataFormatError(f"{file} has columns {found.names}, expected {schema.names}")
            yield file

    def _write_part(self, part: str, table: pa.Table, schema: pa.Schema) -> None:
        table = table.append_column("bucket", bucket_column(table["person"]))
        months = _months(table["received_at"])
        for month in np.unique(months):
            rows = table.filter(pa.array(months == month))
            rows = rows.sort_by([(c, "ascending") for c in ("bucket", "person", "timestamp", "event_id")])
            bounds = pc.min_max(rows["seq"]).as_py()
            folder = self.path / part / month
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / f"{bounds['min']:012d}-{bounds['max']:012d}.parquet"
            draft = target.with_suffix(".part")
            pq.write_table(rows.cast(schema), draft, compression="zstd", row_group_size=_ROW_GROUP)
            draft.replace(target)


def bucket_column(person: pa.ChunkedArray) -> pa.Array:
    """Bucket 0..63 of each person, int64, same length."""
    codes = person.combine_chunks().dictionary_encode()
    buckets = np.array([bucket_of(p) for p in codes.dictionary.to_pylist()], np.int64)
    return pa.array(buckets[codes.indices.to_numpy(zero_copy_only=False)] if len(codes) else buckets)


def _months(received_at: pa.ChunkedArray) -> np.ndarray:
    return received_at.to_numpy().astype("datetime64[us]").astype("datetime64[M]").astype(str)


def _column_maximum(file: pq.ParquetFile, name: str) -> int:
    index = file.schema_arrow.get_field_index(name)
    groups = range(file.metadata.num_row_groups)
    return max((file.metadata.row_group(g).column(index).statistics.max for g in groups), default=0)
