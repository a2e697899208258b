"""Everything the Desk works with, opened once per process."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from growthbench.base.errors import BadInputError
from growthbench.base.settings import Settings
from growthbench.content.chat.assistant import Assistant
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.knowledge.opening import open_knowledge
from growthbench.knowledge.served import ServedParams
from growthbench.language.embedding_settings import EmbeddingSettings
from growthbench.language.settings import LanguageSettings
from growthbench.operations.desk_lock import only_one
from growthbench.people.directory import Directory
from growthbench.runs.tracing import Trace, Traces
from growthbench.serving.desk.jobs import Jobs
from growthbench.serving.desk.passes import PassAuth, PassOffice
from growthbench.serving.desk.settings import DeskSettings
from growthbench.serving.forgetting import Forgetting
from growthbench.serving.http import Call
from growthbench.serving.metrics import Metrics, process_memory
from growthbench.store.engine import Store, open_store
from growthbench.store.keyring import Keyring

if TYPE_CHECKING:
    from growthbench.knowledge.token_vectors import TokenShelf
    from growthbench.text.encoder import Encoder

_SHELVES = 8  # tenants whose token vectors are held in memory
_log = logging.getLogger("growthbench.serving")


@dataclass(frozen=True)
class Rim:
    """What the `Entrance` asks a service's settings for."""

    threads: int
    timeout_s: float
    cors_origins: tuple[str, ...] = ()


@dataclass
class DeskState:
    """What the Desk's routes share.

    Attributes
    ----------
    settings, desk, language
        Deployment settings.
    store, keyring
    base : KnowledgeBase
        With the encoder, opened once.
    jobs : Jobs
    traces : Traces
    closing : list of callables
        Called in reverse order when the Desk stops.
    """

    settings: Settings
    desk: DeskSettings
    language: LanguageSettings
    store: Store
    keyring: Keyring
    base: KnowledgeBase
    jobs: Jobs
    traces: Traces
    metrics: Metrics = field(default_factory=Metrics)
    closing: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.auth = PassAuth(PassOffice(self.keyring))
        self.door = Rim(self.desk.threads, self.desk.generate_s)
        self.metrics.watch(process_memory)
        self._shelves: OrderedDict[str, TokenShelf] = OrderedDict()
        self._directories: dict[str, Directory] = {}
        self._lock = threading.Lock()
        self.assistant = Assistant(
            self.store, self.base, self.language, home=self.settings.home, directory=self.directory
        )

    def shelf(self, tenant: str) -> "TokenShelf | None":
        """Token vectors of a tenant's passages; None without an encoder."""
        from growthbench.knowledge.answers import shelf_of

        with self._lock:
            if tenant not in self._shelves and (made := shelf_of(self.base, tenant)) is not None:
                self._shelves[tenant] = made
            while len(self._shelves) > _SHELVES:
                self._shelves.popitem(last=False)
            return self._shelves.get(tenant)

    def ingest(self, tenant: str, document: Document) -> dict[str, Any]:
        """Bring a document in, so that the next question about it waits for nothing; how it is told then.

        Raises
        ------
        BadInputError
            Nothing can be cut from it.
        """
        from growthbench.knowledge.passages import cut
        from growthbench.serving.desk.knowledge import document_told

        done = self.base.ingest([document], tenant, progress=False)
        if done.refused:
            raise BadInputError(f"{document.document_id}: {done.refused[0].reason}", field="text")
        if (shelf := self.shelf(tenant)) is not None:
            shelf.prepare(cut(document))
        told, passages = document_told(self.base, tenant, document.document_id)
        state = "new" if done.new else "changed" if done.changed else "unchanged"
        note = {"note": f"kept, but only words find it until it has vectors: {done.fault}"} if done.fault else {}
        return told | {"state": state, "passages": passages, "version": self.base.version(tenant)} | note

    @contextmanager
    def traced(self, name: str, call: Call) -> Iterator[Trace]:
        """A block that is one trace; it says under which run the language models' calls are booked."""
        with self.traces.request(name, self.store, call.tenant, call.request_id) as trace:
            yield trace

    def directory(self, tenant: str) -> "Directory":
        """The tenant's directory of people, made at first use."""
        with self._lock:
            if tenant not in self._directories:
                self._directories[tenant] = Directory(self.store, self.keyring, tenant)
            return self._directories[tenant]

    def forget(self, tenant: str, people_version: int) -> None:
        """Drop what memory holds of people of a tenant who were erased or merged elsewhere."""
        if (directory := self._directories.get(tenant)) is not None:
            directory.check(people_version)

    def close(self) -> None:
        """Stop what was started, the last first; the store at the end."""
        while self.closing:
            self.closing.pop()()
        self.store.close()


def open_desk(settings: Settings | None = None) -> DeskState:
    """Open a home for the Desk: its store, its encoder, its jobs.

    Raises
    ------
    ConflictError
        Another Desk has it open.
    NotReadyError
        The store cannot be opened.
    SettingsError, UnpricedModelError
        The provider of embeddings cannot be asked as it is set.
    """
    settings, embeddings = settings or Settings.read(), EmbeddingSettings.read()
    desk, lock = DeskSettings.read(settings.home), only_one(settings.home)
    store = open_store(settings.database_url)
    keyring = Keyring.open(settings.home)
    base = open_knowledge(store, _encoder(settings), settings=embeddings, served=ServedParams(store, settings.home))
    traces = Traces(settings, desk.traces)
    state = DeskState(settings, desk, LanguageSettings.read(), store, keyring, base, Jobs(settings, keyring), traces)
    forgetting = Forgetting(store, state.forget)
    forgetting.start()
    state.closing += [lock.close, state.metrics.close, traces.close, forgetting.close]
    return state


def _encoder(settings: Settings) -> "Encoder | None":
    from growthbench.text import open_encoder

    return open_encoder(settings.home)
