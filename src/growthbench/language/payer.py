"""Under whose name money is spent by what is called deep inside: the agent and the run of the request around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class Payer(NamedTuple):
    """Agent and run, as `speaking` takes them; the tenant is known to whoever spends."""

    agent: str | None = None
    run: str | None = None


_NOBODY = Payer()
_NOW: ContextVar[Payer] = ContextVar("growthbench_payer", default=_NOBODY)


@contextmanager
def paid_by(agent: str | None = None, run: str | None = None) -> Iterator[None]:
    """Name who pays inside a block; what is not named stays as it was.

    >>> with paid_by(run="report-7"), paid_by(agent="answers"):
    ...     payer()
    Payer(agent='answers', run='report-7')
    """
    before = _NOW.get()
    _NOW.set(Payer(agent or before.agent, run or before.run))
    try:
        yield
    finally:
        _NOW.set(before)  # not reset by its token: a stream may end in another context than it began in


def payer() -> Payer:
    """Who pays in this context."""
    return _NOW.get()
