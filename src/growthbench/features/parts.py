"""The integers and strings that engines return; a feature is finished from one to three of them."""

from dataclasses import dataclass

from growthbench.base.clock import DAY_US
from growthbench.features.filters import ANY, Events

SHAPES = {
    "count": "events in the window",
    "sum": "sum of an integer column in the window",
    "newest": "age of the newest event, µs",
    "oldest": "age of the oldest event, µs",
    "distinct": "different values of a column in the window",
    "top": "most frequent value of a column, ties by the smaller text",
    "last": "value of the newest event that has one",
    "first": "value of the oldest event that has one",
    "among": "events among the person's newest n",
    "sessions": "runs of events with no pause longer than n µs inside the window",
    "gap_low": "lower middle of the pauses between events in the window, µs",
    "gap_high": "upper middle of the same",
    "trait_text": "newest text told under a key",
    "trait_int": "newest whole number told under a key",
}
"""The closed list: each is one fixed portable form (`expression`) proven equal on every engine and to a plain loop."""

ZERO_WHEN_EMPTY = frozenset({"count", "sum", "distinct", "among", "sessions"})
TEXT = frozenset({"top", "last", "first", "trait_text"})


@dataclass(frozen=True)
class Part:
    """One raw column.

    Attributes
    ----------
    name : str
        Column name: the feature's own, or ``feature__part``.
    shape : str
        A key of `SHAPES`.
    events : Events
        Which events count.
    of : str, optional
        The column (or, for traits, the key) that is read.
    days : int, optional
        Window length: events with ``moment - days <= timestamp < moment``; None for all history.
    n : int
        Size of ``among``, idle µs of ``sessions``.
    """

    name: str
    shape: str
    events: Events = ANY
    of: str | None = None
    days: int | None = None
    n: int = 0

    @property
    def window_us(self) -> int | None:
        """Window length in µs, None for all history."""
        return None if self.days is None else self.days * DAY_US

    @property
    def is_text(self) -> bool:
        """Whether the engine returns text."""
        return self.shape in TEXT
