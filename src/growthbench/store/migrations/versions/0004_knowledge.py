"""Documents, passages and their vectors."""

from alembic import op

from growthbench.store.migration_columns import BYTES, INT, TEXT, columns, key

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knowledge_heads",
        *columns("tenant_id", TEXT),
        *columns("version", INT),
        key(),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "knowledge_documents",
        *columns("tenant_id document_id collection title text source", TEXT),
        *columns("date", TEXT, True),
        *columns("roles metadata", TEXT),
        *columns("origin", TEXT, True),
        *columns("digest content", TEXT),
        *columns("version changed_at", INT),
        key("document_id"),
    )
    op.create_index("knowledge_documents_by_origin", "knowledge_documents", ["tenant_id", "origin"])
    op.create_table(
        "knowledge_passages",
        *columns("tenant_id document_id", TEXT),
        *columns("start stop", INT),
        *columns("passage_id headings content", TEXT),
        key("document_id", "start"),
        sqlite_with_rowid=False,
    )
    op.create_index("knowledge_passages_by_content", "knowledge_passages", ["tenant_id", "content"])
    op.create_table(
        "knowledge_vectors",
        *columns("tenant_id encoder content", TEXT),
        *columns("vector", BYTES),
        key("encoder", "content"),
    )


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS knowledge_pgvectors")  # made beside the migrations where pgvector is
    for table in ("knowledge_vectors", "knowledge_passages", "knowledge_documents", "knowledge_heads"):
        op.drop_table(table)
