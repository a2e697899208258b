"""The log, the deployments and the predictions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INT = sa.BigInteger()
FLOAT = sa.Double()


def _columns(names: str, column_type, nullable: bool) -> list[sa.Column]:
    return [sa.Column(name, column_type, nullable=nullable, autoincrement=False) for name in names.split()]


def upgrade() -> None:
    op.create_table(
        "events",
        *_columns("tenant_id person", TEXT, False),
        *_columns("timestamp", INT, False),
        *_columns("event_id name", TEXT, False),
        *_columns("received_at seq day", INT, False),
        *_columns("session_id item_id category campaign channel currency", TEXT, True),
        *_columns("amount quantity", INT, True),
        *_columns("properties", TEXT, True),
        sa.PrimaryKeyConstraint("tenant_id", "person", "timestamp", "event_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("events_by_event_id", "events", ["tenant_id", "event_id"], unique=True)
    op.create_index("events_by_seq", "events", ["tenant_id", "seq"], unique=True)

    op.create_table(
        "event_values",
        *_columns("tenant_id person", TEXT, False),
        *_columns("timestamp", INT, False),
        *_columns("event_id key name", TEXT, False),
        *_columns("received_at seq", INT, False),
        *_columns("text_value", TEXT, True),
        *_columns("int_value", INT, True),
        sa.PrimaryKeyConstraint("tenant_id", "person", "timestamp", "event_id", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("event_values_by_seq", "event_values", ["tenant_id", "seq"])

    op.create_table(
        "log_heads",
        *_columns("tenant_id", TEXT, False),
        *_columns("seq received_at", INT, False),
        sa.PrimaryKeyConstraint("tenant_id"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "deployments",
        *_columns("tenant_id task champion", TEXT, False),
        *_columns("champion_run challenger challenger_run", TEXT, True),
        *_columns("share", FLOAT, False),
        *_columns("evidence", TEXT, False),
        *_columns("version changed_at", INT, False),
        sa.PrimaryKeyConstraint("tenant_id", "task"),
    )
    op.create_table(
        "deployment_history",
        *_columns("tenant_id task", TEXT, False),
        *_columns("version", INT, False),
        *_columns("action champion", TEXT, False),
        *_columns("champion_run challenger challenger_run", TEXT, True),
        *_columns("share", FLOAT, False),
        *_columns("evidence", TEXT, False),
        *_columns("parent", INT, True),
        *_columns("changed_at", INT, False),
        sa.PrimaryKeyConstraint("tenant_id", "task", "version"),
    )
    op.create_table(
        "predictions",
        *_columns("tenant_id prediction_id task", TEXT, False),
        *_columns("person given", TEXT, True),
        *_columns("moment horizon", INT, True),
        *_columns("feature_hash model_digest", TEXT, False),
        *_columns("run_id", TEXT, True),
        *_columns("margin", FLOAT, True),
        *_columns("score", FLOAT, False),
        *_columns("scores", sa.LargeBinary(), True),
        *_columns("band", TEXT, True),
        *_columns("confidence", FLOAT, False),
        *_columns("parts", TEXT, True),
        *_columns("created_at", INT, False),
        sa.PrimaryKeyConstraint("tenant_id", "prediction_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("predictions_by_person", "predictions", ["tenant_id", "person", "created_at"])


def downgrade() -> None:
    for table in ("predictions", "deployment_history", "deployments", "log_heads", "event_values", "events"):
        op.drop_table(table)
