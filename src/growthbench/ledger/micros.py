"""Small money: integer micro-units, because one token costs less than a cent."""

from decimal import Decimal, InvalidOperation

from growthbench.base.errors import BadInputError

PER_UNIT = 1_000_000


def micros(amount: str | int | float | Decimal, field: str = "amount") -> int:
    """Micro-units of an amount in major units; a fraction of a micro-unit is refused, not rounded.

    Raises
    ------
    BadInputError
        Not a finite number, finer than a micro-unit, or beyond 2^53.

    >>> micros("0.10"), micros(250), micros(2.5)
    (100000, 250000000, 2500000)
    """
    try:
        value = Decimal(str(amount).strip()) * PER_UNIT
    except (InvalidOperation, ValueError) as exc:
        raise BadInputError(f"{field} must be a number, found {amount!r}", field=field) from exc
    if not value.is_finite() or value != value.to_integral_value() or abs(value) >= 2**53:
        raise BadInputError(f"{field} {amount!r} is not a whole, storable number of micro-units", field=field)
    return int(value)


def dollars(amount: int) -> str:
    """An amount for people, at least two decimals and no more than it needs.

    >>> dollars(100_000), dollars(250_000_000), dollars(1)
    ('0.10', '250.00', '0.000001')
    """
    whole, rest = divmod(abs(amount), PER_UNIT)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{decimals}"
