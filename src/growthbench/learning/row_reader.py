"""Rows straight from JSON into a model's matrix: one pass in C over the bytes, one array for all rows.

What it reads is what `Encoder` reads, to the bit. What it does not take it does not explain either: the caller asks the
encoder then, which names the column.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import numpy as np

from growthbench.learning.encoder import Encoder
from growthbench.learning.validation import LARGEST

Row = Any
"""A struct made by `RowReader`."""
Values = tuple[float | str | None, ...]
_NAN = float("nan")
_NUMBER = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)] | None
_CATEGORY = str | None


class RowReader:
    """Reads rows of one encoder.

    Attributes
    ----------
    row : type
        msgspec struct of a row; its fields stand in the order of the columns.

    Examples
    --------
    >>> from growthbench.learning.columns import Column
    >>> reader = RowReader(Encoder([Column("visits", "number"), Column("plan", "category")], {"plan": ["free", "pro"]}))
    >>> row = msgspec.json.decode(b'{"visits": 3, "plan": "pro"}', type=reader.row)
    >>> reader.matrix([values(row)]).tolist()
    [[3.0, 1.0]]
    """

    def __init__(self, encoder: Encoder):
        columns = encoder.columns
        fields = [f"c{j}" for j in range(len(columns))]
        kinds = [_CATEGORY if c.kind == "category" else _NUMBER for c in columns]
        self.names = encoder.names
        self.row = msgspec.defstruct(
            "Row", list(zip(fields, kinds)), rename=dict(zip(fields, self.names)), forbid_unknown_fields=True, gc=False
        )
        self._codes = [(j, encoder.codes[c.name].get) for j, c in enumerate(columns) if c.kind == "category"]

    def matrix(self, rows: Sequence[Values]) -> np.ndarray:
        """Rows, each as its `values`, as `Encoder.encode` makes them: float32, shape (n, d), C order."""
        codes, flat = self._codes, []
        for row in rows:
            values = list(row)
            for j, code in codes:
                values[j] = code(values[j], _NAN)
            flat += values
        return np.array(flat, np.float64).astype(np.float32).reshape(len(rows), len(self.names))

    def columns(self, rows: Sequence[Values]) -> dict[str, list]:
        """Rows as columns, as `Encoder.columns_of` makes them."""
        return dict(zip(self.names, map(list, zip(*rows))))


values = msgspec.structs.astuple
"""The values of a row that a `RowReader` read, in the order of the columns."""
