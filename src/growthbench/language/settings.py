"""Which models may be asked, where, with which key and for how long: read from the environment at the rim."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from growthbench.base.errors import SettingsError
from growthbench.language.errors import UnpricedModelError
from growthbench.language.models import OFFLINE, ModelCard, model_table
from growthbench.ledger.micros import micros

AUTO = "auto"
KEY_NAMES = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "xai": "XAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
}


@dataclass(frozen=True)
class Patience:
    """How long one answer may take.

    Attributes
    ----------
    timeout_s : float
        Of one attempt: seconds without a byte.
    deadline_s : float
        After it no further attempt is begun.
    attempts : int
        At one model, before the next one is asked.
    """

    timeout_s: float
    deadline_s: float
    attempts: int


REQUEST = Patience(timeout_s=15, deadline_s=25, attempts=2)
"""Somebody waits for the answer."""
BATCH = Patience(timeout_s=90, deadline_s=240, attempts=3)
"""A pipeline or an optimiser."""


@dataclass(frozen=True)
class LanguageSettings:
    """Settings of one installation.

    Attributes
    ----------
    models : tuple of str
        Asked in this order (``GROWTHBENCH_LM``, separated by commas): ``offline``, ``auto`` (the router's table, for
        the providers that have a key) or ``provider/model``. Default: offline.
    base_url : str or None
        Where models of ``openai/`` are served (``GROWTHBENCH_LM_BASE_URL``): any OpenAI-compatible server.
    keys : dict of str to str
        By provider: ``GROWTHBENCH_LM_API_KEY`` for the server of ``base_url`` (or for ``openai``), else
        ``OPENAI_API_KEY``, ``ANTHROPIC_API_KEY``, ``GEMINI_API_KEY``, ``XAI_API_KEY``, ``DEEPSEEK_API_KEY``.
    price : tuple of int or None
        USD per 1,000,000 tokens in and out, such as 0.15/0.60 (``GROWTHBENCH_LM_PRICE``), for models that the table
        does not know and for all behind ``base_url``. Kept in micro-USD.
    transcript : str or None
        ``record:FILE`` or ``replay:FILE`` (``GROWTHBENCH_LM_TRANSCRIPT``).
    request, batch : Patience
        Seconds without a byte after which an attempt ends (``GROWTHBENCH_LM_TIMEOUT_S``), for both.
    """

    models: tuple[str, ...] = (OFFLINE,)
    base_url: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    price: tuple[int, int] | None = None
    transcript: str | None = None
    request: Patience = REQUEST
    batch: Patience = BATCH

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> "LanguageSettings":
        """Settings from the environment."""
        environ = os.environ if environ is None else environ
        keys = {provider: environ[name] for provider, name in KEY_NAMES.items() if environ.get(name)}
        base_url = checked_url(environ.get("GROWTHBENCH_LM_BASE_URL"), "GROWTHBENCH_LM_BASE_URL")
        if base_url:
            keys.pop("openai", None)  # a key for one server is not told to another
        if own := environ.get("GROWTHBENCH_LM_API_KEY"):
            keys["openai"] = own
        request, batch = _patience(environ.get("GROWTHBENCH_LM_TIMEOUT_S"))
        return cls(
            models=_checked_models(environ.get("GROWTHBENCH_LM")),
            base_url=base_url,
            keys=keys,
            price=_checked_price(environ.get("GROWTHBENCH_LM_PRICE")),
            transcript=_checked_transcript(environ.get("GROWTHBENCH_LM_TRANSCRIPT")),
            request=request,
            batch=batch,
        )

    def address(self, provider: str) -> str | None:
        """Where a provider's models are asked, if not at the provider's own address."""
        return self.base_url if provider == "openai" else None

    def card(self, name: str) -> ModelCard:
        """What a model costs and holds.

        Raises
        ------
        UnpricedModelError
            The table does not know it, no price is set, and it is not served on this machine.
        """
        known = model_table().models.get(name)
        served_elsewhere = self.address(name.partition("/")[0]) is not None
        if self.price is not None and (known is None or served_elsewhere):
            return ModelCard(name, self.price[0], self.price[1], self.price[0])
        if known is not None:
            return known
        if served_elsewhere and is_loopback(self.base_url):
            return ModelCard(name, 0, 0, 0)  # a server on this machine sends no bill
        raise UnpricedModelError(
            f"nobody knows what {name} costs, so no limit could hold for it: set GROWTHBENCH_LM_PRICE=IN/OUT (USD per "
            "1,000,000 tokens), or choose a model of the table (docs/language.md)",
            field="GROWTHBENCH_LM_PRICE",
        )


def _checked_models(told: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (told or OFFLINE).split(",") if name.strip())
    for name in names:
        provider, slash, model = name.partition("/")
        if name not in (OFFLINE, AUTO) and not (slash and model and provider in KEY_NAMES):
            raise SettingsError(
                f"GROWTHBENCH_LM must name offline, auto or PROVIDER/MODEL with a provider of {', '.join(KEY_NAMES)}; "
                f"found {name!r}. An OpenAI-compatible server is openai/MODEL with GROWTHBENCH_LM_BASE_URL",
                field="GROWTHBENCH_LM",
            )
    return names or (OFFLINE,)


def checked_url(url: str | None, variable: str) -> str | None:
    """The address that a variable holds, without the slash at its end.

    Raises
    ------
    SettingsError
    """
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise SettingsError(f"{variable} must be http(s)://HOST[:PORT]/v1, found {url!r}", field=variable)
    return url.rstrip("/") if url else None


def _checked_price(told: str | None) -> tuple[int, int] | None:
    if not told:
        return None
    parts = told.split("/")
    try:
        found = tuple(micros(part, "GROWTHBENCH_LM_PRICE") for part in parts)
    except ValueError:
        found = ()
    if len(found) != 2 or min(found) < 0:
        raise SettingsError(
            f"GROWTHBENCH_LM_PRICE must be IN/OUT in USD per 1,000,000 tokens, such as 0.15/0.60, found {told!r}",
            field="GROWTHBENCH_LM_PRICE",
        )
    return found


def _checked_transcript(told: str | None) -> str | None:
    if told and (not told.startswith(("record:", "replay:")) or not told.partition(":")[2]):
        raise SettingsError(
            f"GROWTHBENCH_LM_TRANSCRIPT must be record:FILE or replay:FILE, found {told!r}",
            field="GROWTHBENCH_LM_TRANSCRIPT",
        )
    return told or None


def _patience(told: str | None) -> tuple[Patience, Patience]:
    if not told:
        return REQUEST, BATCH
    try:
        timeout_s = float(told)
    except ValueError:
        timeout_s = 0.0
    if not 0 < timeout_s <= 3600:
        raise SettingsError(
            f"GROWTHBENCH_LM_TIMEOUT_S must be seconds over 0, at most 3600, found {told!r}",
            field="GROWTHBENCH_LM_TIMEOUT_S",
        )
    return tuple(Patience(timeout_s, max(p.deadline_s, 1.5 * timeout_s), p.attempts) for p in (REQUEST, BATCH))


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(url).hostname
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
