"""Money: limits, accounts, reservations; language models: the trace of their calls and the response cache."""

import sqlalchemy as sa
from alembic import op

from growthbench.store.migration_columns import INT, TEXT, columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _make(name: str, key: str, *parts) -> None:
    op.create_table(name, *parts, sa.PrimaryKeyConstraint("tenant_id", *key.split()), sqlite_with_rowid=False)


def upgrade() -> None:
    _make(
        "ledger_limits",
        "purse scope period",
        *columns("tenant_id purse scope period", TEXT),
        *columns("amount changed_at", INT),
    )
    _make(
        "ledger_accounts",
        "purse account",
        *columns("tenant_id purse account", TEXT),
        *columns("held spent", INT),
    )
    _make(
        "ledger_reservations",
        "purse reservation_key",
        *columns("tenant_id purse reservation_key state", TEXT),
        *columns("held spent", INT),
        *columns("scopes accounts if_lost", TEXT),
        *columns("created_at expires_at", INT),
        *columns("settled_at", INT, True),
    )
    op.create_index("ledger_reservations_open", "ledger_reservations", ["tenant_id", "purse", "state", "expires_at"])
    _make(
        "llm_calls",
        "call_id",
        *columns("tenant_id call_id", TEXT),
        *columns("at", INT),
        *columns("agent run", TEXT, True),
        *columns("kind priority", TEXT),
        *columns("program", TEXT, True),
        *columns("model", TEXT),
        *columns("written_by", TEXT, True),
        *columns("state", TEXT),
        *columns("attempt input_tokens output_tokens cost latency_us cached prompt_bytes", INT),
        *columns("request_hash", TEXT),
        *columns("error", TEXT, True),
    )
    op.create_index("llm_calls_by_run", "llm_calls", ["tenant_id", "run"])
    op.create_index("llm_calls_by_time", "llm_calls", ["tenant_id", "at"])
    _make(
        "llm_replies",
        "model request_hash",
        *columns("tenant_id model request_hash reply", TEXT),
        *columns("created_at", INT),
    )
    op.create_index("llm_replies_by_age", "llm_replies", ["tenant_id", "created_at"])


def downgrade() -> None:
    for table in ("llm_replies", "llm_calls", "ledger_reservations", "ledger_accounts", "ledger_limits"):
        op.drop_table(table)
