"""Numbers of the log that an erasure frees: gaps that are meant, so that others can be told from them."""

from sqlalchemy import Connection, func, select, union

from growthbench.events.tables import events
from growthbench.people.subject import Subject
from growthbench.people.tables import links

_PAGE = 500


def numbers_of(connection: Connection, subject: Subject) -> set[int]:
    """Numbers of the subject's events and links."""
    mine = (events.c.tenant_id == subject.tenant, events.c.person.in_(subject.persons))
    found = set(connection.execute(select(events.c.seq).where(*mine)).scalars())
    either = links.c.person.in_(subject.persons) | links.c.member.in_(subject.persons)
    rows = connection.execute(select(links.c.seq, links.c.until_seq).where(links.c.tenant_id == subject.tenant, either))
    return found | {number for row in rows for number in row if number is not None}


def freed(connection: Connection, tenant: str, numbers: set[int]) -> int:
    """How many of some numbers nothing has any more."""
    left, ordered = set(numbers), sorted(numbers)
    for start in range(0, len(ordered), _PAGE):
        some = ordered[start : start + _PAGE]
        still = union(
            *(
                select(column).where(column.table.c.tenant_id == tenant, column.in_(some))
                for column in (events.c.seq, links.c.seq, links.c.until_seq)
            )
        )
        left -= set(connection.execute(still).scalars())
    return len(left)


def missing(connection: Connection, tenant: str, upto: int) -> int:
    """How many numbers from 1 to the log's last nothing has."""
    used = union(
        *(
            select(column.label("number")).where(column.table.c.tenant_id == tenant, column.is_not(None))
            for column in (events.c.seq, links.c.seq, links.c.until_seq)
        )
    ).subquery()
    return upto - connection.execute(select(func.count()).select_from(used)).scalar_one()
