"""Checks of single values on their way in; no heavy imports, the Door uses them too."""

from typing import Any

from growthbench.base.errors import BadInputError

MAX_TEXT = 1_000
EXACT_INT = 2**53
TIME_RANGE_US = (-62_135_596_800_000_000, 253_402_300_799_999_999)  # years 1 to 9999


def checked_text(value: Any, field: str, limit: int = MAX_TEXT) -> str:
    """A text of 1 to ``limit`` characters without U+0000 (PostgreSQL cannot hold it) and without lone surrogates."""
    if not isinstance(value, str):
        raise BadInputError(f"{field} must be text, found {type(value).__name__}", field=field)
    if not 0 < len(value) <= limit:
        raise BadInputError(f"{field} must have 1 to {limit} characters, found {len(value)}", field=field)
    if "\x00" in value or not (value.isascii() or _has_utf8(value)):
        raise BadInputError(f"{field} must not hold U+0000 or lone surrogates", field=field)
    return value


def _has_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def checked_int(value: Any, field: str, bounds: tuple[int, int] = (-EXACT_INT + 1, EXACT_INT - 1)) -> int:
    """A whole number within bounds (by default those that a double holds exactly); a bool is not a number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInputError(f"{field} must be a whole number, found {value!r}", field=field)
    if not bounds[0] <= value <= bounds[1]:
        raise BadInputError(f"{field} must be between {bounds[0]} and {bounds[1]}, found {value}", field=field)
    return value
