"""Tables of tenants: who they are, their keys and members, what they used up, what was done."""

from sqlalchemy import Column, Index, Table

from growthbench.store.tables import BYTES, INT, TEXT, metadata

tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("plan", TEXT, nullable=False),
    Column("config", TEXT, nullable=False),
    Column("limits", TEXT, nullable=False),
    Column("domain", TEXT),
    Column("created_at", INT, nullable=False),
    Column("changed_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""``config`` is JSON (branding, event names, thresholds of webhooks ...), ``limits`` JSON that overrides the plan's."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("key_id", TEXT, primary_key=True),
    Column("kind", TEXT, nullable=False),
    Column("label", TEXT, nullable=False),
    Column("hash", TEXT, nullable=False),
    Column("signing", BYTES, nullable=False),
    Column("created_at", INT, nullable=False),
    Column("revoked_at", INT),
    Column("replaces", TEXT),
    sqlite_with_rowid=False,
)
"""``kind`` is write or secret; ``hash`` the SHA-256 of the whole key; ``signing`` its sealed secret for signed
requests; ``revoked_at`` may lie in the future: a rotated key lives on for a while."""
Index("api_keys_by_id", api_keys.c.key_id, unique=True)

members = Table(
    "members",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("member_id", TEXT, primary_key=True),
    Column("email", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("role", TEXT, nullable=False),
    Column("password", TEXT, nullable=False),
    Column("team", TEXT),
    Column("totp", BYTES),
    Column("created_at", INT, nullable=False),
    Column("changed_at", INT, nullable=False),
    Column("disabled_at", INT),
    Column("last_login", INT),
    sqlite_with_rowid=False,
)
"""People who work with a tenant's data; ``password`` is an argon2 hash, ``totp`` the second factor's sealed seed."""
Index("members_by_email", members.c.tenant_id, members.c.email, unique=True)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("token_id", TEXT, primary_key=True),
    Column("until", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""Tokens that no longer count, until they would have expired anyway; ``token_id`` ``member:ID`` revokes all of one
member's that were issued before ``until`` minus their lifetime."""

quotas = Table(
    "quotas",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("kind", TEXT, primary_key=True),
    Column("day", INT, primary_key=True, autoincrement=False),
    Column("used", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""What is used or leased of a quota: ``kind`` is calls or events, ``day`` counts UTC days since 1970."""

audit = Table(
    "audit",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("number", INT, primary_key=True, autoincrement=False),
    Column("at", INT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("target", TEXT, nullable=False),
    Column("detail", TEXT, nullable=False),
    Column("previous", TEXT, nullable=False),
    Column("digest", TEXT, nullable=False),
    sqlite_with_rowid=False,
)
"""What was done by whom; each row's digest covers the one before. No personal data: targets are keys, not ids."""
