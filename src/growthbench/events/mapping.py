"""The import mapping: which column of a file becomes which field of an event (``mapping.yaml``).

``docs/import.md`` explains every key with examples; `growthbench.events.suggest` writes a first draft.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.events.catalogue import PROPERTIES
from growthbench.events.schema import Kind

Plain = str | int | float | bool
KINDS = {p.name: p.kind for p in PROPERTIES}
"""Kinds of the properties that the event catalogue declares."""


class _Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    pass


class FileFormat(_Strict):
    """How the file is read; the format is told by the file's ending (``.gz`` aside) unless given."""

    format: Literal["csv", "jsonl", "parquet"] | None = None
    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    decimal: Literal[".", ","] = "."
    missing: tuple[str, ...] = ("",)


class Test(_Strict):
    """What a column must be like; several are joined by *and*."""

    is_: Plain | None = msgspec.field(default=None, name="is")
    in_: tuple[Plain, ...] | None = msgspec.field(default=None, name="in")
    starts_with: str | None = None
    ends_with: str | None = None
    contains: str | None = None
    missing: bool | None = None
    above: float | None = None
    below: float | None = None


Condition = dict[str, Test]
"""Column name to test; a row meets the condition if it meets all."""


class Case(_Strict):
    """One case of a field: the value (or column) taken when the condition holds; the first case that holds wins."""

    when: Condition = {}
    is_: Plain | None = msgspec.field(default=None, name="is")
    column: str | None = None


class TextSource(_Strict):
    """Where a text comes from: exactly one of a column, the first of several columns, a constant, or cases."""

    column: str | None = None
    first_of: tuple[str, ...] | None = None
    value: Plain | None = None
    cases: tuple[Case, ...] | None = None
    map: dict[str, str] | None = None

    def __post_init__(self):
        if sum(v is not None for v in (self.column, self.first_of, self.value, self.cases)) != 1:
            raise ValueError("needs exactly one of column, first_of, value, cases")


class TimeSource(_Strict):
    """A moment: ``format`` is ``iso``, ``s``, ``ms`` or ``us`` since 1970, or a strptime pattern like ``%d/%m/%Y``."""

    column: str
    format: str = "iso"
    timezone: str = "UTC"


class MoneySource(_Strict):
    """Money: in major units (19.99) of the event's currency or minor ones (1999), times a whole-number column."""

    column: str
    unit: Literal["major", "minor"] = "major"
    times: str | None = None
    negative_for: tuple[str, ...] = ()


class IdSource(_Strict):
    """An event id made of columns, joined by ``-``; they must name each row of the file."""

    columns: tuple[str, ...]
    prefix: str = ""


class PropertySource(_Strict):
    """A declared property; a new one tells its kind."""

    column: str
    kind: Kind | None = None
    about: str = ""


class EventFields(_Strict):
    """The fields of an event; a text alone is the name of a column."""

    person: str | TextSource
    name: str | TextSource
    timestamp: str | TimeSource
    received_at: str | TimeSource | None = None
    event_id: str | IdSource | None = None
    session_id: str | TextSource | None = None
    item_id: str | TextSource | None = None
    category: str | TextSource | None = None
    campaign: str | TextSource | None = None
    channel: str | TextSource | None = None
    currency: str | TextSource | None = None
    amount: str | MoneySource | None = None
    quantity: str | None = None
    properties: str | None = None


class ImportMapping(_Strict):
    """One ``mapping.yaml``.

    Attributes
    ----------
    events : EventFields
    file : FileFormat
    properties : dict
        Declared properties (traits), by name.
    skip : tuple of Condition
        Rows that are left out without being refused.
    keep : "unmapped", "all", "none" or names
        Columns kept as JSON in ``properties`` for people to read.
    """

    events: EventFields
    file: FileFormat = FileFormat()
    properties: dict[str, str | PropertySource] = {}
    skip: tuple[Condition, ...] = ()
    keep: Literal["unmapped", "all", "none"] | tuple[str, ...] = "unmapped"

    def __post_init__(self):
        for name, source in self.properties.items():
            if self.kind_of(name) is None:
                raise ValueError(f"property {name!r} is new: write {{column: {_column(source)}, kind: text}} (or int)")

    def kind_of(self, name: str) -> Kind | None:
        """Kind of a declared property: as the mapping says, else as the catalogue says."""
        source = self.properties[name]
        return (source.kind if isinstance(source, PropertySource) else None) or KINDS.get(name)

    def columns(self) -> list[str]:
        """Every column of the file that the mapping reads, in order, each once."""
        found = [c for f in self.events.__struct_fields__ for c in _columns(getattr(self.events, f))]
        found += [_column(source) for source in self.properties.values()]
        found += [column for condition in self.skip for column in condition]
        found += [] if isinstance(self.keep, str) else list(self.keep)
        return list(dict.fromkeys(found))


