"""The content library, decisions about it, and prompts in versions."""

from alembic import op

from growthbench.store.migration_columns import INT, TEXT, columns, key

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "content_library",
        *columns("tenant_id content_id", TEXT),
        *columns("version", INT),
        *columns("content_type", TEXT),
        *columns("platform", TEXT, True),
        *columns("title body parts metadata", TEXT),
        *columns("performance_score", INT, True),
        *columns("variant_of", TEXT, True),
        *columns("brand_check created_by", TEXT),
        *columns("created_at", INT),
        key("content_id", "version"),
        sqlite_with_rowid=False,
    )
    op.create_index("content_library_by_time", "content_library", ["tenant_id", "created_at"])
    op.create_table(
        "content_decisions",
        *columns("tenant_id content_id", TEXT),
        *columns("number version", INT),
        *columns("status decided_by reason", TEXT),
        *columns("at", INT),
        key("content_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prompt_versions",
        *columns("tenant_id program", TEXT),
        *columns("version", INT),
        *columns("state digest evidence", TEXT),
        *columns("created_at", INT),
        key("program", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prompts_served",
        *columns("tenant_id program", TEXT),
        *columns("version version_before changed_at", INT),
        key("program"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("prompts_served", "prompt_versions", "content_decisions", "content_library"):
        op.drop_table(table)
