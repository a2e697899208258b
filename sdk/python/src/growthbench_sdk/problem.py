"""What went wrong, told to ``on_error`` and to the log instead of being raised into the host."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

log = logging.getLogger("growthbench_sdk")


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong.

    Attributes
    ----------
    kind : str
        Messages are gone: ``full`` (queue), ``invalid``, ``too_large``, ``refused`` (by the server, for good),
        ``closed`` (not delivered when the client was closed). Messages are kept and sent again: ``network``, ``status``
        (429, 5xx, wrong key ...), ``rubbish`` (an answer that no growthbench gives). Besides: ``disk``, ``settings``,
        ``internal``.
    detail : str
    messages : sequence of dict
        The messages that are gone, so that the host can keep them elsewhere; empty when they are sent again.
    status : int, optional
        HTTP status.
    """

    kind: str
    detail: str
    messages: Sequence[dict[str, Any]] = ()
    status: int | None = None


def told(exc: Exception) -> str:
    """An error in words; also one whose own words raise."""
    try:
        return f"{type(exc).__name__}: {exc}"[:300]
    except Exception:
        return type(exc).__name__


class Reporter:
    """Hands problems to the host's callback, whatever that one does, and to the log."""

    def __init__(self, on_error: Callable[[Problem], Any] | None):
        self._on_error = on_error
        self._last = ""

    def __call__(self, problem: Problem) -> None:
        """Report; never raises."""
        try:
            line = f"{problem.kind}: {problem.detail}"
            # A server that is away for an hour is one line, not thousands. Messages are not logged: people's data.
            log.log(logging.DEBUG if line == self._last else logging.WARNING, "%s", line)
            self._last = line
            if self._on_error is not None:
                self._on_error(problem)
        except Exception:
            log.debug("on_error raised", exc_info=True)
