"""A question as it is searched: its vector, the vectors of its tokens, or why there are none."""

import logging
from typing import NamedTuple

import numpy as np

from growthbench.language.errors import EmbeddingsUnavailableError, RefusedRequestError
from growthbench.ledger.limits import BudgetError
from growthbench.text.encoder import Embedder, Encoder, PaidEmbedder, TokenVectors

_log = logging.getLogger("growthbench.knowledge")


class Read(NamedTuple):
    """What was read of a question; ``note`` says why there is no vector of it, if something went wrong."""

    vector: np.ndarray | None = None
    tokens: TokenVectors | None = None
    note: str = ""


def read_question(embedder: Embedder, reader: Encoder | None, question: str) -> Read:
    """Read a question: its vector where the passages' vectors come from, its tokens here.

    A provider that is away, or that a limit keeps from being asked, costs the meaning and not the answer: words are
    searched alone. What it said is logged, not shown: who asks may be anybody.
    """
    if embedder is reader:
        return Read(*reader.read(question))
    try:
        vector = _vector(embedder, question)
    except (EmbeddingsUnavailableError, RefusedRequestError, BudgetError) as exc:
        _log.warning("a question is searched by words alone: %s", exc)
        return Read(note=_note(exc, embedder.name))
    return Read(vector, None if reader is None else reader.read(question)[1])


def _vector(embedder: Embedder, question: str) -> np.ndarray:
    return embedder.question(question) if isinstance(embedder, PaidEmbedder) else embedder.encode([question])[0]


def _note(exc: Exception, name: str) -> str:
    if isinstance(exc, BudgetError):
        return f"words alone: a limit leaves no money for {name}"
    if isinstance(exc, RefusedRequestError):
        return f"words alone: {name} refuses the question"
    return f"words alone: {name} gives no vectors at the moment"
