"""How far a tenant's log had come, as a transaction sees it."""

from sqlalchemy import Connection, select

from growthbench.events.tables import log_heads


def read_horizon(connection: Connection, tenant: str) -> int:
    """The last ``seq`` of a tenant as the connection's transaction sees it."""
    query = select(log_heads.c.seq).where(log_heads.c.tenant_id == tenant)
    return connection.execute(query).scalar() or 0
