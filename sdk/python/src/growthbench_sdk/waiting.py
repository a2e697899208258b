"""How long to wait before asking again."""

import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_LONGEST_RETRY_AFTER_S = 300.0


def backoff_s(failures: int, first_s: float, longest_s: float) -> float:
    """Exponential, half of it random, so that clients that failed together do not come back together."""
    wait = min(longest_s, first_s * 2.0 ** min(failures - 1, 30))
    return wait * random.uniform(0.5, 1.0)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The server's ``Retry-After`` in seconds (number or date), at most 300; None if there is none to understand."""
    text = headers.get("retry-after")
    if text is None:
        return None
    try:
        wait = float(text)
    except ValueError:
        try:
            wait = parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(wait, 0.0), _LONGEST_RETRY_AFTER_S) if wait == wait else None
