"""Vectors of texts from a provider: masked before they leave, reserved before and booked after, traced, in batches."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest, new_id
from growthbench.language import embedding_wire
from growthbench.language.attempts import LONGEST_PAUSE_S, patiently, refuse_if_open, settling, since_us
from growthbench.language.calls import ANSWERED, CACHED, Call, CallBook
from growthbench.language.costs import embedding_cost, input_bound
from growthbench.language.embedding_settings import EmbeddingSettings
from growthbench.language.errors import EmbeddingsUnavailableError
from growthbench.language.masking import blanked
from growthbench.language.models import EmbeddingCard
from growthbench.language.payer import payer
from growthbench.language.providers import AttemptError, breaker_of
from growthbench.language.settings import Patience
from growthbench.store.breaker import BreakerOpenError
from growthbench.store.engine import Store

KIND = "embedding"
BATCH_TEXTS = 96
_BATCH_BYTES = 120_000
_QUESTIONS_KEPT = 128


class Embeddings:
    """A provider's model for every tenant of a store.

    Parameters
    ----------
    settings : EmbeddingSettings
        With a model.
    store : Store
        Where limits, accounts and the trace are.

    Raises
    ------
    UnpricedModelError
        Nobody knows what the model costs.

    Examples
    --------
    ::

        base = KnowledgeBase(store, Embeddings(EmbeddingSettings.read(), store), reader=open_encoder(home))
    """

    def __init__(self, settings: EmbeddingSettings, store: Store):
        if settings.model is None:
            raise BadInputError("no model makes the embeddings: set GROWTHBENCH_EMBEDDINGS=PROVIDER/MODEL", "model")
        self.settings, self.store, self.card = settings, store, settings.card()
        self.name = self.card.name
        self._tenants: dict[str, TenantEmbedder] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Embeddings {self.name}>"

    def of(self, tenant: str) -> "TenantEmbedder":
        """The embedder that a tenant pays."""
        with self._lock:
            if tenant not in self._tenants:
                self._tenants[tenant] = TenantEmbedder(self.settings, self.card, self.store, tenant)
            return self._tenants[tenant]


class TenantEmbedder:
    """Makes vectors for one tenant; safe to use from several threads.

    Attributes
    ----------
    name : str
        ``provider/model``.
    dims : int or None
        As stated, as the table knows, or as the first answer had; None before that. What was only remembered from
        earlier gives way to the first answer for documents.
    max_tokens : int
    batch_texts : int
        Texts that are sent together.
    """

    batch_texts = BATCH_TEXTS

    def __init__(self, settings: EmbeddingSettings, card: EmbeddingCard, store: Store, tenant: str):
        self.settings, self.card, self.store, self.tenant = settings, card, store, tenant
        self.name, self.max_tokens = card.name, card.context
        self.dims: int | None = settings.dims or card.dims
        self._sure = self.dims is not None
        self._questions: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<TenantEmbedder {self.digest} of {self.tenant}>"

    @property
    def digest(self) -> str:
        """``provider/model/dims``; nobody's while the dimensions are not known."""
        return f"{self.name}/{self.dims or '?'}"

    def remember(self, dims: int) -> None:
        """Dimensions of the vectors that the model made before; what is known is not changed."""
        if self.dims is None:
            self.dims = dims

    def encode(self, texts: Sequence[str], progress: bool = False) -> np.ndarray:
        """Unit vectors of texts, float32, shape (n, dims); nobody waits.

        Raises
        ------
        EmbeddingsUnavailableError
            The provider gave none that could be used.
        BudgetError
            A limit does not leave enough.
        RefusedRequestError
            The provider says that a text is wrong, such as too long.
        """
        from tqdm.auto import tqdm

        hidden, made = _hidden(texts), []
        with tqdm(total=len(hidden), desc="encode", unit="text", disable=not progress) as bar:
            for some in _batches(hidden):
                wanted = self.dims if self._sure else None
                made.append(self._asked(some, self._call(some, "cost"), self.settings.documents, wanted))
                bar.update(len(some))
        return np.concatenate(made) if made else np.zeros((0, self.dims or 0), np.float32)

    def question(self, text: str) -> np.ndarray:
        """Unit vector of a question, shape (dims,); somebody waits. The last ones are remembered, and free.

        Raises
        ------
        EmbeddingsUnavailableError, BudgetError, RefusedRequestError
            As `encode`.
        """
        hidden = _hidden([text])
        call = self._call(hidden, "speed")
        with self._lock:
            known = self._questions.get(call.request_hash)
        if known is not None:
            self._book(call).free([replace(call, state=CACHED, cached=1)])
            return known
        (made,) = self._asked(hidden, call, self.settings.question, self.dims)
        with self._lock:
            self._questions[call.request_hash] = made
            while len(self._questions) > _QUESTIONS_KEPT:
                self._questions.popitem(last=False)
        return made

    def _call(self, texts: Sequence[str], priority: str) -> Call:
        size, who = sum(len(text.encode()) for text in texts), payer()
        said = {"agent": who.agent, "run": who.run, "kind": KIND, "priority": priority, "program": None}
        return Call(
            new_id("llm"), now_us(), **said, model=self.name, prompt_bytes=size, request_hash=digest(KIND, *texts)
        )

    def _book(self, call: Call) -> CallBook:
        return CallBook(self.store, self.tenant, {"agent": call.agent, "run": call.run})

    def _asked(self, texts: Sequence[str], call: Call, patience: Patience, dims: int | None) -> np.ndarray:
        deadline = time.monotonic() + patience.deadline_s
        try:
            return patiently(
                lambda number: self._attempt(texts, call.again(self.name, number), patience, dims),
                patience,
                deadline,
                LONGEST_PAUSE_S if patience is self.settings.question else patience.timeout_s,
            )
        except (AttemptError, BreakerOpenError) as exc:
            raise EmbeddingsUnavailableError(self.name, str(exc)) from exc

    def _attempt(self, texts: Sequence[str], call: Call, patience: Patience, dims: int | None) -> np.ndarray:
        breaker = breaker_of(self.card, self.settings)
        refuse_if_open(breaker)
        most, started = input_bound(call.prompt_bytes, len(texts)), time.perf_counter()
        bound = embedding_cost(self.card, most)
        with settling(self._book(call), call, bound, patience.timeout_s, lambda ended: None) as settle:
            with breaker:
                made, tokens = embedding_wire.ask(self.card, self.settings, texts, dims, patience.timeout_s)
            self.dims, self._sure = made.shape[1], True
            inputs = most if tokens is None else tokens
            spent = embedding_cost(self.card, inputs)
            settle(replace(call, state=ANSWERED, input_tokens=inputs, cost=spent, latency_us=since_us(started)))
        return made


def _hidden(texts: Sequence[str]) -> list[str]:
    """The texts as they may leave; a text of nothing is a space, since providers refuse nothing."""
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadInputError(f"texts[{place}] must be a text, found {type(text).__name__}", field="texts")
    return [blanked(text) or " " for text in texts]


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for text in texts:
        if some and (len(some) == BATCH_TEXTS or size + len(text.encode()) > _BATCH_BYTES):
            yield some
            some, size = [], 0
        some.append(text)
        size += len(text.encode())
    if some:
        yield some
