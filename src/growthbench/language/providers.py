"""One attempt to have a request answered by a real model, over DSPy's native client; errors say what was billed."""

import os
import threading

from growthbench.language.errors import RefusedRequestError
from growthbench.language.models import ModelCard
from growthbench.language.settings import LanguageSettings
from growthbench.language.wire import Reply, reply_of
from growthbench.store.breaker import Breaker

CONNECT_S = 3.0


class AttemptError(Exception):
    """An attempt failed: a model did not answer; another one may.

    Parameters
    ----------
    message : str
    lost : bool
        The request was sent and nobody knows whether it is billed.
    again : bool
        Asking the same model once more makes sense.
    retry_after : float or None
        Seconds to wait before that, if the provider said so.
    """

    def __init__(self, message: str, lost: bool = False, again: bool = False, retry_after: float | None = None):
        super().__init__(message)
        self.lost, self.again, self.retry_after = lost, again, retry_after


class ModelDownError(AttemptError):
    """A fault of the provider or the way to it: counted by the breaker."""


_LOCK = threading.Lock()
_ENGINES: dict[tuple, object] = {}
_BREAKERS: dict[tuple[str, str | None], Breaker] = {}


def breaker_of(card: ModelCard, settings: LanguageSettings) -> Breaker:
    """The circuit breaker of a model at an address, one in this process."""
    key = (card.name, settings.address(card.provider))
    with _LOCK:
        if key not in _BREAKERS:
            _BREAKERS[key] = Breaker(card.name, (ModelDownError,))
        return _BREAKERS[key]


def forget_breakers() -> None:
    """Close all circuits: for tests, and after a provider's trouble is known to be over."""
    with _LOCK:
        _BREAKERS.clear()


def ask(card: ModelCard, settings: LanguageSettings, request, timeout_s: float) -> Reply:
    """Ask a model once.

    Raises
    ------
    AttemptError
        It did not answer.
    RefusedRequestError
        The request itself is wrong.
    """
    from dspy.lm15 import LM15Error

    try:
        response = _engine(card.provider, settings, timeout_s).complete(request)
    except LM15Error as exc:
        raise _translated(exc, card) from exc
    reply = reply_of(response, card.provider)
    if not reply.text and not reply.tool_calls and reply.output_tokens is None:
        raise ModelDownError(f"{card.name} answered something that is no completion", lost=True)
    return reply


def _engine(provider: str, settings: LanguageSettings, timeout_s: float):
    url, key = settings.address(provider), settings.keys.get(provider)
    if key is None and url is None:
        raise AttemptError(f"{provider} has no key in the environment")
    found = (os.getpid(), provider, url, key, timeout_s)  # a forked process must not share connections
    with _LOCK:
        if found not in _ENGINES:
            _ENGINES[found] = _new_engine(provider, url, key or "none", timeout_s)
        return _ENGINES[found]


def _new_engine(provider: str, url: str | None, key: str, timeout_s: float):
    from dspy.clients.engines import LM15Engine
    from dspy.lm15 import RouterConfig, Timeouts

    door = "openai-chat" if provider == "openai" else provider
    connect = min(CONNECT_S, timeout_s)
    return LM15Engine(
        RouterConfig(
            env={},  # keys come from our settings, nothing is looked for elsewhere
            api_keys={door: key},
            base_urls={door: url} if url else None,
            timeouts=Timeouts(connect=connect, read=timeout_s, write=timeout_s, pool=timeout_s),
        )
    )


def _translated(exc, card: ModelCard) -> Exception:
    from dspy import lm15
    from dspy._vendor.lm15.transports._exceptions import ConnectError

    said = f"{card.name}: {str(exc).strip().splitlines()[0][:200]}"
    if isinstance(exc, lm15.TransportError):
        refused = isinstance(exc.__cause__, ConnectError)
        return ModelDownError(said, lost=not refused, again=refused)
    if isinstance(exc, (lm15.RateLimitError, lm15.ServerError)):
        return ModelDownError(said, again=True, retry_after=exc.retry_after)
    if isinstance(exc, (lm15.AuthError, lm15.BillingError, lm15.UnsupportedModelError, lm15.ContextLengthError)):
        return AttemptError(said)
    if isinstance(exc, lm15.TimeoutError) or not isinstance(exc, lm15.ProviderError) or exc.status == 200:
        known = isinstance(exc, (lm15.ConfigurationError, lm15.CapabilityError))
        return AttemptError(said) if known else ModelDownError(said, lost=True)
    if isinstance(exc, lm15.InvalidRequestError):
        return RefusedRequestError(said)
    return ModelDownError(said)
