"""Kept answers with their sources; token vectors of passages."""

from alembic import op

from growthbench.store.migration_columns import BYTES, INT, TEXT, columns, key

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers",
        *columns("tenant_id answer_id question", TEXT),
        *columns("role", TEXT, True),
        *columns("body", TEXT),
        *columns("answered created_at", INT),
        key("answer_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "answer_sources",
        *columns("tenant_id answer_id", TEXT),
        *columns("number", INT),
        *columns("document_id passage_id quote", TEXT),
        *columns("cited", INT),
        key("answer_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("answer_sources_by_document", "answer_sources", ["tenant_id", "document_id"])
    op.create_table(
        "passage_tokens",
        *columns("tenant_id encoder content", TEXT),
        *columns("vectors spans", BYTES),
        key("encoder", "content"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("passage_tokens", "answer_sources", "answers"):
        op.drop_table(table)
