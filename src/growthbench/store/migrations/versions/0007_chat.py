"""Conversations, messages, feedback and escalations of the chat."""

from alembic import op

from growthbench.store.migration_columns import BYTES, INT, TEXT, columns, key

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


_TABLES = ("chat_conversations", "chat_messages", "chat_feedback", "chat_escalations")


def upgrade() -> None:
    op.create_table(
        "chat_conversations",
        *columns("tenant_id conversation_id person", TEXT),
        *columns("role", TEXT, True),
        *columns("turns", INT),
        *columns("memory", BYTES, True),
        *columns("started_at last_at", INT),
        key("conversation_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "chat_messages",
        *columns("tenant_id conversation_id", TEXT),
        *columns("number", INT),
        *columns("message_id person author", TEXT),
        *columns("sealed", BYTES),
        *columns("created_at", INT),
        key("conversation_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "chat_feedback",
        *columns("tenant_id reply_id conversation_id person", TEXT),
        *columns("thumbs", INT, True),
        *columns("sealed", BYTES, True),
        *columns("changed_at", INT),
        key("reply_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "chat_escalations",
        *columns("tenant_id escalation_id conversation_id reply_id person reason", TEXT),
        *columns("created_at", INT),
        key("escalation_id"),
        sqlite_with_rowid=False,
    )
    for table in _TABLES:
        op.create_index(f"{table}_by_person", table, ["tenant_id", "person"])
    op.create_index("chat_conversations_by_last", "chat_conversations", ["tenant_id", "last_at"])
    op.create_index("chat_messages_by_id", "chat_messages", ["tenant_id", "message_id"], unique=True)


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
