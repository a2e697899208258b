"""Tables of what was written, of decisions about it, and of prompts in versions."""

from sqlalchemy import Column, Index, Table

from growthbench.store.tables import INT, TEXT, metadata

content_library = Table(
    "content_library",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("content_id", TEXT, primary_key=True),
    Column("version", INT, primary_key=True, autoincrement=False),
    Column("content_type", TEXT, nullable=False),
    Column("platform", TEXT),
    Column("title", TEXT, nullable=False),
    Column("body", TEXT, nullable=False),
    Column("parts", TEXT, nullable=False),
    Column("metadata", TEXT, nullable=False),
    Column("performance_score", INT),
    Column("variant_of", TEXT),
    Column("brand_check", TEXT, nullable=False),
    Column("created_by", TEXT, nullable=False),
    Column("created_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""One row per version of one asset; a version's text never changes. ``parts`` and ``metadata`` are JSON,
``performance_score`` counts hundredths, ``variant_of`` is the content_id of the piece's first variant."""
Index("content_library_by_time", content_library.c.tenant_id, content_library.c.created_at)

content_decisions = Table(
    "content_decisions",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("content_id", TEXT, primary_key=True),
    Column("number", INT, primary_key=True, autoincrement=False),
    Column("version", INT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("decided_by", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Appended to, never changed: the last row about a version is its status."""

prompt_versions = Table(
    "prompt_versions",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("program", TEXT, primary_key=True),
    Column("version", INT, primary_key=True, autoincrement=False),
    Column("state", TEXT, nullable=False),
    Column("digest", TEXT, nullable=False),
    Column("evidence", TEXT, nullable=False),
    Column("created_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Compiled state of a program as DSPy dumps it (JSON), with what was measured of it."""

prompts_served = Table(
    "prompts_served",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("program", TEXT, primary_key=True),
    Column("version", INT, nullable=False),
    Column("version_before", INT, nullable=False),
    Column("changed_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Which version of a program speaks; 0 is the program as it was written."""
