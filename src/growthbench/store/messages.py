"""Messages that leave are written inside the transaction of what they tell: both are there, or neither is.

Each gets the next number of its tenant, which nobody else is given until that transaction ends. So numbers come in the
order of commits, and whoever follows them misses none, whichever process wrote them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError
from growthbench.store.message_tables import channel_messages, tail_heads

TOPICS = ("events", "scores", "campaigns", "alerts")
HEAD = "channel"
"""The row of ``tail_heads`` that holds a tenant's last number."""


class Message(NamedTuple):
    """Something to tell. ``body`` holds no ids of people: ``person`` is their key, named only when it is sent."""

    topic: str
    tenant: str
    body: dict[str, Any]
    person: str | None = None


def write_messages(connection: Connection, messages: Sequence[Message]) -> list[int]:
    """Write messages inside the caller's transaction; returns their numbers.

    Raises
    ------
    BadInputError
        A topic has no messages: ``events`` is the log itself.
    """
    seqs: dict[int, int] = {}
    rows, now = [], now_us()
    for tenant in sorted({m.tenant for m in messages}):  # sorted: two transactions never wait for each other
        mine = [m for m in messages if m.tenant == tenant]
        last = take_numbers(connection, tenant, len(mine))
        for seq, message in enumerate(mine, last - len(mine) + 1):
            if message.topic not in TOPICS[1:]:
                raise BadInputError(f"topic must be one of {', '.join(TOPICS[1:])}, found {message.topic!r}")
            seqs[id(message)] = seq
            body = msgspec.json.encode(message.body).decode()
            rows.append({"tenant_id": tenant, "seq": seq, "topic": message.topic, "body": body,
                         "person": message.person, "created_at": now})  # fmt: skip
    connection.execute(insert(channel_messages), rows)
    return [seqs[id(m)] for m in messages]


def take_numbers(connection: Connection, tenant: str, n: int = 0) -> int:
    """Give ``n`` numbers of a tenant's channel; the last one. Nobody else gives any until the transaction ends."""
    return set_reader(connection, tenant, HEAD, n, add=True)


def set_reader(connection: Connection, tenant: str, reader: str, seq: int, add: bool = False) -> int:
    """Set or advance a row of ``tail_heads``; its new value."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    put = dialect.insert(tail_heads).values(tenant_id=tenant, reader=reader, seq=seq)
    value = tail_heads.c.seq + put.excluded.seq if add else put.excluded.seq
    put = put.on_conflict_do_update(index_elements=["tenant_id", "reader"], set_={"seq": value})
    return connection.execute(put.returning(tail_heads.c.seq)).scalar_one()
