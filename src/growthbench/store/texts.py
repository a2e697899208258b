"""Texts that people choose, checked before they meet a database."""

from typing import Any

from growthbench.base.errors import BadInputError, UnknownNameError


class UnknownChoiceError(UnknownNameError):
    """A value that is none of those there are to choose from; what it is given for is there, so this is no 404."""

    status = 400
    title = "Bad input"


def checked_label(value: Any, field: str, longest: int = 200, shortest: int = 1) -> str:
    """A text that both databases can hold and one line can show: no control characters, no lone surrogates."""
    if not isinstance(value, str) or not shortest <= len(value.strip()) <= len(value) <= longest:
        raise BadInputError(f"{field} must be a text of {shortest} to {longest} characters", field=field)
    if not is_plain(value):
        raise BadInputError(f"{field} must not hold control characters or lone surrogates", field=field)
    return value


def is_plain(value: str) -> bool:
    """Whether nothing in a text is a control character or half a surrogate pair; ids looked up must be so."""
    return not any(c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c <= "\udfff" for c in value)
