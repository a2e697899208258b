"""Which provider makes vectors of texts, where, with which key and for how long; read at the rim."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from growthbench.base.errors import SettingsError
from growthbench.language.errors import UnpricedModelError
from growthbench.language.models import EmbeddingCard, model_table
from growthbench.language.settings import KEY_NAMES, LanguageSettings, Patience, checked_url, is_loopback
from growthbench.ledger.micros import micros

LOCAL = "local"
ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
}
"""Providers whose own address speaks OpenAI's protocol for embeddings."""

QUESTION = Patience(timeout_s=3, deadline_s=6, attempts=2)
"""Somebody waits, and words alone find something, too."""
DOCUMENTS = Patience(timeout_s=30, deadline_s=180, attempts=4)
_MOST_DIMS = 16_000


@dataclass(frozen=True)
class EmbeddingSettings:
    """Settings of one installation.

    Attributes
    ----------
    model : str or None
        Who makes the vectors of passages and questions (``GROWTHBENCH_EMBEDDINGS``): ``local`` (the default), which is
        the MiniLM of this machine, or ``provider/model``. Tokens are read by MiniLM in any case.
    base_url : str or None
        Where it is served (``GROWTHBENCH_EMBEDDINGS_BASE_URL``): any server with OpenAI's ``/embeddings``; with it
        every provider's name is taken. Default: for ``openai/`` ``GROWTHBENCH_LM_BASE_URL``, else the provider itself.
    key : str or None
        Its key (``GROWTHBENCH_EMBEDDINGS_API_KEY``); default the provider's key as for language models, which is not
        told to a server that ``GROWTHBENCH_EMBEDDINGS_BASE_URL`` names.
    dims : int or None
        Dimensions that are asked for (``GROWTHBENCH_EMBEDDINGS_DIMS``), of models that can make fewer; default: what
        the model makes.
    price : int or None
        USD per 1,000,000 tokens, such as 0.02 (``GROWTHBENCH_EMBEDDINGS_PRICE``), for models that the table does not
        know and for all behind a base URL. Kept in micro-USD.
    question, documents : Patience
        Seconds without a byte after which an attempt for a question ends (``GROWTHBENCH_EMBEDDINGS_TIMEOUT_S``); then
        words alone are searched. Ingesting waits for at least 30.
    """

    model: str | None = None
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    dims: int | None = None
    price: int | None = None
    question: Patience = QUESTION
    documents: Patience = DOCUMENTS

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> "EmbeddingSettings":
        """Settings from the environment.

        Raises
        ------
        SettingsError, UnpricedModelError
        """
        environ = os.environ if environ is None else environ
        model = environ.get("GROWTHBENCH_EMBEDDINGS") or LOCAL
        if model == LOCAL:
            return cls()
        provider = _checked_provider(model)
        shared = LanguageSettings.read(environ)
        url = checked_url(environ.get("GROWTHBENCH_EMBEDDINGS_BASE_URL"), "GROWTHBENCH_EMBEDDINGS_BASE_URL")
        key = environ.get("GROWTHBENCH_EMBEDDINGS_API_KEY") or (None if url else shared.keys.get(provider))
        url = url or shared.address(provider)
        _check_reachable(model, provider, url, key)
        question, documents = _patience(environ.get("GROWTHBENCH_EMBEDDINGS_TIMEOUT_S"))
        told = cls(
            model=model,
            base_url=url,
            key=key,
            dims=_checked_dims(environ.get("GROWTHBENCH_EMBEDDINGS_DIMS")),
            price=_checked_price(environ.get("GROWTHBENCH_EMBEDDINGS_PRICE")),
            question=question,
            documents=documents,
        )
        told.card()  # a price that nobody knows is said at the start, not by the first question
        return told

    def address(self, provider: str) -> str | None:
        """Where the model is asked, if not at the provider's own address."""
        return self.base_url

    def card(self) -> EmbeddingCard:
        """What the model costs and makes.

        Raises
        ------
        UnpricedModelError
            The table does not know it, no price is set, and it is not served on this machine.
        """
        known = model_table().embeddings.get(self.model)
        if self.price is not None and (known is None or self.base_url is not None):
            return replace(known or EmbeddingCard(self.model, 0), input_price=self.price)
        if known is not None:
            return known
        if self.base_url is not None and is_loopback(self.base_url):
            return EmbeddingCard(self.model, 0)  # a server on this machine sends no bill
        raise UnpricedModelError(
            f"nobody knows what {self.model} costs, so no limit could hold for it: set GROWTHBENCH_EMBEDDINGS_PRICE "
            "(USD per 1,000,000 tokens), or choose a model of the table (docs/language.md)",
            field="GROWTHBENCH_EMBEDDINGS_PRICE",
        )


def _checked_provider(model: str) -> str:
    provider, slash, name = model.partition("/")
    if not (provider and slash and name):
        raise SettingsError(
            "GROWTHBENCH_EMBEDDINGS must be local or PROVIDER/MODEL, such as openai/text-embedding-3-small, "
            f"found {model!r}",
            field="GROWTHBENCH_EMBEDDINGS",
        )
    return provider


def _check_reachable(model: str, provider: str, url: str | None, key: str | None) -> None:
    if url is None and provider not in ADDRESSES:
        raise SettingsError(
            f"GROWTHBENCH_EMBEDDINGS is {model!r}, and without GROWTHBENCH_EMBEDDINGS_BASE_URL only models of "
            f"{', '.join(ADDRESSES)} can be asked: name the address of a server that speaks OpenAI's /embeddings",
            field="GROWTHBENCH_EMBEDDINGS",
        )
    if url is None and key is None:
        raise SettingsError(
            f"GROWTHBENCH_EMBEDDINGS is {model!r}, but there is no key: set {KEY_NAMES[provider]} or "
            "GROWTHBENCH_EMBEDDINGS_API_KEY",
            field="GROWTHBENCH_EMBEDDINGS_API_KEY",
        )


def _checked_dims(told: str | None) -> int | None:
    if not told:
        return None
    if not (told.isdecimal() and 0 < int(told) <= _MOST_DIMS):
        raise SettingsError(
            f"GROWTHBENCH_EMBEDDINGS_DIMS must be a whole number from 1 to {_MOST_DIMS}, found {told!r}",
            field="GROWTHBENCH_EMBEDDINGS_DIMS",
        )
    return int(told)


def _checked_price(told: str | None) -> int | None:
    if not told:
        return None
    try:
        found = micros(told, "GROWTHBENCH_EMBEDDINGS_PRICE")
    except ValueError:
        found = -1
    if found < 0:
        raise SettingsError(
            f"GROWTHBENCH_EMBEDDINGS_PRICE must be USD per 1,000,000 tokens, such as 0.02, found {told!r}",
            field="GROWTHBENCH_EMBEDDINGS_PRICE",
        )
    return found


def _patience(told: str | None) -> tuple[Patience, Patience]:
    if not told:
        return QUESTION, DOCUMENTS
    try:
        timeout_s = float(told)
    except ValueError:
        timeout_s = 0.0
    if not 0 < timeout_s <= 600:
        raise SettingsError(
            f"GROWTHBENCH_EMBEDDINGS_TIMEOUT_S must be seconds over 0, at most 600, found {told!r}",
            field="GROWTHBENCH_EMBEDDINGS_TIMEOUT_S",
        )
    patient = max(timeout_s, DOCUMENTS.timeout_s)
    return (
        Patience(timeout_s, 2 * timeout_s, QUESTION.attempts),
        Patience(patient, max(DOCUMENTS.deadline_s, 1.5 * patient), DOCUMENTS.attempts),
    )
