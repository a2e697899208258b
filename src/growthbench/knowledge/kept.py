"""Documents, passages and vectors in the operational store: one document is one transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from growthbench.base.clock import now_us
from growthbench.base.errors import NotFoundError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical
from growthbench.knowledge.documents import Document
from growthbench.knowledge.passages import Passage
from growthbench.store.answer_tables import passage_tokens
from growthbench.store.engine import Store
from growthbench.store.knowledge_tables import (
    knowledge_documents,
    knowledge_heads,
    knowledge_passages,
    knowledge_vectors,
)

_PAGE = 500  # bound parameters of one statement
_FLOATS = np.dtype("<f4")


@dataclass(frozen=True)
class Known:
    """What is in the store of one document: its digest, its origin and the contents that its vectors are of."""

    digest: str
    origin: str | None


def content_of(text: str) -> str:
    """Name of a text's vector."""
    return digest(text)


def version_of(connection: Connection, tenant: str) -> int:
    """The head's version; 0 for a tenant without documents."""
    query = select(knowledge_heads.c.version).where(knowledge_heads.c.tenant_id == tenant)
    return connection.execute(query).scalar() or 0


def known_documents(connection: Connection, tenant: str) -> dict[str, Known]:
    """Every document of a tenant by its id."""
    table = knowledge_documents
    query = select(table.c.document_id, table.c.digest, table.c.origin).where(table.c.tenant_id == tenant)
    return {row.document_id: Known(row.digest, row.origin) for row in connection.execute(query)}


def missing_vectors(connection: Connection, tenant: str, encoder: str, contents: Iterable[str]) -> set[str]:
    """Contents that this encoder has not been asked for yet."""
    table, wanted, found = knowledge_vectors, sorted(set(contents)), set()
    for start in range(0, len(wanted), _PAGE):
        query = select(table.c.content).where(
            table.c.tenant_id == tenant, table.c.encoder == encoder, table.c.content.in_(wanted[start : start + _PAGE])
        )
        found |= set(connection.execute(query).scalars())
    return set(wanted) - found


def dims_of(connection: Connection, tenant: str, name: str) -> int | None:
    """Dimensions of the vectors that a provider's model made before: its digests end in them.

    Of several the most: a model can be asked for fewer than it makes, never for more.
    """
    table, found = knowledge_vectors, []
    query = (
        select(table.c.encoder).where(table.c.tenant_id == tenant, table.c.encoder.startswith(f"{name}/")).distinct()
    )
    for digest_of_encoder in connection.execute(query).scalars():
        dims = digest_of_encoder.rpartition("/")[2]
        if digest_of_encoder == f"{name}/{dims}" and dims.isdecimal():
            found.append(int(dims))
    return max(found, default=None)


def without_vectors(connection: Connection, tenant: str, encoder: str) -> set[str]:
    """Documents of which some passage has no vector of this encoder."""
    passages, vectors = knowledge_passages, knowledge_vectors
    there = select(vectors.c.content).where(
        vectors.c.tenant_id == tenant, vectors.c.encoder == encoder, vectors.c.content == passages.c.content
    )
    query = select(passages.c.document_id).where(passages.c.tenant_id == tenant, ~there.exists()).distinct()
    return set(connection.execute(query).scalars())


def keep(
    store: Store,
    tenant: str,
    document: Document,
    passages: Sequence[Passage],
    rules: str,
    origin: str | None,
    encoder: str | None,
    vectors: Mapping[str, np.ndarray],
) -> int:
    """Put a document in the place of what was there under its id, all or nothing; returns the new version."""
    contents = [content_of(p.indexed) for p in passages]
    with store.writing() as connection:
        version = _moved(connection, tenant)
        before = _contents(connection, tenant, document.document_id)
        _take_out(connection, tenant, document.document_id)
        connection.execute(
            insert(knowledge_documents).values(
                tenant_id=tenant,
                document_id=document.document_id,
                collection=document.collection,
                title=document.title,
                text=document.text,
                source=document.source,
                date=document.date,
                roles=canonical(list(document.roles)),
                metadata=canonical(document.metadata),
                origin=origin,
                digest=digest(rules, document.digest),
                content=content_of(document.text),
                version=version,
                changed_at=now_us(),
            )
        )
        rows = [_row(tenant, p, content) for p, content in zip(passages, contents, strict=True)]
        connection.execute(insert(knowledge_passages), rows)
        if encoder:
            add_vectors(connection, tenant, encoder, vectors)
        _forget(connection, tenant, before - set(contents))
    return version


def keep_vectors(store: Store, tenant: str, encoder: str, vectors: Mapping[str, np.ndarray]) -> int:
    """Add vectors of documents that are there already; returns the new version."""
    with store.writing() as connection:
        version = _moved(connection, tenant)
        add_vectors(connection, tenant, encoder, vectors)
    return version


