"""Who is one person with whom: merges and unmerges, each an entry of the log with a number of its own.

Events stay with the person they came in with. A merge only says, from its number on, that the member's events count as
another person's; an unmerge ends that from its number on. Links are flat: whoever merges a person that has members of
its own takes them over by a row each, and the older rows stay, so that taking the two apart restores both as they were.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.events.heads import lock_head, move_head
from growthbench.events.tables import events, log_heads
from growthbench.people.directory import MERGE, Directory, Ident
from growthbench.people.tables import identities, links, people, profile_traits, profiles
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring

MOST_MEMBERS = 50
"""A shared device or a careless client must not pull a whole town into one person."""


@dataclass(frozen=True)
class Change:
    """A merge or unmerge that was done.

    Attributes
    ----------
    into, member : Ident
        As they were named.
    person, other : str
        Their person keys: of whom the member's events count as now (or did until now), and of the member.
    members : int
        How many members the person has now.
    seq : int
        The number it has in the log.
    """

    into: Ident
    member: Ident
    person: str
    other: str
    members: int
    seq: int

    def told(self) -> dict[str, Any]:
        """As a caller gets it, without person keys."""
        return {"into": str(self.into), "member": str(self.member), "members": self.members, "seq": self.seq}


def merge(
    store: Store, keyring: Keyring, tenant: str, into: Ident, member: Ident, reason: str = "asked for"
) -> dict[str, Any]:
    """`join` in a transaction of its own."""
    with store.writing() as connection:
        return join(connection, Directory(store, keyring, tenant), into, member, reason).told()


def unmerge(store: Store, keyring: Keyring, tenant: str, into: Ident, member: Ident) -> dict[str, Any]:
    """`part` in a transaction of its own."""
    with store.writing() as connection:
        return part(connection, Directory(store, keyring, tenant), into, member).told()


def join(connection: Connection, directory: Directory, into: Ident, member: Ident, reason: str) -> Change:
    """Let the member's events count as the other's, because somebody who may says so.

    Raises
    ------
    NotFoundError
        Nobody has one of the ids.
    ConflictError
        They are one person already, or would have more than `MOST_MEMBERS` members.
    """
    tenant, head = directory.tenant, lock_head(connection, directory.tenant)
    person, other = (_root(connection, tenant, p) for p in _people(connection, directory, into, member))
    if refusal := _refusal(connection, tenant, person, other, explicit=True):
        raise ConflictError(f"{member} cannot become {into}: {refusal}")
    seq, received_at = head.seq + 1, max(now_us(), head.received_at)
    move_head(connection, tenant, seq, received_at)
    members = _join(connection, tenant, person, other, seq, received_at, reason)
    return Change(into, member, person, other, members, seq)


def part(connection: Connection, directory: Directory, into: Ident, member: Ident) -> Change:
    """Let a member be somebody of their own again, together with those who came with it.

    Raises
    ------
    NotFoundError
        Nobody has one of the ids.
    ConflictError
        The member was not merged into the other.
    """
    tenant, head = directory.tenant, lock_head(connection, directory.tenant)
    person, other = _people(connection, directory, into, member)
    root = _root(connection, tenant, person)
    if person == other:
        raise ConflictError(f"{member} and {into} are ids of one person, which no merge made")
    if other == root or _root(connection, tenant, other) != root:
        raise ConflictError(f"{member} is not merged into {into}")
    seq, received_at = head.seq + 1, max(now_us(), head.received_at)
    move_head(connection, tenant, seq, received_at)
    members = _part(connection, tenant, root, other, seq, received_at)
    return Change(into, member, root, other, members, seq)


def merge_in(
    connection: Connection, tenant: str, person: str, member: str, seq: int, received_at: int, reason: str
) -> bool:
    """Merge because an event says so, inside the transaction that writes the event (it holds the log's head).

    Parameters
    ----------
    person, member : str
        Person keys; their roots are merged.
    seq, received_at : int
        Of the event.

    Returns
    -------
    bool
        False if nothing was done: they are one already, both have user ids, somebody took them apart before, or the
        person would have more than `MOST_MEMBERS` members.
    """
    person, member = _root(connection, tenant, person), _root(connection, tenant, member)
    if _refusal(connection, tenant, person, member, explicit=False):
        return False
    _join(connection, tenant, person, member, seq, received_at, reason)
    return True


def _people(connection: Connection, directory: Directory, into: Ident, member: Ident) -> list[str]:
    """Persons of the two ids; in logs whose people have no ids they are named by their keys."""
    if into == member:
        raise BadInputError("a person cannot be merged with itself", field="member")
    found = directory.find([into, member], connection)
    for place, (ident, field) in enumerate(((into, "into"), (member, "member"))):
        if found[place] is None:
            if ident.kind != "user" or not _in_log(connection, directory.tenant, ident.value):
                raise NotFoundError(f"nobody has the id {str(ident)!r} ({field})")
            found[place] = ident.value
    return found


def _in_log(connection: Connection, tenant: str, person: str) -> bool:
    mine = (events.c.tenant_id == tenant, events.c.person == person)
    return connection.execute(select(events.c.seq).where(*mine).limit(1)).first() is not None


def _root(connection: Connection, tenant: str, person: str) -> str:
    mine = (people.c.tenant_id == tenant, people.c.person == person)
    return connection.execute(select(people.c.merged_into).where(*mine)).scalar() or person


def _group(connection: Connection, tenant: str, person: str) -> list[str]:
    """A person and everybody who came with it, also while it belongs to somebody else itself."""
    mine = (links.c.tenant_id == tenant, links.c.person == person, links.c.until_seq.is_(None))
    return [person, *connection.execute(select(links.c.member).where(*mine).order_by(links.c.member)).scalars()]


def _refusal(connection: Connection, tenant: str, person: str, member: str, explicit: bool) -> str | None:
    """Why two roots may not be merged, None if they may."""
    if person == member:
        return "they are one person already"
    ours, theirs = _group(connection, tenant, person), _group(connection, tenant, member)
    if len(ours) - 1 + len(theirs) > MOST_MEMBERS:
        return f"a person has at most {MOST_MEMBERS} members"
    if explicit:
        return None
    if _has_user(connection, tenant, ours) and _has_user(connection, tenant, theirs):
        return "both have user ids"
    apart = select(links.c.seq).where(
        links.c.tenant_id == tenant,
        links.c.person.in_([person, member]),
        links.c.member.in_([person, member]),
        links.c.until_seq.is_not(None),
    )
    return "they were taken apart" if connection.execute(apart.limit(1)).first() is not None else None


def _has_user(connection: Connection, tenant: str, persons: Sequence[str]) -> bool:
    theirs = (identities.c.tenant_id == tenant, identities.c.person.in_(persons), identities.c.kind == "user")
    return connection.execute(select(identities.c.lookup).where(*theirs).limit(1)).first() is not None


def _join(
    connection: Connection, tenant: str, person: str, member: str, seq: int, received_at: int, reason: str
) -> int:
    """Write the links of a merge of two roots; returns how many members the person has then."""
    moving = _group(connection, tenant, member)
    row = {"tenant_id": tenant, "person": person, "seq": seq, "received_at": received_at, "reason": reason[:200]}
    connection.execute(insert(links), [{**row, "member": one} for one in moving])
    _belong(connection, tenant, moving, person)
    _changed(connection, tenant, [person, *moving])
    return len(_group(connection, tenant, person)) - 1


def _part(connection: Connection, tenant: str, root: str, member: str, seq: int, received_at: int) -> int:
    """End the links that hold a member's group to others; returns how many members the root has then."""
    leaving = _group(connection, tenant, member)
    holding = (links.c.tenant_id == tenant, links.c.member.in_(leaving), links.c.person.not_in(leaving))
    ended = update(links).where(*holding, links.c.until_seq.is_(None))
    connection.execute(ended.values(until_seq=seq, until_received_at=received_at))
    _belong(connection, tenant, leaving[:1], None)
    _belong(connection, tenant, leaving[1:], member)
    _changed(connection, tenant, [root, *leaving])
    return len(_group(connection, tenant, root)) - 1


def _belong(connection: Connection, tenant: str, persons: Sequence[str], root: str | None) -> None:
    if not persons:
        return
    known = people.c.tenant_id == tenant, people.c.person.in_(persons)
    missing = set(persons) - set(connection.execute(select(people.c.person).where(*known)).scalars())
    if missing:  # people without ids
        row = {"tenant_id": tenant, "merged_into": None, "created_at": now_us()}
        connection.execute(insert(people), [{**row, "person": person} for person in sorted(missing)])
    connection.execute(update(people).where(*known).values(merged_into=root))


def _changed(connection: Connection, tenant: str, persons: Sequence[str]) -> None:
    """Profiles of these people begin anew at their next event or reading; who remembers roots asks again."""
    lock_profiles(connection, tenant)
    for table in (profile_traits, profiles):
        connection.execute(table.delete().where(table.c.tenant_id == tenant, table.c.person.in_(persons)))
    version = log_heads.c.people_version + MERGE
    connection.execute(update(log_heads).where(log_heads.c.tenant_id == tenant).values(people_version=version))


def lock_profiles(connection: Connection, tenant: str) -> None:
    """Keep other writers of the tenant's profiles out until the transaction ends; the head's lock goes first."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7276003, hashtext(:tenant))"), {"tenant": tenant})
