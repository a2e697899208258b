"""What a model reads: the columns of a table, told without pandas."""

from dataclasses import asdict, dataclass
from typing import Literal

from growthbench.base.errors import BadInputError

ColumnKind = Literal["number", "category", "text"]
KINDS = ("number", "category", "text")


@dataclass(frozen=True)
class Column:
    """One input column of a model.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "text"}
        ``number`` is float64 with NaN for missing, ``category`` and ``text`` are str or None.
    unit : str
        Unit of the values, such as ``days`` or ``minor``; empty for categories and plain numbers.
    about : str
        One phrase on what it means.
    """

    name: str
    kind: ColumnKind
    unit: str = ""
    about: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise BadInputError(f"kind of column {self.name!r} must be one of {KINDS}, found {self.kind!r}", "kind")

    def to_json(self) -> dict[str, str]:
        """The column as a plain mapping, the inverse of ``Column(**mapping)``."""
        return asdict(self)
