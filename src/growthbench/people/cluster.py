"""All keys of one person: the root, and the members that were merged into it."""

from sqlalchemy import Connection, select

from growthbench.people.tables import people


def cluster(connection: Connection, tenant: str, person: str) -> list[str]:
    """Keys of the person whom a key belongs to now, the root first; a key that nobody knows stands alone."""
    mine = people.c.tenant_id == tenant
    row = connection.execute(select(people.c.merged_into).where(mine, people.c.person == person)).one_or_none()
    root = person if row is None or row.merged_into is None else row.merged_into
    members = select(people.c.person).where(mine, people.c.merged_into == root).order_by(people.c.person)
    return [root, *connection.execute(members).scalars()]
