"""The table a model learns from, with everything that later has to be told about it."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from growthbench.base.errors import BadInputError, DataFormatError
from growthbench.base.ids import digest
from growthbench.base.jsonio import read_json, write_json
from growthbench.learning.columns import Column

BINARY = ("no", "yes")
_FORMAT = 1


@dataclass(frozen=True)
class TrainingFrame:
    """Rows, labels and their story; n rows, d columns, k classes.

    Attributes
    ----------
    X : pandas.DataFrame, shape (n, d)
        Numbers as float64 (NaN = missing), categories and text as object (None = missing).
    y : ndarray of int64, shape (n,)
        Index into ``classes``; -1 where a text is out of scope.
    classes : tuple of str
        ``("no", "yes")`` for a binary task.
    key : ndarray of str, shape (n,)
        Unique name of each row; two runs on the same rows are paired by it.
    columns : tuple of Column
        In the order of ``X``.
    source : str
        Where the rows come from, such as ``world:b2b`` or ``dataset:telco-churn``.
    time : ndarray of int64, shape (n,), optional
        Moment of prediction, UTC µs.
    group : ndarray of str, shape (n,), optional
        Who the row is about; rows of one person never fall on both sides of an inner fold.
    slices : mapping of str to ndarray of str
        Parts of the data that are looked at on their own.
    plan : features.plan.Plan, optional
        How to compute the columns from the log of the store, if they came from a log.
    known_leaks : mapping of str to str
        Columns known to hold the future, with the reason.
    out_of_scope : ndarray of bool, optional
        Text only: rows that belong to no class.
    splits : ndarray of str, optional
        Given split of each row: ``train``, ``valid`` or ``test``.
    """

    X: pd.DataFrame
    y: np.ndarray
    classes: tuple[str, ...]
    key: np.ndarray
    columns: tuple[Column, ...]
    source: str = "frame"
    time: np.ndarray | None = None
    group: np.ndarray | None = None
    slices: Mapping[str, np.ndarray] = field(default_factory=dict)
    plan: Any = None
    known_leaks: Mapping[str, str] = field(default_factory=dict)
    out_of_scope: np.ndarray | None = None
    splits: np.ndarray | None = None

    def __post_init__(self):
        lengths = {"y": len(self.y), "key": len(self.key)} | {f"slices[{n}]": len(v) for n, v in self.slices.items()}
        lengths |= {n: len(v) for n in _OPTIONAL if (v := getattr(self, n)) is not None}
        if wrong := {name: n for name, n in lengths.items() if n != len(self.X)}:
            raise DataFormatError(f"X has {len(self.X)} rows, but {wrong}")
        if list(self.X.columns) != [c.name for c in self.columns]:
            raise DataFormatError(f"columns {[c.name for c in self.columns]} do not describe X: {list(self.X.columns)}")

    def __len__(self) -> int:
        return len(self.X)

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 of values, labels, keys and times (not of the source's name)."""
        parts = [json.dumps(self.classes), _bytes(self.y), _bytes(self.key)]
        parts += [part for c in self.columns for part in (c.name, c.kind, _bytes(self.X[c.name].to_numpy()))]
        parts += [_bytes(self.time)] if self.time is not None else []
        return digest(*parts)

    @property
    def feature_hash(self) -> str:
        """The plan's hash for features of the log, else the hash of the columns' names and kinds."""
        if self.plan is not None:
            return self.plan.hash
        return digest(*(part for c in self.columns for part in (c.name, c.kind)))

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The columns by name, as models and encoders take them."""
        return {c.name: self.X[c.name].to_numpy() for c in self.columns}

    def take(self, rows: np.ndarray) -> "TrainingFrame":
        """The rows of an index or mask, in that order."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        some = {n: None if (v := getattr(self, n)) is None else v[rows] for n in _OPTIONAL}
        slices = {name: values[rows] for name, values in self.slices.items()}
        X = self.X.iloc[rows].reset_index(drop=True)
        return self._with(X=X, y=self.y[rows], key=self.key[rows], slices=slices, **some)

    def drop(self, names: Sequence[str]) -> "TrainingFrame":
        """The same rows without some columns."""
        columns = tuple(c for c in self.columns if c.name not in set(names))
        return self._with(X=self.X[[c.name for c in columns]], columns=columns)

    def _with(self, **changes) -> "TrainingFrame":
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return TrainingFrame(**(fields | changes))

    def save(self, folder: str | os.PathLike) -> Path:
        """Write ``rows.parquet`` and ``frame.json`` into a folder (made if missing)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        table = self.X.add_prefix("x.")
        table["y"], table["key"] = self.y, self.key
        for name in _OPTIONAL:
            if (values := getattr(self, name)) is not None:
                table[name] = values
        for name, values in self.slices.items():
            table[f"slice.{name}"] = values
        table.to_parquet(folder / "rows.parquet", index=False)
        meta = {
            "format": _FORMAT,
            "classes": list(self.classes),
            "columns": [c.to_json() for c in self.columns],
            "source": self.source,
            "known_leaks": dict(self.known_leaks),
            "plan": None if self.plan is None else self.plan.to_json(),
            "data_hash": self.data_hash,
        }
        write_json(meta, folder / "frame.json")
        return folder

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "TrainingFrame":
        """Read what `save` wrote.

        Raises
        ------
        DataFormatError
            Not a saved frame, or the rows are not those that were saved.
        """
        folder = Path(folder)
        try:
            meta = read_json(folder / "frame.json")
            table = pd.read_parquet(folder / "rows.parquet")
        except (OSError, ValueError) as exc:
            raise DataFormatError(f"{folder} holds no training frame: {exc}") from exc
        columns = tuple(Column(**c) for c in meta["columns"])
        frame = cls(
            X=_conform(table[[f"x.{c.name}" for c in columns]].set_axis([c.name for c in columns], axis=1), columns),
            y=table["y"].to_numpy(np.int64),
            classes=tuple(meta["classes"]),
            key=table["key"].to_numpy(object),
            columns=columns,
            source=meta["source"],
            slices={n.removeprefix("slice."): table[n].to_numpy(object) for n in table if n.startswith("slice.")},
            plan=_plan(meta["plan"]),
            known_leaks=meta["known_leaks"],
            **{n: table[n].to_numpy() if n in table else None for n in _OPTIONAL},
        )
        if frame.data_hash != meta["data_hash"]:
            raise DataFormatError(f"{folder / 'rows.parquet'} is not the table that frame.json describes")
        return frame


def frame_from_table(
    table: pd.DataFrame,
    label: str,
    positive: Any = None,
    drop: Sequence[str] = (),
    time: str | None = None,
    key: str | None = None,
    group: str | None = None,
    known_leaks: Mapping[str, str] | None = None,
    slices: Sequence[str] = (),
    source: str = "frame",
    about: Mapping[str, str] | None = None,
) -> TrainingFrame:
    """Make a training frame of any pandas table; kinds are inferred, nothing is imputed.

    Numbers and booleans become numbers; text becomes a number if every value reads as one, else a category (of at
    most 255 values; a column with more is refused by name, as are dates: derive something from them, or drop them).

    Parameters
    ----------
    table : pandas.DataFrame
    label : str
        Column to predict: two values make a binary task, more a multiclass one; rows without a label are refused.
    positive : optional
        Value of the positive class; by default ``True``, 1, "yes", "y", "true" or "1", whatever the case.
    drop : sequence of str
        Columns that are no input, such as ids.
    time : str, optional
        Column with the moment of each row (datetime, ISO text, or integer UTC µs): makes a time split possible. It is
        no input.
    key : str, optional
        Column that names rows; by default the row's position.
    group : str, optional
        Column that says who a row is about, when a person has several rows. It is no input.
    known_leaks : mapping of str to str, optional
        Columns that hold the future, with the reason.
    slices : sequence of str
        Columns to report on separately; by default the three categories of 2-12 values with the fewest.
    source, about
        Name of the data; phrases about columns.

    Raises
    ------
    BadInputError
        A named column is missing, the label has one value only or holes, ``positive`` is not among its values, or a
        column fits no kind; ``field`` names the column.
    """
    from growthbench.learning.tables import table_columns, table_labels, table_slices, table_times

    named = [label, *drop, *slices, *(known_leaks or {}), *(c for c in (time, key, group) if c)]
    if missing := [c for c in named if c not in table.columns]:
        raise BadInputError(f"no column {missing[0]!r}; the table has {', '.join(map(str, table.columns))}", missing[0])
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise BadInputError(f"column {twice!r} occurs twice", str(twice))
    if table.empty:
        raise BadInputError("the table has no rows", label)
    table = table.astype({c: object for c in table if isinstance(table[c].dtype, pd.CategoricalDtype)})
    for name in table.select_dtypes("number"):
        if np.isinf(table[name].to_numpy(np.float64, na_value=np.nan)).any():
            raise BadInputError(
                f"column {name!r} holds infinite numbers: make them missing, or drop the rows", str(name)
            )
    y, classes = table_labels(table[label], positive)
    inputs = table.drop(columns=list({label, *drop, *(c for c in (time, key, group) if c)}))
    X, columns = table_columns(inputs, about or {})
    keys = table[key].astype(str).to_numpy(object) if key else np.arange(len(table)).astype(str).astype(object)
    if pd.unique(keys).size < len(keys):
        raise BadInputError(f"key column {key!r} does not name each row once", key)
    return TrainingFrame(
        X=X,
        y=y,
        classes=classes,
        key=keys,
        columns=columns,
        source=source,
        time=table_times(table[time]) if time else None,
        group=table[group].astype(str).to_numpy(object) if group else None,
        slices=table_slices(table, X, columns, slices),
        known_leaks={c: reason for c, reason in (known_leaks or {}).items() if c in X.columns},
    )


_OPTIONAL = ("time", "group", "out_of_scope", "splits")


def _bytes(values: np.ndarray) -> bytes:
    values = np.asarray(values)
    if values.dtype == object or values.dtype.kind in "US":
        return json.dumps([None if v is None or v != v else str(v) for v in values], ensure_ascii=False).encode()
    return np.ascontiguousarray(values).tobytes()


def _conform(X: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    made = {}
    for column in columns:
        values = X[column.name]
        made[column.name] = values.astype(np.float64) if column.kind == "number" else objects(values)
    return pd.DataFrame(made, columns=[c.name for c in columns])


def objects(values: pd.Series) -> pd.Series:
    """A column of str or None, whatever stood for missing."""
    given = values.astype(object)
    return given.where(given.notna(), None)


def _plan(meta: Mapping | None):
    if meta is None:
        return None
    from growthbench.features.plan import Plan

    return Plan.from_json(meta)
