"""The tenants' documents that are in memory, each at its newest version."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from growthbench.knowledge import kept
from growthbench.knowledge.corpus import Corpus
from growthbench.knowledge.pgvector import PgVectorTable, VectorsMovedError, open_table
from growthbench.store.engine import Store
from growthbench.text.encoder import Embedder

T = TypeVar("T")
_TENANTS = 8
_TURNS = 3


class Corpora:
    """Documents of the tenants that were asked about last.

    Parameters
    ----------
    store : Store
    encoder_of : callable
        From a tenant to who makes its vectors.
    """

    def __init__(self, store: Store, encoder_of: Callable[[str], Embedder | None]):
        self.store, self.encoder_of = store, encoder_of
        self._held: OrderedDict[str, Corpus] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, tenant: str) -> Corpus:
        """A tenant's documents at the newest version."""
        encoder = self.encoder_of(tenant)
        with self.store.reading() as connection:
            version = kept.version_of(connection, tenant)
        with self._lock:
            held = self._held.get(tenant)
            if held is None or held.version < version:
                held = self._held[tenant] = self._loaded(tenant, encoder, held)
            self._held.move_to_end(tenant)
            while len(self._held) > _TENANTS:
                self._held.popitem(last=False)
            return held

    @cached_property
    def table(self) -> PgVectorTable | None:
        """Where the vectors are, if not in memory: looked for once."""
        return open_table(self.store)

    def _loaded(self, tenant: str, encoder: Embedder | None, before: Corpus | None) -> Corpus:
        table = None if encoder is None else self.table
        if table is not None:
            table.catch_up(tenant, encoder)
        while True:
            with self.store.reading() as connection:
                loaded = Corpus(connection, tenant, encoder, before, table)
            if table is None or loaded.vectors is not None or not table.catch_up(tenant, encoder):
                return loaded  # what was brought in between the two looks is looked at again


def steadily(search: Callable[[], T]) -> T:
    """Search; if documents go while the database looks at them, once more, in what is there then."""
    for _ in range(_TURNS):
        try:
            return search()
        except VectorsMovedError:
            continue
    return search()
