"""Tables of money: what may be spent, what is held and spent, who asked for it; and of what language models were asked.

Amounts are integer micro-units of the purse's currency (1 USD = 1,000,000).
"""

from sqlalchemy import Column, Index, Table

from growthbench.store.tables import INT, TEXT, metadata

ledger_limits = Table(
    "ledger_limits",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("purse", TEXT, primary_key=True),
    Column("scope", TEXT, primary_key=True),
    Column("period", TEXT, primary_key=True),
    Column("amount", INT, nullable=False),
    Column("changed_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""``scope`` is tenant, agent (each of them), agent:NAME, run (each) or run:NAME; ``period`` is total, month or day."""

ledger_accounts = Table(
    "ledger_accounts",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("purse", TEXT, primary_key=True),
    Column("account", TEXT, primary_key=True),
    Column("held", INT, nullable=False),
    Column("spent", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""One row per scope and period, such as ``agent:writer``, ``agent:writer/2026-11``, ``tenant/2026-11-21``; the row
``tenant`` is also the lock of a tenant's purse."""

ledger_reservations = Table(
    "ledger_reservations",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("purse", TEXT, primary_key=True),
    Column("reservation_key", TEXT, primary_key=True),
    Column("state", TEXT, nullable=False),
    Column("held", INT, nullable=False),
    Column("spent", INT, nullable=False),
    Column("scopes", TEXT, nullable=False),
    Column("accounts", TEXT, nullable=False),
    Column("if_lost", TEXT, nullable=False),
    Column("created_at", INT, nullable=False),
    Column("expires_at", INT, nullable=False),
    Column("settled_at", INT),
    sqlite_with_rowid=False,
)
"""``state`` is open, committed, released or lapsed; ``if_lost`` says what a lapse does: release or book."""
Index(
    "ledger_reservations_open",
    ledger_reservations.c.tenant_id,
    ledger_reservations.c.purse,
    ledger_reservations.c.state,
    ledger_reservations.c.expires_at,
)

llm_calls = Table(
    "llm_calls",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("call_id", TEXT, primary_key=True),
    Column("at", INT, nullable=False),
    Column("agent", TEXT),
    Column("run", TEXT),
    Column("kind", TEXT, nullable=False),
    Column("priority", TEXT, nullable=False),
    Column("program", TEXT),
    Column("model", TEXT, nullable=False),
    Column("written_by", TEXT),
    Column("state", TEXT, nullable=False),
    Column("attempt", INT, nullable=False),
    Column("input_tokens", INT, nullable=False),
    Column("output_tokens", INT, nullable=False),
    Column("cost", INT, nullable=False),
    Column("latency_us", INT, nullable=False),
    Column("cached", INT, nullable=False),
    Column("prompt_bytes", INT, nullable=False),
    Column("request_hash", TEXT, nullable=False),
    Column("error", TEXT),
    sqlite_with_rowid=False,
)
"""The trace of every attempt to have something written. ``state`` is open, answered, failed (nothing was billed), lost
(what was billed is not known: booked at its upper bound), and for what costs nothing cached, offline or replayed."""
Index("llm_calls_by_run", llm_calls.c.tenant_id, llm_calls.c.run)
Index("llm_calls_by_time", llm_calls.c.tenant_id, llm_calls.c.at)

llm_replies = Table(
    "llm_replies",
    metadata,
    Column("tenant_id", TEXT, primary_key=True),
    Column("model", TEXT, primary_key=True),
    Column("request_hash", TEXT, primary_key=True),
    Column("reply", TEXT, nullable=False),
    Column("created_at", INT, nullable=False),
    sqlite_with_rowid=False,
)
"""The response cache: replies as they came back, personal data still masked."""
Index("llm_replies_by_age", llm_replies.c.tenant_id, llm_replies.c.created_at)
