"""Time as integers: UTC microseconds since 1970, days as floor divisions of them."""

import time
from datetime import UTC, datetime, timedelta

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """The present moment in UTC microseconds."""
    return time.time_ns() // 1000


def to_us(moment: str | datetime) -> int:
    """UTC microseconds of an ISO 8601 text or datetime; without an offset it is UTC.

    >>> to_us("2026-01-01T00:00:00Z")
    1767225600000000
    """
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_iso(us: int) -> str:
    """ISO 8601 text, UTC, of microseconds since 1970.

    >>> to_iso(1767225600000000)
    '2026-01-01T00:00:00.000000Z'
    """
    moment = _EPOCH + timedelta(microseconds=int(us))
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
