"""What the reading calls answer: a value, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NotAvailable:
    """There is no answer; ``reason`` says why. Counts as false, so that ``if answer:`` reads well.

    Attributes
    ----------
    reason : str
        ``not_offered`` (the server has no such route yet), ``not_found`` (nothing is known of the person), ``gone``
        (erased), ``not_ready`` (no model, or the server is starting), ``limit``, ``not_allowed``, ``refused``,
        ``timeout``, ``network``, ``resting`` (several calls failed just now; the server is left alone for a moment),
        ``rubbish``, ``closed``.
    detail : str
    status : int, optional
        HTTP status, if the server answered.
    """

    reason: str
    detail: str = ""
    status: int | None = None

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True)
class Score:
    """A person's score for a task.

    Attributes
    ----------
    user_id, task : str
    score : float or None
        Probability; None for tasks that only name a class.
    band : str or None
    confidence : float or None
    model_version, prediction_id : str or None
        To ask for an explanation later.
    degraded : bool
        The store was away: this is the last good score.
    raw : mapping
        All of the answer.
    """

    user_id: str
    task: str
    score: float | None
    band: str | None = None
    confidence: float | None = None
    model_version: str | None = None
    prediction_id: str | None = None
    degraded: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Recommendations:
    """Items for a person, the best first; ``raw`` is all of the answer."""

    user_id: str
    items: tuple[Any, ...]
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
