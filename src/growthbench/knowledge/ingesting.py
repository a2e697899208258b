"""Ingest: read, cut, embed, commit, document by document; what did not change costs nothing."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest
from growthbench.knowledge import kept
from growthbench.knowledge.documents import Document
from growthbench.knowledge.embedding import Asking
from growthbench.knowledge.passages import CUTTING, TARGET_WORDS, Passage, cut
from growthbench.knowledge.readers import Refused, read_file, read_folder
from growthbench.store.engine import Store
from growthbench.text.encoder import Embedder

Cut = Callable[[Document], Sequence[Passage]]
Source = tuple[str, Callable[[], Document]]
RULES = f"sentences-{CUTTING}-{TARGET_WORDS}"
"""Name of our own way to cut; kept with each document, so that a new way cuts it again."""


@dataclass
class Ingested:
    """What an ingest did.

    Attributes
    ----------
    new, changed, unchanged, removed : int
        Documents.
    embedded : int
        Texts that the encoder was asked for: 0 when nothing changed.
    without_vectors : int
        Documents that are kept, yet some of their vectors could not be had: words alone find them. The next ingest, or
        `KnowledgeBase.complete`, asks for what is missing.
    fault : str
        Why: what a provider of embeddings, or a limit on money, said first.
    refused : list of Refused
        Files that could not be read; what the store held of them stays.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    embedded: int = 0
    without_vectors: int = 0
    fault: str = ""
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True)
class _Work:
    """A document to be kept; ``again``: only vectors of it are missing."""

    document: Document
    passages: Sequence[Passage]
    again: bool = False

    @property
    def texts(self) -> dict[str, str]:
        """What is embedded, by content."""
        return {kept.content_of(p.indexed): p.indexed for p in self.passages}


class Ingest:
    """One tenant's ingest.

    Each document is one transaction: whoever is killed leaves whole documents, and the next run goes on from there.
    A provider is asked for the vectors of several documents at once.

    Parameters
    ----------
    store : Store
    encoder : Embedder or None
    tenant : str
    cutting : callable, optional
        From a document to its passages; default `passages.cut`.
    rules : str
        Name of that way to cut.
    """

    def __init__(self, store: Store, encoder: Embedder | None, tenant: str, cutting: Cut = cut, rules: str = RULES):
        self.store, self.encoder, self.tenant, self.cutting, self.rules = store, encoder, tenant, cutting, rules
        self._asking = Asking(encoder)

    def run(self, sources: Sequence[Source], origin: str | None, progress: bool) -> Ingested:
        """Bring the store to these documents; those of ``origin`` that are not among them are removed."""
        told = Ingested()
        with self.store.reading() as connection:
            known = kept.known_documents(connection, self.tenant)
            bare = kept.without_vectors(connection, self.tenant, self.encoder.digest) if self.encoder else set()
        together, waiting = getattr(self.encoder, "batch_texts", 1), []
        for source in _watched(sources, progress):
            if (work := self._work(source, origin, known, bare, told)) is not None:
                waiting.append(work)
            if sum(len(work.passages) for work in waiting) >= together:
                self._do(waiting, origin, known, told)
                waiting = []
        self._do(waiting, origin, known, told)
        gone = {i for i, k in known.items() if origin and k.origin == origin} - {name for name, _ in sources}
        for document_id in sorted(gone):
            kept.remove(self.store, self.tenant, document_id)
            told.removed += 1
        told.fault = self._asking.fault
        return told

    def _work(self, source: Source, origin: str | None, known: dict, bare: set[str], told: Ingested) -> _Work | None:
        """What is to be done with a source, if anything."""
        name, read = source
        try:
            document = read()
        except BadInputError as exc:
            told.refused.append(Refused(name, str(exc)))
            return None
        before = known.get(document.document_id)
        if before and before.digest == digest(self.rules, document.digest) and before.origin == origin:
            told.unchanged += 1
            missing = document.document_id in bare
            return _Work(document, list(self.cutting(document)), again=True) if missing else None
        passages = list(self.cutting(document))
        if not passages:
            told.refused.append(Refused(name, "no passage could be cut from it"))
            return None
        return _Work(document, passages)

    def _do(self, waiting: Sequence[_Work], origin: str | None, known: dict, told: Ingested) -> None:
        """Have the vectors of some documents made, and keep each of them with its own."""
        missing = self._missing({c: text for work in waiting for c, text in work.texts.items()})
        made = self._asking.vectors(missing)
        told.embedded += len(made)
        for work in waiting:
            vectors = {content: made[content] for content in work.texts if content in made}
            self._keep(work, origin, vectors)
            told.without_vectors += any(c in missing and c not in made for c in work.texts) and self.encoder is not None
            if not work.again:
                told.changed += work.document.document_id in known
                told.new += work.document.document_id not in known

    def _keep(self, work: _Work, origin: str | None, vectors: dict) -> None:
        encoder = self.encoder.digest if self.encoder else None
        if not work.again:
            kept.keep(self.store, self.tenant, work.document, work.passages, self.rules, origin, encoder, vectors)
        elif vectors:
            kept.keep_vectors(self.store, self.tenant, encoder, vectors)

    def _missing(self, texts: dict[str, str]) -> dict[str, str]:
        """Texts whose vectors are not in the store yet, by content."""
        if self.encoder is None or not texts:
            return {}
        with self.store.reading() as connection:
            wanted = kept.missing_vectors(connection, self.tenant, self.encoder.digest, texts)
        return {content: texts[content] for content in wanted}


def sources_of(
    given: Iterable[Document] | str | os.PathLike, collection: str | None = None
) -> tuple[list[Source], str | None]:
    """What is to be ingested, and its origin: a folder is one, documents in memory and single files are not."""
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        if path.is_file():
            return [(path.name, lambda: read_file(path, collection=collection))], None
        return list(read_folder(path, collection)), str(path.resolve())
    documents = list(given)
    if wrong := [d for d in documents if not isinstance(d, Document)]:
        raise BadInputError(f"documents must be Documents, found {type(wrong[0]).__name__}", field="documents")
    return [(d.document_id, lambda d=d: d) for d in documents], None


def _watched(sources: Sequence[Source], progress: bool) -> Iterator[Source]:
    if not progress:
        yield from sources
        return
    from tqdm.auto import tqdm

    yield from tqdm(sources, desc="ingest", unit="document", leave=False)
