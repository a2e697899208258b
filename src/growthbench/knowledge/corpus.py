"""One tenant's documents at one version, in memory; and the part of it that one role may see."""

import json
import threading
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from sqlalchemy import Connection, Row

from growthbench.base.errors import ArtifactError
from growthbench.knowledge import kept
from growthbench.knowledge.bm25 import WordIndex, stems_of
from growthbench.knowledge.dense import MatrixVectors, Vectors, document_vectors
from growthbench.knowledge.documents import Document
from growthbench.knowledge.passages import Passage
from growthbench.knowledge.pgvector import PgVectors, PgVectorTable
from growthbench.text.encoder import Embedder


class Corpus:
    """Everything of a tenant, read in one snapshot.

    Attributes
    ----------
    version : int
    documents : list of Document
    passages : list of Passage
    owner : ndarray of int
        Place of each passage's document.
    vectors : Vectors or None
        Of the passages. None without an encoder, or while some passage has no vector of it.
    document_vectors : ndarray of float32 or None
        Of the documents, shape (documents, dims): these are in memory in any case, to see which are like each other.
    """

    def __init__(
        self,
        connection: Connection,
        tenant: str,
        encoder: Embedder | None,
        before: "Corpus | None" = None,
        table: PgVectorTable | None = None,
    ):
        self.version = kept.version_of(connection, tenant)
        self.documents = kept.load_documents(connection, tenant)
        place = {d.document_id: i for i, d in enumerate(self.documents)}
        spans = kept.load_spans(connection, tenant)
        self.owner = np.array([place[s.document_id] for s in spans], np.int64)
        self.passages = [passage_at(self.documents[i], span) for i, span in zip(self.owner, spans)]
        self.contents = [span.content for span in spans]
        self.vectors: MatrixVectors | PgVectors | None = None
        self.document_vectors: np.ndarray | None = None
        if encoder is not None:
            self._with_vectors(connection, tenant, encoder, table)
        self._stems = _stems_of_passages(self.passages, self.contents, before)
        self._named = {role for document in self.documents for role in document.roles}
        self._views: dict[str | None, View] = {}
        self._lock = threading.Lock()

    def view(self, role: str | None) -> "View":
        """What one role may see; without a role, what is open to everybody. Roles that no document names share that."""
        role = role if role in self._named else None
        with self._lock:
            if role not in self._views:
                visible = np.array([not d.roles or role in d.roles for d in self.documents], bool)
                self._views[role] = View(self, visible)
            return self._views[role]

    def _with_vectors(
        self, connection: Connection, tenant: str, encoder: Embedder, table: PgVectorTable | None
    ) -> None:
        if table is not None:
            self.vectors = table.open(connection, tenant, encoder, self.contents)
            if self.vectors is not None:
                made = table.document_vectors(connection, tenant, encoder)
                self.document_vectors = np.stack([made[d.document_id] for d in self.documents])
        elif (matrix := _matrix(connection, tenant, encoder, self.contents)) is not None:
            self.vectors = MatrixVectors(matrix)
            self.document_vectors = document_vectors(matrix, self.owner, len(self.documents))

    def stems(self, place: int) -> list[str]:
        """Stems of a passage with its headings."""
        return self._stems[self.contents[place]]


class View:
    """The visible part of a corpus: nothing else exists for what is computed here.

    Attributes
    ----------
    documents, passages, owner
        As of the corpus, the visible ones only.
    words : WordIndex
        Over passages.
    document_words : WordIndex
        Over documents.
    vectors, document_vectors : Vectors or None
    """

    def __init__(self, corpus: Corpus, visible: np.ndarray):
        self.version = corpus.version
        self.documents: list[Document] = [d for d, seen in zip(corpus.documents, visible) if seen]
        places = np.flatnonzero(visible[corpus.owner]) if len(corpus.owner) else np.zeros(0, np.int64)
        self.passages: list[Passage] = [corpus.passages[i] for i in places]
        self.owner = (np.cumsum(visible) - 1)[corpus.owner[places]]
        self.words = WordIndex([corpus.stems(i) for i in places])
        self.document_words = WordIndex([stems_of(f"{d.title} {d.text}") for d in self.documents])
        self.vectors: Vectors | None = None
        self.document_vectors: Vectors | None = None
        if corpus.vectors is not None and len(places):
            whole = len(places) == len(corpus.owner)
            self.vectors = corpus.vectors if whole else corpus.vectors.some(places)
            self.document_vectors = MatrixVectors(corpus.document_vectors[visible])

    @cached_property
    def subjects(self) -> list[str]:
        """Values of the metadata name ``subject``."""
        found = {d.metadata.get("subject") for d in self.documents}
        return sorted(s for s in found if isinstance(s, str) and s.strip())


def passage_at(document: Document, span: Row) -> Passage:
    """The passage of a document that a row of `kept.load_spans` names."""
    return Passage(
        passage_id=span.passage_id,
        document_id=document.document_id,
        collection=document.collection,
        title=document.title,
        text=document.text[span.start : span.stop],
        start=span.start,
        end=span.stop,
        date=document.date,
        roles=document.roles,
        metadata=document.metadata | {"headings": json.loads(span.headings)},
    )


def _matrix(connection: Connection, tenant: str, encoder: Embedder, contents: Sequence[str]) -> np.ndarray | None:
    found = kept.load_vectors(connection, tenant, encoder.digest)
    if not contents or any(content not in found for content in contents):
        return None
    odd = {len(found[content]) for content in contents} - {encoder.dims}
    if odd:
        raise ArtifactError(
            f"the store holds vectors of {odd.pop()} dimensions for {encoder.name}, which makes {encoder.dims}: "
            "remove the documents and ingest them again"
        )
    return np.stack([found[content] for content in contents])


def _stems_of_passages(passages: Sequence[Passage], contents: Sequence[str], before: Corpus | None) -> dict:
    known = before._stems if before else {}
    made: dict[str, list[str]] = {}
    for passage, content in zip(passages, contents):
        if content not in made:
            made[content] = known[content] if content in known else stems_of(passage.indexed)
    return made
