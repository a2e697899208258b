"""Sessions: runs of a person's events without a long pause."""

from collections.abc import Iterable

from growthbench.base.clock import MINUTE_US
from growthbench.base.ids import digest

IDLE_US = 30 * MINUTE_US
"""A longer pause ends a session."""


def last_session(newest_first: Iterable[int], idle_us: int = IDLE_US) -> tuple[int, int]:
    """Start and number of events of the last session; reads no further than the pause before it.

    >>> last_session([100, 90, 20], idle_us=50)
    (90, 2)
    """
    start, events = 0, 0
    for time in newest_first:
        if events and start - time > idle_us:
            break
        start, events = time, events + 1
    return start, events


def session_id(person: str, start: int) -> str:
    """Id of the session that a person began at a time (UTC µs)."""
    return digest(person, str(start))[:16]
