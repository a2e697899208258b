"""Tables of kept answers and of the token vectors that rank and quote passages."""

from sqlalchemy import Column, Index, Table

from growthbench.store.tables import BYTES, INT, TEXT, metadata

answers = Table(
    "answers",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("answer_id", TEXT, primary_key=True),
    Column("question", TEXT, nullable=False),
    Column("role", TEXT),
    Column("body", TEXT, nullable=False),
    Column("answered", INT, nullable=False),
    Column("created_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""One row per answer that was kept; ``body`` is what `Answer.to_dict` gave."""

answer_sources = Table(
    "answer_sources",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("answer_id", TEXT, primary_key=True),
    Column("number", INT, primary_key=True, autoincrement=False),
    Column("document_id", TEXT, nullable=False),
    Column("passage_id", TEXT, nullable=False),
    Column("quote", TEXT, nullable=False),
    Column("cited", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""What an answer rests on: its citations (``cited`` 1) and what contradicted them (0)."""
Index("answer_sources_by_document", answer_sources.c.tenant_id, answer_sources.c.document_id)

passage_tokens = Table(
    "passage_tokens",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("encoder", TEXT, primary_key=True),
    Column("content", TEXT, primary_key=True),
    Column("vectors", BYTES, nullable=False),
    Column("spans", BYTES, nullable=False),
    sqlite_with_rowid=False,
)
"""Contextual token vectors by (encoder, text): eight bits and fewer dimensions than the model's."""
