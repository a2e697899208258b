"""Rows as callers give them: made plain for the log, and searched for the one at fault."""

from collections.abc import Mapping, Sequence
from typing import Any

from growthbench.base.errors import BadInputError
from growthbench.base.jsonio import canonical
from growthbench.learning.artifact import Model


def plain_rows(model: Model, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows as they are scored and logged: each with exactly the model's columns, NaN and pandas' marks of absence
    as None, NumPy's scalars as Python's.

    Raises
    ------
    BadInputError
        A column is absent or unknown, or a value cannot be written as JSON; ``field`` names the column.
    """
    columns = model.columns_of(rows)
    for name, values in columns.items():
        columns[name] = [_plain(value) for value in values]
        for place, value in enumerate(columns[name]):
            _check_json(name, value, place)
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def located(model: Model, rows: Sequence[Mapping[str, Any]], exc: BadInputError) -> BadInputError:
    """The refusal of some rows, saying which row was at fault."""
    if len(rows) > 1:
        for place, row in enumerate(rows):
            try:
                model.score(model.columns_of([row]))
            except BadInputError as found:
                return BadInputError(f"row {place}: {found}", field=found.field)
    return exc


def _plain(value: Any) -> Any:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    value = value.item() if type(value).__module__ == "numpy" else value
    return None if isinstance(value, float) and value != value else value


def _check_json(name: str, value: Any, place: int) -> None:
    if value is None or type(value) in (float, int, bool) or (type(value) is str and value.isascii()):
        return
    try:
        canonical(value).encode()
    except (TypeError, ValueError) as exc:
        raise BadInputError(f"row {place}: {name} cannot be written as JSON: {exc}", field=name) from exc
