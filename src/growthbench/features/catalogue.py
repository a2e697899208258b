"""A set of features: selected, described, hashed, compiled."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical
from growthbench.features.feature import Feature, FeatureColumn, check_names, require_known
from growthbench.features.finishing import Finisher, Step
from growthbench.features.kinds import KINDS, made
from growthbench.features.parts import Part
from growthbench.features.plan import Plan

if TYPE_CHECKING:
    import ibis

_MEANING = 1
"""Raised whenever the same declaration comes to mean other numbers; part of every hash."""


class Catalogue:
    """Features in order of declaration.

    Parameters
    ----------
    *features : Feature
        Made by the functions of `grammar`.

    Raises
    ------
    BadInputError
        Two features make the same column.
    """

    def __init__(self, *features: Feature):
        check_names(features)
        self.features = features

    def __len__(self) -> int:
        return len(self.features)

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __add__(self, other: "Catalogue | Feature") -> "Catalogue":
        return Catalogue(*self.features, *([other] if isinstance(other, Feature) else other.features))

    def __eq__(self, other) -> bool:
        return isinstance(other, Catalogue) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def select(self, names: Iterable[str]) -> "Catalogue":
        """The features that make these columns, in the catalogue's own order; a feature's name takes all its columns.

        Raises
        ------
        UnknownNameError
            A name is neither a column nor a feature.
        """
        names = [names] if isinstance(names, str) else list(names)
        require_known(names, self.features)
        wanted = frozenset(names)
        return Catalogue(*(f for f in (g.narrowed(wanted) for g in self.features) if f is not None))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what the numbers depend on: the declarations without their descriptions."""
        return digest(canonical([_MEANING, [f.canonical() for f in self.features]]))

    @cached_property
    def columns(self) -> tuple[FeatureColumn, ...]:
        """Finished columns."""
        return tuple(c for f in self.features for c in f.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the finished columns."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What engines are asked for."""
        return tuple(part for f in self.features for parts, _ in made(f) for part in parts)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """How parts become columns."""
        return tuple(step for f in self.features for _, step in made(f))

    @cached_property
    def finisher(self) -> Finisher:
        """The one function that makes columns of parts."""
        return Finisher(self.steps)

    def expression(self, spine=None, events=None, values=None) -> "ibis.Table":
        """The raw parts as an Ibis table over three tables (unbound ones unless given): ``row_id`` and every part."""
        from growthbench.features.expression import expression, unbound_tables

        given = (spine, events, values)
        tables = (t if t is not None else u for t, u in zip(given, unbound_tables()))
        return expression(self.parts, *tables)

    def statement(self, dialect: str, many: bool = False) -> str:
        """The bound statement of ``sqlite`` or ``postgresql``, for one person or many; see `statement.bound`."""
        from growthbench.features.statement import bound

        return bound(self.parts, dialect, many)

    def plan(self) -> Plan:
        """Everything a service needs; compiled once per catalogue."""
        return self._plan

    @cached_property
    def _plan(self) -> Plan:
        from growthbench.features.statement import bound_statements

        parts = tuple((p.name, p.is_text) for p in self.parts)
        return Plan(self.hash, self.columns, parts, self.steps, bound_statements(self.parts))

    def describe(self) -> list[dict[str, str]]:
        """One row per column: ``name unit about kind window``."""
        return [
            {"name": name, "unit": f.unit, "about": f.about or KINDS[f.kind].about, "kind": f.kind,
             "window": _window(f, days)}
            for f in self.features
            for name, days in f.named_windows()
        ]  # fmt: skip

    def __repr__(self) -> str:
        lines = "".join(f"    {f!r},\n" for f in self.features)
        return f"Catalogue(\n{lines})"

    def _repr_html_(self) -> str:
        rows = self.describe()
        head = "".join(f"<th style='text-align:left'>{c}</th>" for c in ("name", "unit", "meaning", "kind", "window"))
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{escape(v)}</td>" for v in row.values()) + "</tr>"
            for row in rows
        )
        caption = f"{len(rows)} columns from {len(self)} features, <code>{self.hash[:12]}</code>"
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _window(feature: Feature, days: int | None) -> str:
    if feature.kind == "trend":
        return f"{feature.short} over {feature.n} days"
    if feature.kind == "among_last":
        return f"last {feature.n} events"
    return "all history" if days is None else f"{days} days"
