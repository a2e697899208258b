"""Tables of messages that leave, the live channel and the webhooks, and of how far readers have come."""

from sqlalchemy import Column, Index, Table

from growthbench.store.tables import BYTES, INT, TEXT, metadata

channel_messages = Table(
    "channel_messages",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("seq", INT, primary_key=True, autoincrement=False),
    Column("topic", TEXT, nullable=False),
    Column("body", TEXT, nullable=False),
    Column("person", TEXT),
    Column("created_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Messages of the topics scores, campaigns and alerts, numbered per tenant; the topic events is the log itself."""

tail_heads = Table(
    "tail_heads",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("reader", TEXT, primary_key=True),
    Column("seq", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""How far a reader of the log's tail has come; of the reader ``channel``: the last number given."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("webhook_id", TEXT, primary_key=True),
    Column("url", TEXT, nullable=False),
    Column("topics", TEXT, nullable=False),
    Column("secret", BYTES, nullable=False),
    Column("created_at", INT, nullable=False),
    Column("disabled_at", INT),
    sqlite_with_rowid=False,
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("delivery_id", TEXT, primary_key=True),
    Column("webhook_id", TEXT, nullable=False),
    Column("topic", TEXT, nullable=False),
    Column("body", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("attempts", INT, nullable=False),
    Column("next_at", INT, nullable=False),
    Column("created_at", INT, nullable=False),
    Column("person", TEXT),
    Column("last_error", TEXT),
    sqlite_with_rowid=False,
)
"""``state`` is waiting, delivered or given_up; ``delivery_id`` is the idempotency key a receiver sees."""
Index("webhook_deliveries_due", webhook_deliveries.c.state, webhook_deliveries.c.next_at)
