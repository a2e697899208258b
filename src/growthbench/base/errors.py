"""Every error that growthbench raises on purpose.

::

    GrowthbenchError
    ├── BadInputError (ValueError)      the caller's value is wrong; ``field`` names it
    │   ├── UnknownNameError            a dataset, task, feature, run ... nobody knows; lists what is known
    │   ├── DataFormatError             a file cannot be read as what it claims to be
    │   ├── SettingsError               an environment variable or params.yaml value is wrong
    │   └── TooLargeError               more bytes than the limit (413)
    ├── NotFoundError                   a person, prediction or run that does not exist
    │   └── GoneError                   it existed and was erased
    ├── NotReadyError                   it may work later: no champion yet, the store is away
    │   └── NoChampionError             no model is deployed for the task
    ├── AccessError                     who asks is not known (401)
    │   └── ForbiddenError              ... or may not do this (403)
    ├── LimitError                      a limit is used up; ``retry_after`` says when it is not
    ├── ConflictError                   the thing is not in the state that the request expects
    ├── ArtifactError                   a model folder is broken, altered or of another format
    │   └── GoldenRowsError             a loaded model does not reproduce its golden rows
    ├── LeakError                       a column knows the future
    └── GateError                       a promotion was refused; ``reasons`` says why

Rims translate: the command line prints one line and exits with 2, the Door answers problem+json with ``status``.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class GrowthbenchError(Exception):
    """Base of all errors raised on purpose. ``status`` is the HTTP status the Door answers with."""

    status = 500
    title = "Internal error"


class BadInputError(GrowthbenchError, ValueError):
    """A value given by the caller is wrong.

    Parameters
    ----------
    message : str
        What was wrong, what was found, what to do.
    field : str, optional
        Name of the offending field, as the caller wrote it.
    """

    status = 400
    title = "Bad input"

    def __init__(self, message: str, field: str | None = None):
        super().__init__(message)
        self.field = field


class UnknownNameError(BadInputError):
    """A name that nobody registered; the message lists the known ones, the closest first."""

    status = 404
    title = "Unknown name"

    def __init__(self, kind: str, name: str, known: Iterable[str], field: str | None = None):
        known = sorted(known)
        close = get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        super().__init__(f"unknown {kind} {name!r}: {hint}known are {', '.join(known) or 'none'}", field=field)
        self.kind, self.name, self.known = kind, name, known


class DataFormatError(BadInputError):
    """A file or table cannot be read as what it claims to be."""

    title = "Bad data"


class SettingsError(BadInputError):
    """A deployment setting (environment) or an experiment parameter (params.yaml) is wrong."""

    title = "Bad setting"


class TooLargeError(BadInputError):
    """More bytes than the limit allows."""

    status = 413
    title = "Too large"


class NotFoundError(GrowthbenchError):
    """Something asked for by its key does not exist."""

    status = 404
    title = "Not found"


class GoneError(NotFoundError):
    """Something existed and was erased."""

    status = 410
    title = "Erased"


class AccessError(GrowthbenchError):
    """Nobody we know asks: no key or token, or one that does not count (any more)."""

    status = 401
    title = "Not authenticated"


class ForbiddenError(AccessError):
    """Whoever asks is known and may not do this."""

    status = 403
    title = "Not allowed"


class ConflictError(GrowthbenchError):
    """Something is not in the state that the request expects."""

    status = 409
    title = "Conflict"


class LimitError(GrowthbenchError):
    """A limit is used up.

    Parameters
    ----------
    message : str
    retry_after : float
        Seconds until it makes sense to ask again.
    """

    status = 429
    title = "Too many requests"

    def __init__(self, message: str, retry_after: float):
        super().__init__(message)
        self.retry_after = retry_after


class NotReadyError(GrowthbenchError):
    """The request is fine but cannot be answered now."""

    status = 503
    title = "Not ready"


class NoChampionError(NotReadyError):
    """No model is deployed for a task."""

    title = "No champion"

    def __init__(self, task: str):
        super().__init__(f"no champion for {task}")
        self.task = task


class ArtifactError(GrowthbenchError):
    """A model folder is broken, altered or written by another format."""

    title = "Bad artifact"


class GoldenRowsError(ArtifactError):
    """A loaded model does not give its golden rows the scores it gave when it was made."""


class LeakError(GrowthbenchError):
    """A column or feature knows what happened after the moment of prediction."""


class GateError(GrowthbenchError):
    """A promotion was refused.

    Parameters
    ----------
    reasons : list of str
        One sentence for each check that failed.
    """

    status = 409
    title = "Refused by the gate"

    def __init__(self, reasons: list[str]):
        super().__init__("; ".join(reasons))
        self.reasons = reasons
