"""Tenants, keys and members; people and their consent; quarantine, webhooks, quotas, audit."""

import sqlalchemy as sa
from alembic import op

from growthbench.store.migration_columns import BYTES, INT, TEXT, columns, key

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _make(name: str, *parts) -> None:
    op.create_table(name, *parts, sqlite_with_rowid=False)


def upgrade() -> None:
    op.add_column("events", sa.Column("sealed", BYTES))
    op.add_column("log_heads", sa.Column("people_version", INT, nullable=False, server_default="0"))
    op.add_column("predictions", sa.Column("role", TEXT, nullable=False, server_default="champion"))

    _make(
        "tenants",
        *columns("tenant_id name plan config limits", TEXT),
        *columns("domain", TEXT, True),
        *columns("created_at changed_at", INT),
        key(),
    )
    _make(
        "api_keys",
        *columns("tenant_id key_id kind label hash", TEXT),
        *columns("signing", BYTES),
        *columns("created_at", INT),
        *columns("revoked_at", INT, True),
        *columns("replaces", TEXT, True),
        key("key_id"),
    )
    op.create_index("api_keys_by_id", "api_keys", ["key_id"], unique=True)
    _make(
        "members",
        *columns("tenant_id member_id email name role password", TEXT),
        *columns("team", TEXT, True),
        *columns("totp", BYTES, True),
        *columns("created_at changed_at", INT),
        *columns("disabled_at last_login", INT, True),
        key("member_id"),
    )
    op.create_index("members_by_email", "members", ["tenant_id", "email"], unique=True)
    _make("revoked_tokens", *columns("tenant_id token_id", TEXT), *columns("until", INT), key("token_id"))
    _make("quotas", *columns("tenant_id kind", TEXT), *columns("day used", INT), key("kind", "day"))
    _make(
        "audit",
        *columns("tenant_id", TEXT),
        *columns("number at", INT),
        *columns("actor action target detail previous digest", TEXT),
        key("number"),
    )

    _make(
        "people",
        *columns("tenant_id person", TEXT),
        *columns("sealed_key", BYTES, True),
        *columns("merged_into", TEXT, True),
        *columns("created_at", INT),
        key("person"),
    )
    op.create_index("people_by_root", "people", ["tenant_id", "merged_into"])
    _make(
        "identities",
        *columns("tenant_id kind lookup person", TEXT),
        *columns("sealed", BYTES),
        *columns("created_at seq", INT),
        key("kind", "lookup"),
    )
    op.create_index("identities_by_person", "identities", ["tenant_id", "person"])
    _make(
        "links",
        *columns("tenant_id person member", TEXT),
        *columns("seq received_at", INT),
        *columns("until_seq until_received_at", INT, True),
        *columns("reason", TEXT),
        key("person", "member", "seq"),
    )
    op.create_index("links_by_member", "links", ["tenant_id", "member"])
    _make(
        "profiles",
        *columns("tenant_id person", TEXT),
        *columns("first_seen last_seen", INT),
        *columns("session_start session_events events seq", INT),
        key("person"),
    )
    _make(
        "profile_traits",
        *columns("tenant_id person trait", TEXT),
        *columns("value", BYTES),
        *columns("timestamp seq", INT),
        key("person", "trait"),
    )
    _make("tail_heads", *columns("tenant_id reader", TEXT), *columns("seq", INT), key("reader"))

    _make(
        "consents",
        *columns("tenant_id person", TEXT),
        *columns("number", INT),
        *columns("purpose channel state source", TEXT),
        *columns("detail", TEXT, True),
        *columns("at received_at", INT),
        key("person", "number"),
    )
    _make(
        "erasures",
        *columns("tenant_id receipt_id person lookups stores digest", TEXT),
        *columns("requested_at done_at", INT),
        key("receipt_id"),
    )
    op.create_index("erasures_by_person", "erasures", ["tenant_id", "person"])
    _make(
        "erased_predictions",
        *columns("tenant_id prediction_id receipt_id", TEXT),
        *columns("erased_at", INT),
        key("prediction_id"),
    )
    _make(
        "quarantine",
        *columns("tenant_id quarantine_id reason source", TEXT),
        *columns("field", TEXT, True),
        *columns("lookups", TEXT),
        *columns("raw", BYTES),
        *columns("received_at", INT),
        *columns("replayed_at", INT, True),
        key("quarantine_id"),
    )

    _make(
        "channel_messages",
        *columns("tenant_id", TEXT),
        *columns("seq", INT),
        *columns("topic body", TEXT),
        *columns("person", TEXT, True),
        *columns("created_at", INT),
        key("seq"),
    )
    _make(
        "webhooks",
        *columns("tenant_id webhook_id url topics", TEXT),
        *columns("secret", BYTES),
        *columns("created_at", INT),
        *columns("disabled_at", INT, True),
        key("webhook_id"),
    )
    _make(
        "webhook_deliveries",
        *columns("tenant_id delivery_id webhook_id topic body state", TEXT),
        *columns("attempts next_at created_at", INT),
        *columns("person last_error", TEXT, True),
        key("delivery_id"),
    )
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["state", "next_at"])


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    for table, column in (("events", "sealed"), ("log_heads", "people_version"), ("predictions", "role")):
        op.drop_column(table, column)


_TABLES = (
    "webhook_deliveries",
    "webhooks",
    "channel_messages",
    "quarantine",
    "erased_predictions",
    "erasures",
    "consents",
    "tail_heads",
    "profile_traits",
    "profiles",
    "links",
    "identities",
    "people",
    "audit",
    "quotas",
    "revoked_tokens",
    "members",
    "api_keys",
    "tenants",
)
