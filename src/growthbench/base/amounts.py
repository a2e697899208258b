"""Money as integers of the currency's minor unit (ISO 4217 exponents)."""

from decimal import Context, Decimal, Inexact, InvalidOperation

from growthbench.base.errors import BadInputError

_EXACT = Context(prec=1_000, traps=[Inexact, InvalidOperation])  # digits beyond it are refused, never rounded away
_EXPONENTS = {"BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}


def minor_units(amount: str | int | float | Decimal, currency: str = "EUR", field: str = "amount") -> int:
    """Minor units (cents) of an amount in major units (euros); a fraction of a minor unit is refused, not rounded.

    A float is read by its shortest decimal text, so ``19.99`` is 1999.

    Raises
    ------
    BadInputError
        Not a number, not finite, or finer than the currency's minor unit.

    >>> minor_units("19.99"), minor_units(-5), minor_units("120", "JPY")
    (1999, -500, 120)
    """
    try:
        value = _EXACT.scaleb(Decimal(str(amount).strip()), _EXPONENTS.get(currency, 2))
    except (Inexact, InvalidOperation, ValueError) as exc:
        raise BadInputError(f"{field} must be a number, found {amount!r}", field=field) from exc
    if not value.is_finite() or value != value.to_integral_value():
        raise BadInputError(f"{field} {amount!r} is not a whole number of minor units of {currency}", field=field)
    if abs(value) >= 2**53:
        raise BadInputError(f"{field} {amount!r} is too large: the limit is 2^53 minor units", field=field)
    return int(value)
