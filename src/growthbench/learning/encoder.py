"""From named values to the float32 row a model reads; the same code in training and serving.

Numbers become float32, categories the number of their place in a sorted list; what is missing, and a category that
training never saw, becomes NaN. Nothing is imputed or scaled.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.learning.columns import Column
from growthbench.learning.validation import LARGEST, check_columns, check_rows, codes_of, numbers_of

if TYPE_CHECKING:
    import pandas as pd


class Encoder:
    """Columns of a model and how each becomes a number; d columns.

    Parameters
    ----------
    columns : sequence of Column
        Kinds ``number`` and ``category``, in the order of the matrix.
    categories : mapping of str to sequence of str
        Known values of each category column, sorted.

    Attributes
    ----------
    codes : dict of str to dict
        Of each category column, the number of each known value.

    Examples
    --------
    >>> encoder = Encoder([Column("visits", "number"), Column("plan", "category")], {"plan": ["free", "pro"]})
    >>> encoder.encode({"visits": [3, None], "plan": ["pro", "gold"]}).tolist()
    [[3.0, 1.0], [nan, nan]]
    """

    def __init__(self, columns: Sequence[Column], categories: Mapping[str, Sequence[str]]):
        self.columns = tuple(columns)
        self.categories = {name: tuple(values) for name, values in categories.items()}
        self.names = tuple(c.name for c in self.columns)
        self._known = frozenset(self.names)
        self.codes = {
            name: {value: float(code) for code, value in enumerate(values)} for name, values in self.categories.items()
        }
        kinds = [c.kind == "category" for c in self.columns]
        self._category_places = [j for j, is_category in enumerate(kinds) if is_category]
        self._number_places = [j for j, is_category in enumerate(kinds) if not is_category]
        self._number_names = [self.names[j] for j in self._number_places]
        if set(self.categories) != {c.name for c in self.columns if c.kind == "category"}:
            raise BadInputError("an encoder needs the categories of exactly its category columns", field="categories")

    @property
    def feature_types(self) -> list[str]:
        """``q`` or ``c`` for each column, as xgboost.DMatrix takes them."""
        return ["c" if c.kind == "category" else "q" for c in self.columns]

    def encode(self, columns: Mapping[str, Sequence]) -> np.ndarray:
        """Matrix of columns of equal length.

        Parameters
        ----------
        columns : mapping of str to sequence
            Every column of the model, none besides; values are numbers, or str for categories; None (or NaN) is
            missing. Lists, numpy arrays and pandas Series serve alike.

        Returns
        -------
        ndarray of float32, shape (n, d), C order

        Raises
        ------
        BadInputError
            A column is missing or unknown, or a value is of another kind; ``field`` names the column.
        """
        n = check_columns(columns, self.names, self._known)
        matrix = np.empty((n, len(self.columns)), np.float32)
        rest = self._encode_arrays(columns, matrix)
        for j in rest:
            column = self.columns[j]
            matrix[:, j] = self._column(column, columns[column.name])
        return matrix

    def _encode_arrays(self, columns: Mapping[str, Sequence], matrix: np.ndarray) -> Sequence[int]:
        """Put number columns that are float64 arrays into the matrix, all at once; which columns are left to do."""
        arrays = [columns[name] for name in self._number_names]
        if not arrays or not all(type(a) is np.ndarray and a.dtype == np.float64 for a in arrays):
            return range(len(self.columns))
        together = np.array(arrays)
        if not (np.abs(together) <= LARGEST)[~np.isnan(together)].all():
            return range(len(self.columns))  # one by one, so that the one at fault is named
        matrix[:, self._number_places] = together.T
        return self._category_places

    def encode_rows(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Matrix of rows, each naming every column; the same as `encode` of their columns."""
        return self.encode(self.columns_of(rows))

    def columns_of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list]:
        """Rows turned into columns, their names checked."""
        check_rows(rows, self.names, self._known)
        return {name: [row[name] for row in rows] for name in self.names}

    def _column(self, column: Column, values: Sequence):
        if column.kind == "category":
            return codes_of(column.name, values, self.codes[column.name])
        return numbers_of(column.name, values)

    def to_json(self) -> dict:
        """The encoder as plain data."""
        described = [c.to_json() for c in self.columns]
        return {
            "columns": [
                d | {"categories": list(self.categories[d["name"]])} if d["kind"] == "category" else d
                for d in described
            ]
        }

    @classmethod
    def from_json(cls, data: Mapping) -> "Encoder":
        """The inverse of `to_json`."""
        try:
            made = [Column(**{k: v for k, v in c.items() if k != "categories"}) for c in data["columns"]]
            return cls(made, {c["name"]: c["categories"] for c in data["columns"] if c["kind"] == "category"})
        except (KeyError, TypeError, BadInputError) as exc:
            raise ArtifactError(f"the encoder cannot be read: {exc}") from exc


def fit_encoder(frame: "pd.DataFrame", columns: Sequence[Column]) -> Encoder:
    """Learn the categories of a training frame (n rows, the columns by name).

    Parameters
    ----------
    frame : pandas.DataFrame
        Numbers as float64, categories as str with None for missing.
    columns : sequence of Column

    Raises
    ------
    BadInputError
        A column is absent, or a category holds something other than text.
    """
    categories = {}
    for column in columns:
        if column.name not in frame:
            raise BadInputError(f"the training frame has no column {column.name!r}", field=column.name)
        if column.kind == "category":
            seen = frame[column.name].dropna().unique().tolist()
            if wrong := [v for v in seen if not isinstance(v, str)]:
                raise BadInputError(f"categories of {column.name!r} must be text, found {wrong[0]!r}", column.name)
            categories[column.name] = sorted(seen)
        elif column.kind != "number":
            raise BadInputError(f"column {column.name!r} is {column.kind}: a table model reads no text", column.name)
    return Encoder(columns, categories)
