"""Asking an embedder for the vectors of passages; one that is elsewhere may not answer, and nothing is lost by it."""

import logging
from collections.abc import Mapping

import numpy as np

from growthbench.language.errors import EmbeddingsUnavailableError, RefusedRequestError
from growthbench.ledger.limits import BudgetError
from growthbench.text.encoder import Embedder

_log = logging.getLogger("growthbench.knowledge")


class Asking:
    """What one ingest asks of an embedder.

    A provider that is away, or that a limit keeps from being asked, is not asked again in the same ingest; a text that
    it refuses costs its own batch alone.

    Attributes
    ----------
    fault : str
        What went wrong first; empty: nothing.
    """

    def __init__(self, encoder: Embedder | None):
        self.encoder, self.fault = encoder, ""
        self._stopped = encoder is None

    def vectors(self, texts: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Vectors of texts by their names: all, or those that could be had."""
        made: dict[str, np.ndarray] = {}
        wanted = sorted(texts)
        step = getattr(self.encoder, "batch_texts", len(wanted)) or 1
        for at in range(0, len(wanted), step):
            if self._stopped:
                break
            some = wanted[at : at + step]
            try:
                made |= zip(some, self.encoder.encode([texts[name] for name in some]))
            except RefusedRequestError as exc:
                self._note(exc)
            except (EmbeddingsUnavailableError, BudgetError) as exc:
                self._note(exc)
                self._stopped = True
        return made

    def _note(self, exc: Exception) -> None:
        self.fault = self.fault or str(exc)
        _log.warning("documents are kept without vectors: %s", exc)
