"""The log, the deployments and the predictions."""

import sqlalchemy as sa
from alembic import op

from growthbench.store.migration_columns import FLOAT, INT, TEXT, columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        *columns("tenant_id person", TEXT, False),
        *columns("timestamp", INT, False),
        *columns("event_id name", TEXT, False),
        *columns("received_at seq day", INT, False),
        *columns("session_id item_id category campaign channel currency", TEXT, True),
        *columns("amount quantity", INT, True),
        *columns("properties", TEXT, True),
        sa.PrimaryKeyConstraint("tenant_id", "person", "timestamp", "event_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("events_by_event_id", "events", ["tenant_id", "event_id"], unique=True)
    op.create_index("events_by_seq", "events", ["tenant_id", "seq"], unique=True)

    op.create_table(
        "event_values",
        *columns("tenant_id person", TEXT, False),
        *columns("timestamp", INT, False),
        *columns("event_id key name", TEXT, False),
        *columns("received_at seq", INT, False),
        *columns("text_value", TEXT, True),
        *columns("int_value", INT, True),
        sa.PrimaryKeyConstraint("tenant_id", "person", "timestamp", "event_id", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("event_values_by_seq", "event_values", ["tenant_id", "seq"])

    op.create_table(
        "log_heads",
        *columns("tenant_id", TEXT, False),
        *columns("seq received_at", INT, False),
        sa.PrimaryKeyConstraint("tenant_id"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "deployments",
        *columns("tenant_id task champion", TEXT, False),
        *columns("champion_run challenger challenger_run", TEXT, True),
        *columns("share", FLOAT, False),
        *columns("evidence", TEXT, False),
        *columns("version changed_at", INT, False),
        sa.PrimaryKeyConstraint("tenant_id", "task"),
    )
    op.create_table(
        "deployment_history",
        *columns("tenant_id task", TEXT, False),
        *columns("version", INT, False),
        *columns("action champion", TEXT, False),
        *columns("champion_run challenger challenger_run", TEXT, True),
        *columns("share", FLOAT, False),
        *columns("evidence", TEXT, False),
        *columns("parent", INT, True),
        *columns("changed_at", INT, False),
        sa.PrimaryKeyConstraint("tenant_id", "task", "version"),
    )
    op.create_table(
        "predictions",
        *columns("tenant_id prediction_id task", TEXT, False),
        *columns("person given", TEXT, True),
        *columns("moment horizon", INT, True),
        *columns("feature_hash model_digest", TEXT, False),
        *columns("run_id", TEXT, True),
        *columns("margin", FLOAT, True),
        *columns("score", FLOAT, False),
        *columns("scores", sa.LargeBinary(), True),
        *columns("band", TEXT, True),
        *columns("confidence", FLOAT, False),
        *columns("parts", TEXT, True),
        *columns("created_at", INT, False),
        sa.PrimaryKeyConstraint("tenant_id", "prediction_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("predictions_by_person", "predictions", ["tenant_id", "person", "created_at"])


def downgrade() -> None:
    for table in ("predictions", "deployment_history", "deployments", "log_heads", "event_values", "events"):
        op.drop_table(table)
