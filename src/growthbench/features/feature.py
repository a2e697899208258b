"""One declaration, and the columns it makes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.features.filters import ANY, Events

Window = int | None


@dataclass(frozen=True)
class FeatureColumn:
    """One finished column: name, ``number`` (float64, NaN unknown) or ``text`` (str, None unknown), unit, meaning."""

    name: str
    dtype: Literal["number", "text"]
    unit: str
    about: str


@dataclass(frozen=True)
class Feature:
    """A declared feature; made by the functions of `grammar`, not by hand.

    Attributes
    ----------
    kind : str
        A key of `kinds.KINDS`.
    name : str
        Column name, or its beginning when ``windows`` are given.
    events, base : Events
        What is counted; ``base`` is the denominator of a share.
    of : str, optional
        Column that is read, or the key of a trait.
    windows : tuple of int or None, optional
        Days; None inside means all history. Without ``windows`` there is one column, over all history.
    n : int
        Newest n events (among_last), idle µs (sessions), long window in days (trend).
    short : int
        Short window in days (trend).
    text : bool
        The value is text, not a number.
    unit, about : str
    """

    kind: str
    name: str
    events: Events = ANY
    base: Events = ANY
    of: str | None = None
    windows: tuple[Window, ...] | None = None
    n: int = 0
    short: int = 0
    text: bool = False
    unit: str = ""
    about: str = ""

    def __post_init__(self):
        if not (self.name.isidentifier() and self.name.islower() and "__" not in self.name):
            raise BadInputError(
                f"a feature's name is a lower-case identifier without double underscore, found {self.name!r}", "name"
            )
        for days in self.windows or ():
            if days is not None and not (type(days) is int and 0 < days <= 36_500):
                raise BadInputError(f"{self.name}: a window is whole days (or None for all), found {days!r}", "windows")
        if (self.windows is not None and len(set(self.windows)) != len(self.windows)) or self.windows == ():
            raise BadInputError(f"{self.name}: windows must be different and at least one", "windows")

    def named_windows(self) -> Iterator[tuple[str, Window]]:
        """Column name and window in days of every column."""
        if self.windows is None:
            yield self.name, None
        for days in self.windows or ():
            yield f"{self.name}_all" if days is None else f"{self.name}_{days}d", days

    @property
    def columns(self) -> tuple[FeatureColumn, ...]:
        """The finished columns."""
        dtype = "text" if self.text else "number"
        return tuple(FeatureColumn(c, dtype, self.unit, self._meaning(d)) for c, d in self.named_windows())

    def narrowed(self, names: frozenset[str]) -> "Feature | None":
        """The same feature with only those of its columns that are named (by column or by feature name)."""
        if self.windows is None or self.name in names:
            return self if self.name in names else None
        kept = tuple(days for column, days in self.named_windows() if column in names)
        return replace(self, windows=kept) if kept else None

    def canonical(self) -> list:
        """What the numbers depend on, as a JSON value; two features with equal ones are the same feature."""
        return [self.kind, self.name, self.events.clauses, self.base.clauses, self.of, self.windows, self.n,
                self.short, self.text, self.unit]  # fmt: skip

    def __repr__(self) -> str:
        """The source line: evaluated with the names of `grammar`, it gives an equal feature."""
        from growthbench.features.kinds import KINDS

        return f"{self.kind}({', '.join(KINDS[self.kind].arguments(self))})"

    def _meaning(self, days: Window) -> str:
        if self.windows is None:
            return self.about
        return f"{self.about}, {'all history' if days is None else f'last {days} days'}"


def check_names(features: tuple[Feature, ...]) -> None:
    """Refuse two features that make the same column."""
    seen: dict[str, Feature] = {}
    for feature in features:
        for column, _ in feature.named_windows():
            if column in seen:
                raise BadInputError(f"column {column!r} is declared twice: {seen[column]!r} and {feature!r}", column)
            seen[column] = feature


def require_known(names, features: tuple[Feature, ...]) -> None:
    """Raise UnknownNameError for the first name that is neither a column nor a feature."""
    known = {f.name for f in features} | {c for f in features for c, _ in f.named_windows()}
    for name in names:
        if name not in known:
            raise UnknownNameError("feature", name, known)
