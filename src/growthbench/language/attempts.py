"""What every attempt at a provider has in common: money and trace settled whatever happens, and patience."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from growthbench.language.calls import FAILED, LOST, Call, CallBook
from growthbench.language.errors import RefusedRequestError
from growthbench.language.providers import AttemptError
from growthbench.language.reply_cache import ReplyCache
from growthbench.language.settings import Patience
from growthbench.language.wire import Reply
from growthbench.store.breaker import Breaker, BreakerOpenError, Circuit

LEASE_MARGIN_S = 60.0
_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0

T = TypeVar("T")
Settle = Callable[..., None]
Note = Callable[[Call], None]


@contextmanager
def settling(book: CallBook, call: Call, bound: int, timeout_s: float, note: Note) -> Iterator[Settle]:
    """Reserve, and whatever happens inside: settle the money and the trace.

    Parameters
    ----------
    book : CallBook
    call : Call
    bound : int
        Micro-USD that it may cost at most.
    timeout_s : float
        Of the attempt: its reservation lapses a minute after it.
    note : callable
        Told the call as it ended.

    Yields
    ------
    callable
        To be told the call as it was answered; with a reply and a cache, the reply is kept.
    """
    started = time.perf_counter()
    held = book.open(call, bound, timeout_s + LEASE_MARGIN_S)

    def answered(ended: Call, reply: Reply | None = None, cache: ReplyCache | None = None) -> None:
        book.answered(ended, held, reply, cache)
        note(ended)

    try:
        yield answered
    except BaseException as exc:
        sent_for_nothing = isinstance(exc, (RefusedRequestError, BreakerOpenError))
        lost = getattr(exc, "lost", not sent_for_nothing)
        ended = replace(call, error=str(exc)[:500] or type(exc).__name__, latency_us=since_us(started))
        ended = replace(ended, state=LOST, cost=bound) if lost else replace(ended, state=FAILED)
        (book.lost if lost else book.failed)(ended, held)
        note(ended)
        raise


def patiently(
    attempt: Callable[[int], T], patience: Patience, deadline: float, longest_pause_s: float = LONGEST_PAUSE_S
) -> T:
    """Make attempts, from 1 on, while another one makes sense and there is time.

    Parameters
    ----------
    attempt : callable
        Given its number.
    patience : Patience
    deadline : float
        Of `time.monotonic`.
    longest_pause_s : float, default 5
        A provider that wants to be left alone for longer is not waited for.

    Raises
    ------
    AttemptError
        The last one's.
    """
    for number in range(1, patience.attempts + 1):
        try:
            return attempt(number)
        except AttemptError as fault:
            pause = fault.retry_after if fault.retry_after is not None else _PAUSE_S * 2 ** (number - 1)
            late = time.monotonic() + pause >= deadline
            if not fault.again or number == patience.attempts or late or pause > longest_pause_s:
                raise
            time.sleep(pause)
    raise AssertionError("patience allows no attempt")


def refuse_if_open(breaker: Breaker) -> None:
    """Say that a circuit is open before any money is held."""
    if breaker.state is Circuit.OPEN:
        raise BreakerOpenError(breaker.name, breaker.retry_after)


def since_us(started: float) -> int:
    """Microseconds since a moment of `time.perf_counter`."""
    return round((time.perf_counter() - started) * 1e6)
