"""Events on their way in: whose they are is found, what they tell is sealed under their person's key, in one go."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from growthbench.base.clock import now_us
from growthbench.events.appending import append_rows, known_ids
from growthbench.events.heads import Head, lock_head
from growthbench.events.segment import Incoming
from growthbench.people import quarantine
from growthbench.people.bulk import rows_with
from growthbench.people.directory import Directory, Ident
from growthbench.people.links import merge_in
from growthbench.people.quarantine import Refused
from growthbench.people.vault import fresh_nonces


@dataclass
class Batch:
    """What one request brings for one tenant."""

    tenant: str
    events: list[Incoming]
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True)
class Taken:
    """What became of a batch: counts of events, and the log's last ``seq`` after its transaction."""

    new: int
    duplicates: int
    refused: int
    horizon: int


class Intake:
    """Writes batches of events; a `Writer` of the group commit.

    The tenant's batches of one transaction are taken together: one query for the ids nobody remembers, one for
    duplicates, one insert.

    Parameters
    ----------
    make_directory : callable
        Gives the directory of a tenant.
    """

    def __init__(self, make_directory: Callable[[str], Directory]):
        self._directory = make_directory

    def write(self, connection: Connection, batches: Sequence[Batch]) -> list[Taken]:
        """Write batches inside the caller's transaction."""
        taken: dict[int, Taken] = {}
        for tenant in dict.fromkeys(b.tenant for b in batches):
            mine = [b for b in batches if b.tenant == tenant]
            taken |= {id(b): t for b, t in zip(mine, self._take(connection, tenant, mine))}
        return [taken[id(b)] for b in batches]

    def _take(self, connection: Connection, tenant: str, batches: list[Batch]) -> list[Taken]:
        head = lock_head(connection, tenant)
        directory = self._directory(tenant)
        directory.check(head.people_version)
        known = known_ids(connection, tenant, [e.row.event_id for b in batches for e in b.events])
        seen, fresh, new_of = set(known), [], []
        for batch in batches:
            before = len(fresh)
            for event in batch.events:
                if event.row.event_id not in seen:
                    seen.add(event.row.event_id)
                    fresh.append(event)
            new_of.append(len(fresh) - before)
        horizon = head.seq
        if fresh:
            self._rename(connection, tenant, fresh)
            joined = self._name(connection, directory, fresh, head)
            horizon = append_rows(connection, tenant, [e.row for e in fresh], head, known).horizon
            for person, member, seq, reason in joined:
                merge_in(connection, tenant, person, member, seq, max(now_us(), head.received_at), reason)
        for batch in batches:
            if batch.refused:
                quarantine.keep(connection, tenant, batch.refused)
        return [Taken(n, len(b.events) - n, len(b.refused), horizon) for b, n in zip(batches, new_of)]

    def _rename(self, connection: Connection, tenant: str, fresh: list[Incoming]) -> None:
        """Give events the names that the tenant's configuration has for them."""
        rows = rows_with(connection, "SELECT config FROM tenants WHERE tenant_id = {tenant}", tenant)
        if not rows or rows[0][0] is None or '"event_names"' not in rows[0][0]:
            return
        names = json.loads(rows[0][0]).get("event_names") or {}
        for event in fresh:
            event.row.name = names.get(event.row.name, event.row.name)

    def _name(
        self, connection: Connection, directory: Directory, fresh: list[Incoming], head: Head
    ) -> list[tuple[str, str, int, str]]:
        """Give each event its person and seal it; returns the merges that events bring: person, member, seq, reason."""
        users = {event.user: "" for event in fresh if event.user is not None}
        idents = [Ident("user", user) for user in users]
        users = dict(zip(users, directory.resolve(connection, idents, head.seq + 1))) if users else {}
        others = self._others(connection, directory, fresh, users, head)
        joins: dict[tuple[str, str], tuple[str, str, int, str]] = {}
        for place, event in enumerate(fresh):
            if event.user is None:
                event.row.person = others[Ident("anonymous", event.anonymous)]
                continue
            person = event.row.person = users[event.user]
            for other, reason in _also(event):
                if (member := others[other]) != person:
                    joins.setdefault((person, member), (person, member, head.seq + 1 + place, reason))
        keys = directory.keys(connection, {e.row.person for e in fresh})
        for event, nonce in zip(fresh, fresh_nonces(len(fresh))):
            event.row.sealed = keys[event.row.person].seal(event.raw, nonce)
        return self._unjoined(connection, directory, list(joins.values()))

    def _unjoined(self, connection: Connection, directory: Directory, joins: list) -> list:
        """Those merges that are not in force already."""
        if not joins:
            return []
        roots = directory.roots([p for person, member, *_ in joins for p in (person, member)], connection)
        return [join for i, join in enumerate(joins) if roots[2 * i] != roots[2 * i + 1]]

    def _others(
        self, connection: Connection, directory: Directory, fresh: list[Incoming], users: dict[str, str], head: Head
    ) -> dict[Ident, str]:
        """Persons of anonymous and previous ids; one first seen beside a user id is that user's from the start."""
        beside: dict[Ident, str | None] = {}
        for event in fresh:
            if event.user is None:
                beside.setdefault(Ident("anonymous", event.anonymous), None)
            else:
                for ident, _ in _also(event):
                    beside.setdefault(ident, users[event.user])
        idents = list(beside)
        found = dict(zip(idents, directory.find(idents, connection))) if idents else {}
        pairs = [(i, beside[i]) for i in idents if found[i] is None and beside[i] is not None]
        if pairs:
            directory.attach(connection, pairs, head.seq + 1)
        alone = [i for i in idents if found[i] is None and beside[i] is None]
        made = dict(zip(alone, directory.resolve(connection, alone, head.seq + 1))) if alone else {}
        return found | dict(pairs) | made


def _also(event: Incoming) -> Sequence[tuple[Ident, str]]:
    """Ids that an event names beside its user's."""
    if event.anonymous is None and event.previous is None:
        return ()
    found = []
    if event.anonymous is not None:
        found.append((Ident("anonymous", event.anonymous), "identify"))
    if event.previous is not None:
        found.append((Ident("anonymous", event.previous), "alias"))
    return found
