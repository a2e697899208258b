"""What a loader of a labelled table or of labelled texts returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Table:
    """A labelled public table and its story.

    Attributes
    ----------
    name : str
    frame : pandas.DataFrame
        All columns of the source, leaks and ids too: leaving them out is the caller's decision.
        Numbers as read, text as object, NaN = missing.
    label : str
        Target column.
    positive
        Its positive value; None for more than two classes.
    known_leaks : mapping of str to str
        Columns that know the outcome, with the reason.
    drop : tuple of str
        Columns that are no features: the key, running numbers, constants, splits and flags.
    key : str or None
        Column that names each row.
    time : str or None
        Column with the moment of each row; none of the shipped tables has one.
    text, split, out_of_scope : str or None
        For texts: the columns of the text, of the given split (``train valid test``) and of the flag (bool).
    licence, origin, about, data_hash : str
        ``data_hash`` is the SHA-256 of the published content and the way it is read.
    changes, cautions : tuple of str
        What the loader did to the values; what to keep in mind when figures are quoted.
    """

    name: str
    frame: "pd.DataFrame"
    label: str
    positive: Any
    licence: str
    origin: str
    about: str
    data_hash: str
    known_leaks: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    key: str | None = None
    time: str | None = None
    text: str | None = None
    split: str | None = None
    out_of_scope: str | None = None
    changes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        rows, columns = self.frame.shape
        lines = [f"{self.name}: {rows:,} rows x {columns} columns, target {self.label!r}", self.about]
        if self.positive is not None:
            lines[0] += f" ({(self.frame[self.label] == self.positive).mean():.2%} {self.positive!r})"
        if self.known_leaks:
            lines.append(f"known leaks: {', '.join(self.known_leaks)}")
        lines += [f"changed: {c}" for c in self.changes] + [f"caution: {c}" for c in self.cautions]
        return "\n".join([*lines, f"{self.origin}; licence: {self.licence}"])
