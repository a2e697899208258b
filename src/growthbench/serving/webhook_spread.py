"""From the topics into deliveries: each webhook keeps its place, which moves with the deliveries made up to it."""

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import now_us
from growthbench.base.ids import digest
from growthbench.events.tables import events
from growthbench.serving.bus import Heads
from growthbench.serving.webhooks import WAITING, Webhook, reader_of
from growthbench.store.engine import Store
from growthbench.store.message_tables import channel_messages, webhook_deliveries, webhooks
from growthbench.store.messages import set_reader

_PAGE, _MOST_WAITING = 200, 2_000
_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def spread(store: Store, hook: Webhook, stream: str, heads: Heads) -> bool:
    """Make a page of deliveries for one webhook; whether there is more.

    A webhook whose deliveries are not taken does not fill the store: what it has not been told waits in the log.
    """
    head, reader = getattr(heads, stream), reader_of(hook.webhook_id, stream)
    with store.writing() as connection:
        # Adding nothing locks the row: no other worker spreads the same page.
        position = set_reader(connection, hook.tenant_id, reader, 0, add=True)
        if position >= head or not _exists(connection, hook):
            return False
        if _waiting(connection, hook) >= _MOST_WAITING:
            return True
        rows, last = _page(connection, hook, stream, position, head)
        if rows:
            put = _INSERT[store.dialect](webhook_deliveries).on_conflict_do_nothing()
            connection.execute(put, rows)
        set_reader(connection, hook.tenant_id, reader, last)
    return last < head


def _page(
    connection: Connection, hook: Webhook, stream: str, position: int, head: int
) -> tuple[list[dict[str, Any]], int]:
    """Deliveries of the next messages, and how far they go.

    Of an event only its number is kept: what it says stays in the log alone.
    """
    if stream == "events":
        c = events.c
        query = select(c.seq, c.person).where(c.tenant_id == hook.tenant_id, c.seq > position, c.seq <= head)
        told = connection.execute(query.order_by(c.seq).limit(_PAGE))
        found = [("events", seq, person, {"seq": seq}) for seq, person in told]
    else:
        m = channel_messages.c
        query = select(m.topic, m.seq, m.person, m.created_at, m.body).where(
            m.tenant_id == hook.tenant_id, m.seq > position, m.seq <= head, m.topic.in_(hook.topics)
        )
        told = connection.execute(query.order_by(m.seq).limit(_PAGE))
        found = [(t, seq, p, {"seq": seq, "at": at, "body": msgspec.json.decode(b)}) for t, seq, p, at, b in told]
    now, shared = now_us(), {"tenant_id": hook.tenant_id, "webhook_id": hook.webhook_id}
    rows = [
        {**shared, "delivery_id": _delivery_id(hook, topic, seq), "topic": topic,
         "body": msgspec.json.encode(kept).decode(), "state": WAITING, "attempts": 0, "next_at": now,
         "created_at": now, "person": person}
        for topic, seq, person, kept in found
    ]  # fmt: skip
    return rows, found[-1][1] if len(found) == _PAGE else head


def _delivery_id(hook: Webhook, topic: str, seq: int) -> str:
    """The same for the same message, whoever makes the delivery."""
    return f"whd_{digest(hook.tenant_id, hook.webhook_id, topic, str(seq))[:24]}"


def _exists(connection: Connection, hook: Webhook) -> bool:
    """Whether the webhook is there still, and wants to be told."""
    c = webhooks.c
    query = select(c.webhook_id).where(c.tenant_id == hook.tenant_id, c.webhook_id == hook.webhook_id)
    return connection.execute(query.where(c.disabled_at.is_(None))).first() is not None


def _waiting(connection: Connection, hook: Webhook) -> int:
    c = webhook_deliveries.c
    query = select(func.count()).where(
        c.state == WAITING, c.tenant_id == hook.tenant_id, c.webhook_id == hook.webhook_id
    )
    return connection.execute(query).scalar_one()
