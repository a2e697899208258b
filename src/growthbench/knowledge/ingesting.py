"""Ingest: read, cut, embed, commit, document by document; what did not change costs nothing."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest
from growthbench.knowledge import kept
from growthbench.knowledge.documents import Document
from growthbench.knowledge.passages import CUTTING, TARGET_WORDS, Passage, cut
from growthbench.knowledge.readers import Refused, read_file, read_folder
from growthbench.store.engine import Store
from growthbench.text.encoder import Encoder

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
    refused : list of Refused
        Files that could not be read; what the store held of them stays.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    embedded: int = 0
    refused: list[Refused] = field(default_factory=list)


class Ingest:
    """One tenant's ingest.

    Each document is one transaction: whoever is killed leaves whole documents, and the next run goes on from there.

    Parameters
    ----------
    store : Store
    encoder : Encoder or None
    tenant : str
    cutting : callable, optional
        From a document to its passages; default `passages.cut`.
    rules : str
        Name of that way to cut.
    """

    def __init__(self, store: Store, encoder: Encoder | None, tenant: str, cutting: Cut = cut, rules: str = RULES):
        self.store, self.encoder, self.tenant, self.cutting, self.rules = store, encoder, tenant, cutting, rules

    def run(self, sources: Sequence[Source], origin: str | None, progress: bool) -> Ingested:
        """Bring the store to these documents; those of ``origin`` that are not among them are removed."""
        told = Ingested()
        with self.store.reading() as connection:
            known = kept.known_documents(connection, self.tenant)
            bare = kept.without_vectors(connection, self.tenant, self.encoder.digest) if self.encoder else set()
        for source in _watched(sources, progress):
            self._one(source, origin, known, bare, told)
        gone = {i for i, k in known.items() if origin and k.origin == origin} - {name for name, _ in sources}
        for document_id in sorted(gone):
            kept.remove(self.store, self.tenant, document_id)
            told.removed += 1
        return told

    def _one(self, source: Source, origin: str | None, known: dict, bare: set[str], told: Ingested) -> None:
        name, read = source
        try:
            document = read()
        except BadInputError as exc:
            told.refused.append(Refused(name, str(exc)))
            return
        before = known.get(document.document_id)
        if before and before.digest == digest(self.rules, document.digest) and before.origin == origin:
            told.unchanged += 1
            if document.document_id in bare:
                told.embedded += self._embed_again(document)
            return
        passages = list(self.cutting(document))
        if not passages:
            told.refused.append(Refused(name, "no passage could be cut from it"))
            return
        vectors = self._vectors(passages)
        digest_of_encoder = self.encoder.digest if self.encoder else None
        kept.keep(self.store, self.tenant, document, passages, self.rules, origin, digest_of_encoder, vectors)
        told.embedded += len(vectors)
        if before:
            told.changed += 1
        else:
            told.new += 1

    def _embed_again(self, document: Document) -> int:
        """Vectors of a document that was ingested without this encoder."""
        vectors = self._vectors(list(self.cutting(document)))
        kept.keep_vectors(self.store, self.tenant, self.encoder.digest, vectors)
        return len(vectors)

    def _vectors(self, passages: Sequence[Passage]) -> dict:
        """Vectors that are not in the store yet, by content."""
        if self.encoder is None:
            return {}
        texts = {kept.content_of(p.indexed): p.indexed for p in passages}
        with self.store.reading() as connection:
            wanted = sorted(kept.missing_vectors(connection, self.tenant, self.encoder.digest, texts))
        if not wanted:
            return {}
        return dict(zip(wanted, self.encoder.encode([texts[content] for content in wanted])))


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
