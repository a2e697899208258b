"""One attempt to have vectors made by a provider, over OpenAI's ``/embeddings``; what comes back is checked."""

import atexit
import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from growthbench.language.embedding_settings import ADDRESSES, EmbeddingSettings
from growthbench.language.errors import RefusedRequestError
from growthbench.language.models import EmbeddingCard
from growthbench.language.providers import CONNECT_S, AttemptError, ModelDownError

_REFUSED = (400, 413, 422)
_LATER = (408, 409, 425, 429)

_LOCK = threading.Lock()
_CLIENTS: dict[tuple, Any] = {}


def ask(
    card: EmbeddingCard, settings: EmbeddingSettings, texts: Sequence[str], dims: int | None, timeout_s: float
) -> tuple[np.ndarray, int | None]:
    """Ask a provider once for the vectors of texts that are masked already.

    Parameters
    ----------
    card : EmbeddingCard
    settings : EmbeddingSettings
    texts : sequence of str
    dims : int or None
        Dimensions that the vectors must have; None: any.
    timeout_s : float

    Returns
    -------
    (ndarray of float32, int or None)
        Unit vectors, shape (len(texts), dims), and the tokens that are billed, if the provider tells.

    Raises
    ------
    AttemptError
        It gave none that could be used.
    RefusedRequestError
        The request itself is wrong.
    """
    import httpx

    body = {"model": card.model, "input": list(texts)} | ({"dimensions": settings.dims} if settings.dims else {})
    headers = {"authorization": f"Bearer {settings.key}"} if settings.key else {}
    url = f"{settings.address(card.provider) or ADDRESSES[card.provider]}/embeddings"
    try:
        answer = _client(timeout_s).post(url, json=body, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as exc:
        raise ModelDownError(_said(card, "cannot be reached", exc), again=True) from exc
    except httpx.TimeoutException as exc:
        raise ModelDownError(_said(card, f"said nothing for {timeout_s:g} s", exc), lost=True) from exc
    except httpx.HTTPError as exc:
        raise ModelDownError(_said(card, "broke the connection", exc), lost=True) from exc
    if answer.status_code != 200:
        raise _fault(card, answer)
    try:
        told = answer.json()
        rows, usage = _rows(told["data"]), told.get("usage") or {}
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelDownError(f"{card.name} answered something that is no list of vectors", lost=True) from exc
    tokens = usage.get("prompt_tokens", usage.get("total_tokens"))
    return _checked(card, rows, len(texts), dims), tokens if isinstance(tokens, int) and tokens >= 0 else None


def _rows(data: list[dict[str, Any]]) -> list[list[float]]:
    """Vectors in the order of the texts."""
    places = [row.get("index", place) for place, row in enumerate(data)]
    if sorted(places) != list(range(len(data))):
        raise ValueError("the places of the vectors are not 0, 1, 2 ...")
    return [row["embedding"] for _, row in sorted(zip(places, data), key=lambda pair: pair[0])]


def _checked(card: EmbeddingCard, rows: list[list[float]], count: int, dims: int | None) -> np.ndarray:
    """Unit vectors; whatever could not be one is refused."""
    if len(rows) != count:
        raise ModelDownError(f"{card.name} answered {len(rows)} vectors for {count} texts", lost=True)
    lengths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if len(lengths) != 1 or 0 in lengths or (dims is not None and lengths != {dims}):
        found = ", ".join(map(str, sorted(lengths)))
        wanted = f"{dims} as they were stated, priced or answered before" if dims else "the same of every text"
        raise ModelDownError(
            f"{card.name} answered vectors of {found} dimensions where they must be {wanted}: another model under this "
            "name, or GROWTHBENCH_EMBEDDINGS_DIMS for a model that makes one length only?",
            lost=True,
        )
    try:
        made = np.array(rows, np.float64)
    except (ValueError, TypeError) as exc:
        raise ModelDownError(f"{card.name} answered vectors that are not numbers", lost=True) from exc
    norms = np.linalg.norm(made, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or not (norms > 0).all():
        raise ModelDownError(f"{card.name} answered vectors that are zero or not finite", lost=True)
    return (made / norms).astype(np.float32)


def _fault(card: EmbeddingCard, answer) -> Exception:
    status = answer.status_code
    try:
        told = answer.json()["error"]
        told = told["message"] if isinstance(told, dict) else told
    except (ValueError, KeyError, TypeError):
        told = answer.text
    said = f"{card.name} answered {status}: {' '.join(str(told).split())[:200]}"
    if status in _REFUSED:
        return RefusedRequestError(said)
    if status in _LATER or status >= 500:
        return ModelDownError(said, again=True, retry_after=_seconds(answer.headers.get("retry-after")))
    return AttemptError(said)


def _seconds(told: str | None) -> float | None:
    try:
        return max(0.0, float(told))
    except (TypeError, ValueError):
        return None  # nothing, or a date


def _said(card: EmbeddingCard, what: str, exc: Exception) -> str:
    return f"{card.name} {what} ({str(exc)[:120] or type(exc).__name__})"


def _client(timeout_s: float):
    import httpx

    found = (os.getpid(), timeout_s)  # a forked process must not share connections
    with _LOCK:
        if found not in _CLIENTS:
            _CLIENTS[found] = httpx.Client(timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)))
            atexit.register(_CLIENTS[found].close)
        return _CLIENTS[found]
