"""Which events a feature reads: ``on("page_view", category="pricing") | on("product_view")``."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from growthbench.base.errors import BadInputError
from growthbench.events.catalogue import EVENT_TYPES, GROUPS
from growthbench.events.schema import EVENT_FIELDS

WHERE_COLUMNS = tuple(f.name for f in EVENT_FIELDS if f.kind == "text" and f.nullable and f.name != "properties")
"""Columns that a filter may compare with a text."""

Where = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Events:
    """A set of events: the union of clauses, in one normal form, so that equal sets written differently are equal.

    Attributes
    ----------
    clauses : tuple of (names, where)
        ``names`` sorted event names (empty: any name), ``where`` sorted pairs (column, value) that must all hold.
        No clause at all means every event.
    """

    clauses: tuple[tuple[tuple[str, ...], Where], ...] = ()

    def __or__(self, other: "Events") -> "Events":
        if not (self.clauses and other.clauses):
            return ANY
        return _normal([*self.clauses, *other.clauses])

    @property
    def names(self) -> frozenset[str] | None:
        """Names that an event of this set can have; None if any."""
        if not self.clauses or any(not names for names, _ in self.clauses):
            return None
        return frozenset(n for names, _ in self.clauses for n in names)

    def __repr__(self) -> str:
        return " | ".join(_source(names, where) for names, where in self.clauses) or "on()"


ANY = Events()
"""Every event."""


def on(*names: str, group: str | None = None, **where: str) -> Events:
    """Events with one of these names, restricted by the text of columns.

    Parameters
    ----------
    *names : str
        Event names; none means any name.
    group : str, optional
        Adds the names of a group of the event catalogue (``visit``, ``interest``, ``commit`` ...).
    **where : str
        ``category="pricing"`` and the like; the columns are those of `WHERE_COLUMNS`.

    Raises
    ------
    BadInputError
        An unknown column or group, or a value that is not text.

    Examples
    --------
    >>> on("page_view", category="pricing") | on("search")
    on("search") | on("page_view", category="pricing")
    >>> on("b") | on("a") == on("a", "b")
    True
    """
    for column, value in where.items():
        if column not in WHERE_COLUMNS:
            raise BadInputError(f"events have no text column {column!r}; there are {', '.join(WHERE_COLUMNS)}", column)
        _check_text(value, column)
    for name in names:
        _check_text(name, "name")
    if group is not None:
        if group not in GROUPS:
            raise BadInputError(f"unknown group {group!r}; there are {', '.join(GROUPS)}", "group")
        names = (*names, *(t.name for t in EVENT_TYPES if t.group == group))
    if not names and not where:
        return ANY
    return _normal([(tuple(names), tuple(sorted(where.items())))])


def _check_text(value, field: str) -> None:
    if not isinstance(value, str) or "\x00" in value:
        raise BadInputError(f"{field} must be text, found {value!r}", field)


def _normal(clauses: Iterable) -> Events:
    by_where: dict[Where, set[str] | None] = {}
    for names, where in clauses:
        known = by_where.setdefault(where, set())
        # A clause without names takes every name, so it swallows the others with the same restriction.
        by_where[where] = None if known is None or not names else known | set(names)
    return Events(tuple((tuple(sorted(names or ())), where) for where, names in sorted(by_where.items())))


def _source(names, where) -> str:
    args = [quoted(n) for n in names] + [f"{c}={quoted(v)}" for c, v in where]
    return f"on({', '.join(args)})"


def quoted(text: str) -> str:
    """A text as Python source, always in double quotes."""
    return json.dumps(text, ensure_ascii=False)
