"""The head of a tenant's log: what was given last, locked by whoever is about to give more."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, text

from growthbench.events.tables import log_heads


@dataclass(frozen=True)
class Head:
    """``seq`` and ``received_at`` that the log gave last; ``people_version`` grows when an id's meaning changes."""

    seq: int = 0
    received_at: int = 0
    people_version: int = 0


def lock_head(connection: Connection, tenant: str) -> Head:
    """Read the head inside a write transaction; nobody else gives numbers of this tenant until it ends."""
    # SQLite has one writer anyway. PostgreSQL: held until the commit, so that no one can commit an earlier number after
    # a later one was seen.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7276002, hashtext(:tenant))"), {"tenant": tenant})
    if (head := read_head(connection, tenant)) is None:
        connection.execute(insert(log_heads).values(tenant_id=tenant, seq=0, received_at=0, people_version=0))
        return Head()
    return head


def read_head(connection: Connection, tenant: str) -> Head | None:
    """The head as the connection's transaction sees it, None before the first event."""
    # Not built by SQLAlchemy: every commit of events comes here, and a built statement costs as much as ten of them.
    row = connection.exec_driver_sql(_READ[connection.dialect.name], (tenant,)).one_or_none()
    return None if row is None else Head(*row)


def move_head(connection: Connection, tenant: str, seq: int, received_at: int, people_changed: bool = False) -> None:
    """Write the head; its lock is held."""
    connection.exec_driver_sql(_MOVE[connection.dialect.name], (seq, received_at, int(people_changed), tenant))


_READ = {
    dialect: f"SELECT seq, received_at, people_version FROM log_heads WHERE tenant_id = {mark}"
    for dialect, mark in (("sqlite", "?"), ("postgresql", "%s"))
}
_MOVE = {
    dialect: f"UPDATE log_heads SET seq = {mark}, received_at = {mark}, people_version = people_version + {mark} "
    f"WHERE tenant_id = {mark}"
    for dialect, mark in (("sqlite", "?"), ("postgresql", "%s"))
}