def parse_mapping(text: str, name: str = "mapping") -> ImportMapping:
    """The mapping that a YAML text says.

    Raises
    ------
    BadInputError
        Not YAML, an unknown key, a missing field; the message names the place.

    >>> parse_mapping("events: {person: user, name: event, timestamp: time}").columns()
    ['user', 'event', 'time']
    """
    import yaml

    try:
        return msgspec.convert(yaml.safe_load(text), ImportMapping)
    except yaml.YAMLError as exc:
        raise BadInputError(f"{name} is not YAML: {' '.join(str(exc).split())}", field="mapping") from exc
    except msgspec.ValidationError as exc:
        raise BadInputError(f"{name}: {exc}", field="mapping") from exc


def read_mapping(path: str | os.PathLike) -> ImportMapping:
    """The mapping in a file; errors as `parse_mapping`, or BadInputError if the file cannot be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInputError(f"cannot read mapping {path}: {exc}", field="mapping") from exc
    return parse_mapping(text, str(path))


def find_mapping(path: str | os.PathLike) -> ImportMapping | None:
    """The mapping that lies beside a file (``events.csv`` -> ``events.mapping.yaml``), if any."""
    if Path(path).is_dir():
        return None
    beside = Path(path).with_suffix(".mapping.yaml")
    return read_mapping(beside) if beside.is_file() else None


def canonical_mapping(columns: Sequence[str], form: str, numbers: Sequence[str] = ()) -> ImportMapping:
    """The mapping of a file that has our own column names, as `growthbench.events.wide.wide_table` writes them.

    Parameters
    ----------
    columns : sequence of str
        Columns of the file: at least ``person name timestamp``. Columns ``value.NAME`` and those named like a declared
        property become properties.
    form : str
        ``csv``, ``jsonl`` or ``parquet``.
    numbers : sequence of str
        Columns that hold whole numbers: a time among them is in UTC µs, else ISO 8601; a new property is an int.

    Raises
    ------
    DataFormatError
        Without those three columns the file needs a mapping.
    """
    if missing := [c for c in ("person", "name", "timestamp") if c not in columns]:
        raise DataFormatError(
            f"the file has columns {', '.join(columns) or 'none'} and no {', '.join(missing)}: "
            "write a mapping (growthbench import PATH --suggest drafts one) and give it with --map",
            field=missing[0],
        )
    fields = {f: f for f in EventFields.__struct_fields__ if f in columns}
    for name in {"timestamp", "received_at"} & fields.keys():
        fields[name] = {"column": name, "format": "us" if name in numbers else "iso"}
    if "amount" in fields:
        fields["amount"] = {"column": "amount", "unit": "minor"}
    values = {c.removeprefix("value."): c for c in columns if c.startswith("value.") or c in KINDS}
    new = {n: {"column": c, "kind": KINDS.get(n) or ("int" if c in numbers else "text")} for n, c in values.items()}
    raw = {"events": fields, "properties": new, "keep": "none", "file": {"format": form}}
    return msgspec.convert(raw, ImportMapping)


def _column(source: str | PropertySource) -> str:
    return source if isinstance(source, str) else source.column


def _columns(source) -> Iterator[str]:
    if isinstance(source, str):
        yield source
    elif isinstance(source, TextSource):
        yield from [source.column] if source.column else ()
        yield from source.first_of or ()
        for case in source.cases or ():
            yield from case.when
            yield from [case.column] if case.column else ()
    elif isinstance(source, TimeSource | MoneySource):
        yield source.column
        yield from [source.times] if getattr(source, "times", None) else ()
    elif isinstance(source, IdSource):
        yield from source.columns
