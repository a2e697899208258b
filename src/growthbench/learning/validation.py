"""Strict reading of what callers send: each refusal names the column, what was expected and what was found."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from growthbench.base.errors import BadInputError

LARGEST = float(np.finfo(np.float32).max)
"""The largest number a column takes."""
_PLAIN_NUMBERS = frozenset((int, float))
_PLAIN_TEXTS = frozenset((str,))


def check_columns(columns: Mapping[str, Sequence], names: Sequence[str], known: frozenset[str]) -> int:
    """Number of rows of columns that must be exactly ``names``, all of one length."""
    _check_names(columns, names, known)
    for name in names:
        if isinstance(columns[name], str | bytes) or not hasattr(columns[name], "__len__"):
            raise BadInputError(f"{name} must be a list of values, found {_said(columns[name])}", field=name)
    lengths = {len(columns[name]) for name in names}
    if len(lengths) > 1:
        first = len(columns[names[0]])
        odd = next(name for name in names if len(columns[name]) != first)
        raise BadInputError(f"{odd} has {len(columns[odd])} values, {names[0]} has {first}", field=odd)
    return lengths.pop() if lengths else 0


def check_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str], known: frozenset[str]) -> None:
    """Refuse rows that do not name exactly ``names``; an absent key is an error, null is a missing value."""
    for i, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise BadInputError(f"row {i} must be an object of columns, found {_said(row)}", field="rows")
        _check_names(row, names, known, f" in row {i}" if len(rows) > 1 else "")


def numbers_of(name: str, values: Sequence) -> np.ndarray:
    """float64 values of a number column; None and NaN are missing.

    Raises
    ------
    BadInputError
        A text or boolean, an infinity, or a number beyond the range of float32.
    """
    made = _as_floats(name, values)
    if not (np.abs(made) <= LARGEST).all():  # NaN lands here too
        wrong = np.abs(made) > LARGEST
        if wrong.any():
            raise BadInputError(f"{name} must be a finite number below 3.4e38, found {made[wrong][0]!r}", field=name)
    return made


def codes_of(name: str, values: Sequence, codes: Mapping[str, float]) -> list[float]:
    """Codes of a category column; None, NaN and values that training never saw are NaN."""
    values = _plain(values)
    nan = float("nan")
    if not all(type(v) is str or v is None for v in values):
        values = [_text(name, v) for v in values]
    return [codes.get(v, nan) for v in values]


def texts_of(name: str, values: Sequence, limit: int) -> list[str]:
    """Texts of at most ``limit`` characters; a missing text is refused."""
    values = _plain(values)
    for v in values:
        if not isinstance(v, str):
            raise BadInputError(f"{name} must be text, found {_said(v)}", field=name)
        if len(v) > limit:
            raise BadInputError(f"{name} must have at most {limit} characters, found {len(v)}", field=name)
    return values


def _check_names(given: Mapping, names: Sequence[str], known: frozenset[str], where: str = "") -> None:
    if not hasattr(given, "keys"):  # a mapping or a DataFrame
        raise BadInputError(f"columns must be a mapping of names to values, found {_said(given)}", field="columns")
    if len(given.keys()) == len(known) and known.issuperset(given.keys()):
        return
    for name in given:
        if name not in known:
            raise BadInputError(f"unknown column {name!r}{where}: the model reads {', '.join(names)}", field=str(name))
    missing = next(name for name in names if name not in given)
    raise BadInputError(f"column {missing!r} is absent{where}: send null if its value is not known", field=missing)


def _as_floats(name: str, values: Sequence) -> np.ndarray:
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        return values.astype(np.float64, copy=False)
    values = _plain(values)
    try:
        if {type(v) for v in values} <= _PLAIN_NUMBERS:
            return np.array(values, np.float64)
        return np.array([_number(name, v) for v in values], np.float64)
    except OverflowError as exc:
        raise BadInputError(f"{name} must be a finite number below 3.4e38, found a larger one", field=name) from exc


def _number(name: str, value: Any) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        return float(value)
    if _is_missing(value):
        return float("nan")
    raise BadInputError(f"{name} must be a number or null, found {_said(value)}", field=name)


def _text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if (isinstance(value, float) and value != value) or _is_missing(value):
        return None
    raise BadInputError(f"{name} must be text or null, found {_said(value)}", field=name)


def _is_missing(value: Any) -> bool:
    """pandas' own marks of absence, told without importing pandas."""
    return type(value).__name__ in ("NAType", "NaTType")


def _plain(values: Sequence) -> list:
    tolist: Callable | None = getattr(values, "tolist", None)
    return tolist() if tolist else list(values)


def _said(value: Any) -> str:
    names = {bool: "a boolean", str: "text", int: "a number", float: "a number", type(None): "null"}
    kind = names.get(type(value), f"a {type(value).__name__}")
    return kind if value is None else f"{kind} {value!r:.80}"