def add_vectors(connection: Connection, tenant: str, encoder: str, vectors: Mapping[str, np.ndarray]) -> None:
    """Write those vectors that are not there; another process may have embedded the same text meanwhile."""
    new = missing_vectors(connection, tenant, encoder, vectors)
    rows = [
        {"tenant_id": tenant, "encoder": encoder, "content": c, "vector": vectors[c].astype(_FLOATS).tobytes()}
        for c in sorted(new)
    ]
    if rows:
        connection.execute(insert(knowledge_vectors), rows)


def remove(store: Store, tenant: str, document_id: str) -> int:
    """Take a document out, with its passages and the vectors that nothing else needs; returns the new version.

    Raises
    ------
    NotFoundError
        The tenant has no such document.
    """
    with store.writing() as connection:
        version = _moved(connection, tenant)
        before = _contents(connection, tenant, document_id)
        if not _take_out(connection, tenant, document_id):
            raise NotFoundError(f"no document {document_id!r}")
        _forget(connection, tenant, before)
    return version


def load_document(connection: Connection, tenant: str, document_id: str) -> Document:
    """One document.

    Raises
    ------
    NotFoundError
        The tenant has no such document.
    """
    table = knowledge_documents
    query = select(table).where(table.c.tenant_id == tenant, table.c.document_id == document_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(f"no document {document_id!r}")
    return document_of(row)


def load_documents(connection: Connection, tenant: str) -> list[Document]:
    """Every document of a tenant, by id."""
    table = knowledge_documents
    query = select(table).where(table.c.tenant_id == tenant).order_by(table.c.document_id)
    return [document_of(row) for row in connection.execute(query)]


def load_spans(connection: Connection, tenant: str) -> list[Row]:
    """Every passage of a tenant: ``document_id start stop passage_id headings content``, in order."""
    table = knowledge_passages
    query = select(table).where(table.c.tenant_id == tenant).order_by(table.c.document_id, table.c.start)
    return list(connection.execute(query))


def load_vectors(connection: Connection, tenant: str, encoder: str) -> dict[str, np.ndarray]:
    """Vectors of one encoder by content."""
    table = knowledge_vectors
    query = select(table.c.content, table.c.vector).where(table.c.tenant_id == tenant, table.c.encoder == encoder)
    return {content: np.frombuffer(vector, _FLOATS) for content, vector in connection.execute(query)}


def document_of(row: Row) -> Document:
    """A row of the documents' table as a document."""
    return Document(
        document_id=row.document_id,
        collection=row.collection,
        title=row.title,
        text=row.text,
        source=row.source,
        date=row.date,
        roles=tuple(json.loads(row.roles)),
        metadata=json.loads(row.metadata),
    )


def _row(tenant: str, passage: Passage, content: str) -> dict:
    return {
        "tenant_id": tenant,
        "document_id": passage.document_id,
        "start": passage.start,
        "stop": passage.end,
        "passage_id": passage.passage_id,
        "headings": canonical(passage.metadata.get("headings", [])),
        "content": content,
    }


def _moved(connection: Connection, tenant: str) -> int:
    """The head one further; its row is locked until the transaction ends, so versions come in commit order."""
    table = knowledge_heads
    step = update(table).where(table.c.tenant_id == tenant).values(version=table.c.version + 1)
    if not connection.execute(step).rowcount:
        _first(connection, tenant)
        connection.execute(step)
    return version_of(connection, tenant)


def _first(connection: Connection, tenant: str) -> None:
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_unless
    else:
        from sqlalchemy.dialects.sqlite import insert as insert_unless
    row = insert_unless(knowledge_heads).values(tenant_id=tenant, version=0)
    connection.execute(row.on_conflict_do_nothing())


def _contents(connection: Connection, tenant: str, document_id: str) -> set[str]:
    table = knowledge_passages
    query = select(table.c.content).where(table.c.tenant_id == tenant, table.c.document_id == document_id)
    return set(connection.execute(query).scalars())


def _take_out(connection: Connection, tenant: str, document_id: str) -> int:
    for table in (knowledge_passages, knowledge_documents):
        which = delete(table).where(table.c.tenant_id == tenant, table.c.document_id == document_id)
        taken = connection.execute(which).rowcount
    return taken


def _forget(connection: Connection, tenant: str, contents: set[str]) -> None:
    """Delete vectors that no passage needs any more: a removed text shall not stay behind as numbers."""
    passages, old = knowledge_passages, sorted(contents)
    for start in range(0, len(old), _PAGE):
        some = old[start : start + _PAGE]
        used = select(passages.c.content).where(passages.c.tenant_id == tenant, passages.c.content.in_(some))
        still = set(connection.execute(used).scalars())
        gone = [content for content in some if content not in still]
        for table in (knowledge_vectors, passage_tokens) if gone else ():
            connection.execute(delete(table).where(table.c.tenant_id == tenant, table.c.content.in_(gone)))


def count_vectors(connection: Connection, tenant: str) -> int:
    """Number of vectors that a tenant has, of all encoders."""
    query = select(func.count()).select_from(knowledge_vectors).where(knowledge_vectors.c.tenant_id == tenant)
    return connection.execute(query).scalar() or 0
