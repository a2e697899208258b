"""Tables of what the documents say: documents, their passages, the vectors of both."""

from sqlalchemy import Column, Index, Table

from growthbench.store.tables import BYTES, INT, TEXT, metadata

knowledge_heads = Table(
    "knowledge_heads",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("version", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""``version`` moves with every change of a tenant's documents: whoever holds them in memory compares it."""

knowledge_documents = Table(
    "knowledge_documents",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("document_id", TEXT, primary_key=True),
    Column("collection", TEXT, nullable=False),
    Column("title", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("date", TEXT),
    Column("roles", TEXT, nullable=False),
    Column("metadata", TEXT, nullable=False),
    Column("origin", TEXT),
    Column("digest", TEXT, nullable=False),
    Column("content", TEXT, nullable=False),
    Column("version", INT, nullable=False),
    Column("changed_at", INT, nullable=False),
)
"""``roles`` and ``metadata`` are JSON; ``origin`` is the folder it was read from: what is gone there is removed here;
``digest`` covers the document and the rules it was cut by; ``content`` names its vector; ``version`` is the head's when
it was written."""
Index("knowledge_documents_by_origin", knowledge_documents.c.tenant_id, knowledge_documents.c.origin)

knowledge_passages = Table(
    "knowledge_passages",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("document_id", TEXT, primary_key=True),
    Column("start", INT, primary_key=True, autoincrement=False),
    Column("stop", INT, nullable=False),
    Column("passage_id", TEXT, nullable=False),
    Column("headings", TEXT, nullable=False),
    Column("content", TEXT, nullable=False),
    sqlite_with_rowid=False,
)
"""Spans of a document's text (``start`` inclusive, ``stop`` exclusive, in characters); ``headings`` is JSON;
``content`` names the vector."""
Index("knowledge_passages_by_content", knowledge_passages.c.tenant_id, knowledge_passages.c.content)

knowledge_vectors = Table(
    "knowledge_vectors",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("encoder", TEXT, primary_key=True),
    Column("content", TEXT, primary_key=True),
    Column("vector", BYTES, nullable=False),
)
"""Little-endian float32 of unit length; ``encoder`` is the digest of the encoder, ``content`` that of the text it read:
what was embedded once is not embedded again."""

PGVECTOR_TABLE = "knowledge_pgvectors"
"""The same vectors as pgvector's type, in a PostgreSQL that has the extension (`knowledge.pgvector`): made from the
table above where the extension is, in no migration and in no backup."""
