"""Whole numbers and money out of text or typed columns, exactly."""

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.amounts import minor_units
from growthbench.base.errors import BadInputError
from growthbench.events.batches import texts
from growthbench.events.checks import EXACT_INT
from growthbench.events.problems import Problems

_WHOLE = r"^-?[0-9]{1,15}$"
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, Overflow])
_NO_CURRENCY = "EUR"  # as for live events: an amount without a currency has two decimals


def whole_numbers(
    column: pa.Array, field: str, problems: Problems, decimal: str = ".", times: pa.Array | None = None
) -> pa.Array:
    """int64 of a column (``6``, ``6.0``, 6.0), each within 2^53; anything else is a problem of its row.

    Parameters
    ----------
    times : pyarrow.Array of int64, optional
        Factor for each row.
    """
    if pa.types.is_signed_integer(column.type) or pa.types.is_unsigned_integer(column.type):
        small = pc.cast(column, pa.int64(), safe=False)
        numbers = pc.if_else(pc.less(column.cast(pa.float64(), safe=False), float(1 << 62)), small, 1 << 62)
    else:
        numbers = _parse(_dotted(texts(column), decimal), lambda cells: _whole_or_none(cells, field), field, problems)
    if times is not None:
        numbers = _product(numbers, times)
    return _within(numbers, field, problems)


def money(
    column: pa.Array, currency: pa.Array | None, problems: Problems, decimal: str = ".", times: pa.Array | None = None
) -> pa.Array:
    """Minor units of amounts in major units, by `growthbench.base.amounts.minor_units`, times a factor if given.

    With a factor the product is what must be a whole number of minor units: 0.005 x 2 is one cent.
    """
    n = len(column)
    cells = _dotted(texts(column), decimal).to_pylist()
    currencies = [_NO_CURRENCY] * n if currency is None else pc.fill_null(currency, _NO_CURRENCY).to_pylist()
    factors = [1] * n if times is None else times.to_pylist()
    known: dict[tuple, int | str | None] = {}
    found = [
        known[row] if row in known else known.setdefault(row, _minor(*row)) for row in zip(cells, currencies, factors)
    ]
    for reason in sorted({v for v in known.values() if isinstance(v, str)}):
        problems.note(np.array([v == reason for v in found]), reason)
    return pa.array([v if isinstance(v, int) else None for v in found], pa.int64())


def as_floats(column: pa.Array, decimal: str = ".") -> np.ndarray:
    """float64 of a column for comparisons in conditions; what is no number is NaN."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    codes = _dotted(texts(column), decimal).dictionary_encode()
    parsed = pa.array([_float(text) for text in codes.dictionary.to_pylist()], pa.float64()).take(codes.indices)
    return parsed.to_numpy(zero_copy_only=False)


def _minor(cell: str | None, currency: str, times: int | None) -> int | str | None:
    """Minor units, or the reason why there are none."""
    if cell is None or times is None:
        return None
    try:
        return minor_units(cell if times == 1 else _EXACT.multiply(Decimal(cell.strip()), Decimal(times)), currency)
    except (BadInputError, ArithmeticError):
        return _money_reason(cell)


def _money_reason(cell: str) -> str:
    try:
        number = Decimal(cell.strip())
    except InvalidOperation:
        return "amount is not a number"
    if not number.is_finite():
        return "amount is not a number"
    return "amount is too large" if abs(number) >= EXACT_INT // 1000 else "amount is finer than a minor unit"


def _dotted(cells: pa.Array, decimal: str) -> pa.Array:
    return cells if decimal == "." else pc.replace_substring(cells, decimal, ".")


def _parse(cells: pa.Array, slow, field: str, problems: Problems) -> pa.Array:
    plain = pc.match_substring_regex(cells, _WHOLE)
    nothing = pa.scalar(None, pa.string())
    fast = pc.cast(pc.if_else(plain, cells, nothing), pa.int64())
    rest = pc.if_else(plain, nothing, cells)
    if rest.null_count == len(rest):
        return fast
    codes = rest.dictionary_encode()
    slowly = pa.array([slow(text) for text in codes.dictionary.to_pylist()], pa.int64()).take(codes.indices)
    problems.note(pc.and_(rest.is_valid(), slowly.is_null()), f"{field} is not a whole number")
    return pc.coalesce(fast, slowly)


def _whole_or_none(cell: str, field: str) -> int | None:
    try:
        number = Decimal(cell.strip())
    except InvalidOperation:
        return None
    if number.is_nan():
        return None
    if not number.is_finite() or abs(number) >= EXACT_INT:
        return 1 << 62  # reported as out of range, not as no number
    return int(number) if number == number.to_integral_value() else None


def _product(numbers: pa.Array, times: pa.Array) -> pa.Array:
    large = pc.greater(
        pc.abs(pc.multiply(numbers.cast(pa.float64(), safe=False), times.cast(pa.float64(), safe=False))),
        float(EXACT_INT),
    )
    return pc.if_else(large, 1 << 62, pc.multiply(numbers, times))


def _within(numbers: pa.Array, field: str, problems: Problems) -> pa.Array:
    outside = pc.or_(pc.greater_equal(numbers, EXACT_INT), pc.less_equal(numbers, -EXACT_INT))
    problems.note(outside, f"{field} is not below 2^53")
    return numbers


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
