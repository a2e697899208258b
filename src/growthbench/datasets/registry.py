"""The registry of public data sets: ``registry.yaml`` as typed objects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from growthbench.base.errors import UnknownNameError

How = Literal["as_is", "zip_member", "tar_member", "strip_trailing_comma", "unix_lines", "by_hand"]


@dataclass(frozen=True)
class Source:
    """A pinned address, the sha256 of the bytes there, and how they become the content of the file."""

    address: str
    sha256: str
    how: How
    hint: str = ""


@dataclass(frozen=True)
class DataFile:
    """One file of a data set: path below the data home, size and sha256 of its uncompressed content."""

    path: str
    bytes: int
    sha256: str
    source: Source


@dataclass(frozen=True)
class Entry:
    """One public data set.

    Attributes
    ----------
    name, about, origin, licence : str
    kind : {"table", "log", "text", "retrieval"}
        What the loader makes: a labelled table, an event log, labelled texts, documents with judged questions.
    rows, columns : int
        Of the file, as published; documents and fields of a retrieval collection.
    files : tuple of DataFile
        Empty for a sample that lies in the repository (``sample``).
    label : str, optional
        Target column.
    positive : optional
        Its positive value, as loaded; ``positives`` rows have it.
    key : str, optional
        Column that names each row.
    drop : mapping of str to str
        Columns that are no features (running numbers, constants), with the reason.
    known_leaks : mapping of str to str
        Columns that know the outcome, with the reason.
    read : mapping
        How the file is read: separator, encoding, format, missing, missing_in, days.
    changes : tuple of str
        Everything the loader does to the values.
    cautions : tuple of str
        What to keep in mind when figures are quoted.
    """

    name: str
    kind: Literal["table", "log", "text", "retrieval"]
    about: str
    origin: str
    licence: str
    rows: int
    columns: int
    files: tuple[DataFile, ...] = ()
    sample: str | None = None
    label: str | None = None
    positive: Any = None
    positives: int | None = None
    key: str | None = None
    drop: Mapping[str, str] = field(default_factory=dict)
    known_leaks: Mapping[str, str] = field(default_factory=dict)
    out_of_scope_label: str | None = None
    read: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of all files, uncompressed."""
        return sum(f.bytes for f in self.files)


def names() -> list[str]:
    """Names of all data sets, in order."""
    return sorted(_entries())


def entry(name: str) -> Entry:
    """What is known about one data set.

    Raises
    ------
    UnknownNameError
        No data set has that name; the message lists those that exist.

    >>> entry("telco-churn").rows
    7043
    """
    try:
        return _entries()[name]
    except KeyError:
        raise UnknownNameError("dataset", name, _entries(), field="dataset") from None


def describe() -> list[dict]:
    """One row per data set for a table: name, kind, rows, columns, bytes, target, positive rate, licence, about."""
    return [
        {
            "name": e.name,
            "kind": e.kind,
            "rows": e.rows,
            "columns": e.columns,
            "bytes": e.bytes,
            "target": e.label or "",
            "positive_rate": round(e.positives / e.rows, 4) if e.positives else None,
            "known_leaks": list(e.known_leaks),
            "licence": e.licence,
            "origin": e.origin,
            "about": e.about,
        }
        for e in map(entry, names())
    ]


@cache
def _entries() -> dict[str, Entry]:
    import yaml

    raw = yaml.safe_load(files(__package__).joinpath("registry.yaml").read_text(encoding="utf-8"))
    return {name: _entry(name, fields) for name, fields in raw.items()}


def _entry(name: str, fields: dict) -> Entry:
    parts = tuple(DataFile(**(f | {"source": Source(**f["source"])})) for f in fields.pop("files", ()))
    words = {key: tuple(fields.pop(key, ())) for key in ("changes", "cautions")}
    return Entry(name=name, files=parts, **words, **fields)
