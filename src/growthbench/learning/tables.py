"""Any pandas table made ready for a model: kinds of columns, labels, times, slices. Nothing is imputed."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from growthbench.base.clock import to_us
from growthbench.base.errors import BadInputError
from growthbench.learning.columns import Column

MAX_CATEGORIES = 255
_YES = ("true", "yes", "y", "1", "1.0")


def table_columns(table: pd.DataFrame, about: Mapping[str, str]) -> tuple[pd.DataFrame, tuple[Column, ...]]:
    """Infer the kind of every column.

    Returns
    -------
    X : DataFrame
        float64 numbers (NaN missing) and object categories (None missing).
    columns : tuple of Column
    """
    made, columns = {}, []
    for name in table.columns:
        values = table[name]
        kind = _kind(values)
        if kind == "number":
            made[str(name)] = _numbers(values)
        else:
            made[str(name)] = _texts(values)
        columns.append(Column(str(name), kind, about=about.get(str(name), "")))
    return pd.DataFrame(made, index=pd.RangeIndex(len(table))), tuple(columns)


def table_labels(values: pd.Series, positive: Any = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as class numbers, and the classes: ``("no", "yes")`` for two values, sorted texts for more."""
    name = str(values.name)
    if values.isna().any():
        raise BadInputError(f"label {name!r} is missing in {int(values.isna().sum())} rows: drop or fill them", name)
    found = sorted(values.unique().tolist(), key=str)
    if len(found) < 2:
        raise BadInputError(f"label {name!r} has only the value {found[0]!r}: there is nothing to learn", name)
    if len(found) > 2 and positive is None:
        if len(found) > MAX_CATEGORIES:
            raise BadInputError(f"label {name!r} has {len(found)} values; at most {MAX_CATEGORIES} classes", name)
        classes = tuple(str(v) for v in found)
        return values.map({v: i for i, v in enumerate(found)}).to_numpy(np.int64), classes
    yes = _positive(found, positive, name)
    return (values == yes).to_numpy(np.int64), ("no", "yes")


def table_times(values: pd.Series) -> np.ndarray:
    """UTC microseconds of a column of datetimes, ISO texts or integers."""
    name = str(values.name)
    if values.isna().any():
        raise BadInputError(f"time {name!r} is missing in {int(values.isna().sum())} rows", name)
    if pd.api.types.is_integer_dtype(values):
        return values.to_numpy(np.int64)
    try:
        if pd.api.types.is_datetime64_any_dtype(values):
            return pd.to_datetime(values, utc=True).dt.as_unit("us").astype(np.int64).to_numpy()
        return np.array([to_us(str(v)) for v in values], np.int64)
    except ValueError as exc:
        raise BadInputError(f"time {name!r} must be datetimes, ISO 8601 text or integer µs: {exc}", name) from exc


def table_slices(
    table: pd.DataFrame, X: pd.DataFrame, columns: Sequence[Column], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Slices by name, or the three categories with the fewest values (2-12)."""
    if not names:
        counts = {c.name: X[c.name].nunique() for c in columns if c.kind == "category"}
        fitting = [(n, name) for name, n in counts.items() if 2 <= n <= 12]
        names = [name for _, name in sorted(fitting)[:3]]
    return {name: slice_values(table[name]) for name in names}


def slice_values(values: pd.Series, edges: Sequence[float] = (), top: int = 6) -> np.ndarray:
    """Names of the parts of a column: bands between ``edges`` (quartiles by default) or its ``top`` values.

    >>> slice_values(pd.Series([1.0, 5.0, None]), edges=(3,)).tolist()
    ['< 3', '>= 3', 'missing']
    """
    if pd.api.types.is_numeric_dtype(values) and (len(edges) or values.nunique() > top):
        numbers = values.to_numpy(np.float64)
        cuts = np.asarray(edges if len(edges) else np.unique(np.nanquantile(numbers, (0.25, 0.5, 0.75))), float)
        names = [f"< {cuts[0]:g}", *(f"{a:g} - {b:g}" for a, b in pairwise(cuts)), f">= {cuts[-1]:g}"]
        parts = np.array(names, object)[np.searchsorted(cuts, numbers, side="right")]
        return np.where(np.isnan(numbers), "missing", parts)
    texts = values.map(lambda v: f"{v:g}" if isinstance(v, float) else str(v), na_action="ignore")
    kept = texts.value_counts().index[:top]
    return texts.where(texts.isin(kept) | texts.isna(), "other").fillna("missing").to_numpy(object)


def _kind(values: pd.Series) -> str:
    name = str(values.name)
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        raise BadInputError(f"column {name!r} holds times: turn it into a number (days since ...) or drop it", name)
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "number"
    present = values.dropna()
    if not present.map(lambda v: isinstance(v, str | bool | int | float | np.number | np.bool_)).all():
        raise BadInputError(f"column {name!r} holds values that are neither numbers nor text: drop it", name)
    if len(present) and not isinstance(values.dtype, pd.CategoricalDtype) and _read(present).notna().all():
        return "number"
    distinct = present.astype(str).str.strip().nunique()
    if distinct > MAX_CATEGORIES:
        raise BadInputError(
            f"column {name!r} has {distinct} different texts, the limit of a category is {MAX_CATEGORIES}: "
            f"drop it (an id?), or group its values",
            name,
        )
    return "category"


def _read(values: pd.Series) -> pd.Series:
    """Numbers of text; blanks are missing, not wrong."""
    texts = values.astype(str).str.strip()
    return pd.to_numeric(texts[texts != ""], errors="coerce")


def _numbers(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        made = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    else:
        made = _read(values.dropna()).reindex(values.index).to_numpy(np.float64)
    return np.where(np.isfinite(made), made, np.nan)


def _texts(values: pd.Series) -> np.ndarray:
    made = np.full(len(values), None, object)
    there = values.notna().to_numpy()
    texts = values[there].astype(str).str.strip().to_numpy(object)
    made[there] = np.where(texts == "", None, texts)
    return made


def _positive(found: list, positive: Any, name: str) -> Any:
    if positive is not None:
        for value in found:
            if value == positive or str(value) == str(positive):
                return value
        raise BadInputError(f"positive {positive!r} is not a value of {name!r}: {', '.join(map(str, found))}", name)
    for value in found:
        if str(value).strip().lower() in _YES:
            return value
    raise BadInputError(
        f"which value of {name!r} is the positive one, {found[0]!r} or {found[1]!r}? Say positive=", name
    )
