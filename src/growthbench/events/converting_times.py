"""Moments out of text, numbers or typed columns, as UTC microseconds."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.clock import DAY_US
from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.events.batches import texts
from growthbench.events.mapping import TimeSource
from growthbench.events.problems import Problems

_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_EPOCH, _US = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_FAR_DAYS = 4_000_000  # outside the calendar on both sides
_FAR = 1 << 62  # a number too large to be a moment; told apart by the range check


def moments(column: pa.Array, source: TimeSource, field: str, problems: Problems) -> pa.Array:
    """int64 UTC µs; what does not read as ``source.format`` is a problem of its row.

    A moment without an offset is one of ``source.timezone``; where clocks are set back, the earlier of the two.

    Raises
    ------
    DataFormatError
        The whole column is of a type that this format cannot read.
    BadInputError
        Unknown time zone.
    """
    zone = _zone(source.timezone)
    if pa.types.is_timestamp(column.type):
        return _of_timestamps(column, zone)
    if pa.types.is_date(column.type):
        days = column.cast(pa.date32(), safe=False).cast(pa.int32()).cast(pa.int64())
        days = pc.min_element_wise(pc.max_element_wise(days, -_FAR_DAYS, skip_nulls=False), _FAR_DAYS, skip_nulls=False)
        return _of_timestamps(pc.multiply(days, DAY_US).cast(pa.timestamp("us")), zone)
    if source.format in _UNITS:
        found = _of_units(column, source.format)
    elif pa.types.is_string(column.type) or pa.types.is_null(column.type):
        found = _of_texts(texts(column), source.format, zone)
    else:
        raise DataFormatError(
            f"{field}: column {source.column!r} holds {column.type}; say format: s, ms or us (since 1970)", field=field
        )
    problems.note(pc.and_(column.is_valid(), found.is_null()), f"{field} is not a moment of format {source.format}")
    return found


def _zone(name: str) -> ZoneInfo | None:
    if name.upper() in ("UTC", "Z"):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise BadInputError(f"unknown time zone {name!r}; write UTC or a name like Europe/London", "timezone") from exc


def _of_timestamps(column: pa.Array, zone: ZoneInfo | None) -> pa.Array:
    numbers = pc.cast(column, pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
    if column.type.tz is not None or zone is None:
        return numbers
    return pa.array([None if v is None else _local(v, zone) for v in numbers.to_pylist()], pa.int64())


def _local(us: int, zone: ZoneInfo) -> int:
    try:
        return ((_EPOCH + us * _US).replace(tzinfo=zone) - _EPOCH) // _US
    except OverflowError:
        return _FAR


def _of_units(column: pa.Array, unit: str) -> pa.Array:
    factor = _UNITS[unit]
    if pa.types.is_integer(column.type):
        near = pc.less(pc.abs(column.cast(pa.float64(), safe=False)), float(_FAR // factor))
        return pc.if_else(near, pc.multiply(pc.if_else(near, column.cast(pa.int64(), safe=False), 0), factor), _FAR)
    cells = texts(column)
    plain = pc.match_substring_regex(cells, r"^-?[0-9]{1,12}$")
    nothing = pa.scalar(None, pa.string())
    fast = pc.multiply(pc.cast(pc.if_else(plain, cells, nothing), pa.int64()), factor)
    rest = pc.if_else(plain, nothing, cells)
    if rest.null_count == len(rest):
        return fast
    return pc.coalesce(fast, pa.array([_number(c, factor) for c in rest.to_pylist()], pa.int64()))


def _number(cell: str | None, factor: int) -> int | None:
    if cell is None:
        return None
    try:
        number = Decimal(cell.strip()) * factor
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return int(number) if abs(number) < _FAR else _FAR  # finer than a microsecond is cut off, as by a clock


def _of_texts(cells: pa.Array, form: str, zone: ZoneInfo | None) -> pa.Array:
    read = _iso if form == "iso" else _pattern(form)
    known: dict[str | None, int | None] = {None: None}  # moments repeat: lines of an order, minutes of a day
    found = (known[c] if c in known else known.setdefault(c, read(c, zone)) for c in cells.to_pylist())
    return pa.array(found, pa.int64())


def _iso(cell: str, zone: ZoneInfo | None) -> int | None:
    try:
        return _us(datetime.fromisoformat(cell), zone)
    except ValueError:
        return None


def _pattern(form: str):
    def read(cell: str, zone: ZoneInfo | None) -> int | None:
        try:
            return _us(datetime.strptime(cell, form), zone)
        except ValueError:
            return None

    return read


def _us(moment: datetime | date, zone: ZoneInfo | None) -> int | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone or UTC)
    try:
        return (moment - _EPOCH) // _US
    except OverflowError:  # year 1 or 9999 with an offset across the calendar's end
        return None
