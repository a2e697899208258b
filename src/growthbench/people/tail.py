"""The reader of the log's tail that keeps profiles: each event once, exactly, whoever else reads at the same time."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from growthbench.events.heads import Head, read_head
from growthbench.people.bulk import rows_with
from growthbench.people.directory import Directory
from growthbench.people.links import lock_profiles
from growthbench.people.profile import (
    EVENT,
    READER,
    Facts,
    Told,
    advanced,
    events_of,
    gathered,
    heard_before,
    kept_facts,
    kept_traits,
    members_of,
    tail_head,
    times_of,
)
from growthbench.people.remembered import Remembered
from growthbench.people.sessions import IDLE_US
from growthbench.store.engine import Store
from growthbench.store.group_commit import GroupCommit
from growthbench.store.inserting import insert_many
from growthbench.store.keyring import Keyring

Hook = Callable[[str, list[str]], None]
"""Called after the commit with the tenant and the roots whose profiles changed."""


class _Piece(NamedTuple):
    """What one reading of the tail makes of the profiles."""

    since: int
    upto: int
    version: int
    events: int
    facts: dict[str, Facts]
    traits: dict[str, dict[str, tuple[int, int, bytes]]]


class Tail:
    """One tenant's profiles, brought up to the log piece by piece.

    A piece is read and computed from one snapshot without keeping writers waiting, and written if nobody else has moved
    the head, merged or erased anybody meanwhile; otherwise it is read again.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    tenant : str
    idle_us : int, default 30 minutes
        A longer pause ends a session.
    remember : int, default 50000
        How many people's facts stay in memory.
    commits : GroupCommit, optional
        With `write_pieces` as its writer ``profiles``: pieces are written in its transactions instead of our own.

    Attributes
    ----------
    hooks : list of callable
        Called as ``hook(tenant, roots)`` after each piece.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        tenant: str = "local",
        idle_us: int = IDLE_US,
        remember: int = 50_000,
        commits: GroupCommit | None = None,
    ):
        self.store, self.tenant, self.idle_us, self._commits = store, tenant, idle_us, commits
        self.directory = Directory(store, keyring, tenant)
        self.hooks: list[Hook] = []
        self._facts, self._as_of = Remembered(remember), (-1, -1)

    def catch_up(self, limit: int = 5_000) -> int:
        """Take the next events of the log, ``limit`` at most; returns how many there were, 0 at its end."""
        while True:
            with self.store.reading() as connection:
                piece = self._read(connection, limit)
            if piece is None:
                return 0
            if self._write(piece):
                break
        self._facts_are(piece)
        if piece.facts:
            for hook in self.hooks:
                hook(self.tenant, list(piece.facts))
        return piece.events

    def _read(self, connection: Connection, limit: int) -> _Piece | None:
        head = read_head(connection, self.tenant) or Head()
        self.directory.check(head.people_version)
        since = tail_head(connection, self.tenant)
        if since >= head.seq:
            return None
        rows = rows_with(connection, _TAIL, self.tenant, since, limit)
        # Merges take numbers too, so that the log may end with numbers that no event has.
        upto = max(row[2] for row in rows) if len(rows) == limit else head.seq
        persons = list({row[0] for row in rows})
        roots = dict(zip(persons, self.directory.roots(persons, connection)))
        told = gathered(rows, roots, self.directory.keys(connection, {r[0] for r in rows if r[3] is not None}))
        kept = self._kept(connection, list(told), since, head.people_version)
        told |= self._from_the_log(connection, [root for root in told if root not in kept], since, upto)
        facts = {root: self._advanced(connection, kept.get(root), one, root, upto) for root, one in told.items()}
        return _Piece(since, upto, head.people_version, len(rows), facts, self._traits(connection, told, kept))

    def _kept(self, connection: Connection, roots: Sequence[str], since: int, version: int) -> dict[str, Facts]:
        """Facts as the piece before left them: from memory, if that piece was ours and nobody was merged or erased."""
        if self._as_of != (since, version):
            self._facts.clear()
        found = {root: facts for root in roots if (facts := self._facts.get(root)) is not None}
        if len(found) < len(roots):
            found |= kept_facts(connection, self.tenant, [root for root in roots if root not in found])
        return found

    def _facts_are(self, piece: _Piece) -> None:
        """Remember what was written."""
        self._as_of = (piece.upto, piece.version)
        for root, facts in piece.facts.items():
            self._facts.put(root, facts)

    def _from_the_log(self, connection: Connection, fresh: Sequence[str], since: int, upto: int) -> dict[str, Told]:
        """All events of those people without a profile who have earlier ones: they were just merged or parted. Of all
        others, who are new, the piece holds everything."""
        if not fresh or not since:
            return {}
        roots = {root: root for root in fresh} | members_of(connection, self.tenant, fresh)
        behind = {roots[person] for person in heard_before(connection, self.tenant, list(roots), since)}
        roots = {person: root for person, root in roots.items() if root in behind}
        if not roots:
            return {}
        rows = [row for row in events_of(connection, self.tenant, list(roots), 0) if row[2] <= upto]
        return gathered(rows, roots, self.directory.keys(connection, {r[0] for r in rows if r[3] is not None}))

    def _advanced(self, connection: Connection, kept: Facts | None, told: Told, root: str, upto: int) -> Facts:
        def read() -> Iterable[int]:
            persons = [root, *members_of(connection, self.tenant, [root])]
            return times_of(connection, self.tenant, persons, upto)

        return advanced(kept, told, read, self.idle_us)

    def _traits(self, connection: Connection, told: dict[str, Told], kept: dict[str, Facts]) -> dict[str, dict]:
        """Traits that are newer than the kept ones."""
        telling = [root for root, one in told.items() if one.traits]
        known = kept_traits(connection, self.directory, [root for root in telling if root in kept]) if telling else {}
        return {
            root: {
                name: value
                for name, value in told[root].traits.items()
                if name not in (mine := known.get(root, {})) or value[:2] > mine[name][:2]
            }
            for root in telling
        }

    def _write(self, piece: _Piece) -> bool:
        """Write a piece; False if what it was made from has changed."""
        if self._commits is not None:
            return self._commits.submit("profiles", (self, piece)).result()
        with self.store.writing() as connection:
            return self.write(connection, piece)

    def write(self, connection: Connection, piece: _Piece) -> bool:
        """The same inside the caller's transaction."""
        lock_profiles(connection, self.tenant)
        head = read_head(connection, self.tenant) or Head()
        if head.people_version != piece.version or tail_head(connection, self.tenant) != piece.since:
            return False
        facts = [(self.tenant, root, *one) for root, one in sorted(piece.facts.items())]
        _upsert(connection, "profiles", _FACTS, 2, facts)
        _upsert(connection, "profile_traits", _TRAITS, 3, self._sealed(connection, piece))
        _upsert(connection, "tail_heads", _HEAD, 2, [(self.tenant, READER, piece.upto)])
        return True

    def _sealed(self, connection: Connection, piece: _Piece) -> list[tuple]:
        telling = [root for root, traits in piece.traits.items() if traits]
        keys = self.directory.vault.ensure(connection, telling)
        return [
            (self.tenant, root, name, keys[root].seal(value), timestamp, seq)
            for root in sorted(telling)
            for name, (timestamp, seq, value) in sorted(piece.traits[root].items())
        ]


def write_pieces(connection: Connection, items: Sequence[tuple[Tail, _Piece]]) -> list[bool]:
    """A `Writer` of the group commit."""
    return [tail.write(connection, piece) for tail, piece in items]


def _upsert(connection: Connection, table: str, columns: Sequence[str], keys: int, rows: Sequence[tuple]) -> None:
    if not rows:
        return
    changed = ", ".join(f"{c} = excluded.{c}" for c in columns[keys:])
    into = f"{table} ({', '.join(columns)})"
    ending = f"ON CONFLICT ({', '.join(columns[:keys])}) DO UPDATE SET {changed}"
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        insert_many(driver, into, rows, ending)
    else:
        with driver.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {into} VALUES ({', '.join(['%s'] * len(columns))}) {ending}", rows)


_TAIL = (
    f"SELECT {EVENT} FROM events AS e WHERE e.tenant_id = {{tenant}} AND e.seq > {{given}} ORDER BY e.seq "
    "LIMIT {given}"
)
_FACTS = ("tenant_id", "person", "first_seen", "last_seen", "session_start", "session_events", "events", "seq")
_TRAITS = ("tenant_id", "person", "trait", "value", "timestamp", "seq")
_HEAD = ("tenant_id", "reader", "seq")
