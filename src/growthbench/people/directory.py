"""Whose an id is: user ids, anonymous ids, e-mail addresses and phone numbers to person keys, and back for outputs.

Ids lie in the store as keyed digests, and sealed under their person's key; person keys are random. What was found stays
in memory as long as ``log_heads.people_version`` says that it holds: its low 32 bits count erasures (an id may mean
nobody now), the bits above count merges (a person may belong to another one now).
"""

import os
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from growthbench.base.clock import now_us
from growthbench.base.errors import GoneError
from growthbench.people.bulk import rows_of, rows_with
from growthbench.people.remembered import Remembered
from growthbench.people.vault import PersonKey, Vault
from growthbench.store.engine import Store
from growthbench.store.inserting import write_tuples
from growthbench.store.keyring import Keyring

MERGE = 1 << 32
"""What one merge or unmerge adds to ``people_version``; an erasure adds 1."""
_ERASURES = MERGE - 1
_ANONYMOUS = "anonymous:"


class Ident(NamedTuple):
    """An id as the outside world says it: ``kind`` is user, anonymous, email or phone."""

    kind: str
    value: str

    @classmethod
    def of(cls, text: str) -> "Ident":
        """The id that a path, a notebook or a file means: a user id, or ``anonymous:ID``."""
        if text.startswith(_ANONYMOUS):
            return cls("anonymous", text[len(_ANONYMOUS) :])
        return cls("user", text)

    def __str__(self) -> str:
        return self.value if self.kind == "user" else f"{self.kind}:{self.value}"


class Directory:
    """One tenant's people by their ids.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    tenant : str
    remember : int, default 200000
        How many ids stay in memory.

    Attributes
    ----------
    vault : Vault
        The people's keys.
    """

    def __init__(self, store: Store, keyring: Keyring, tenant: str = "local", remember: int = 200_000):
        self.store, self.keyring, self.tenant = store, keyring, tenant
        self.vault = Vault(keyring, tenant)
        self._persons, self._roots, self._told = (Remembered(remember) for _ in range(3))
        self._uncommitted: WeakKeyDictionary[Any, dict[Ident, str]] = WeakKeyDictionary()
        self._version: int | None = None
        self._lock = threading.Lock()

    def check(self, version: int) -> None:
        """Forget what holds no longer; whoever reads ``log_heads`` in a transaction hands ``people_version`` on."""
        if version == self._version:
            return
        with self._lock:
            if self._version is None or (version ^ self._version) & _ERASURES:
                self._persons.clear()
                self.vault.forget()
            self._roots.clear()
            self._told.clear()
            self._version = version

    def find(self, idents: Sequence[Ident], connection: Connection | None = None) -> list[str | None]:
        """Person of each id, None for one nobody has; not their roots."""
        found = [self._persons.get(ident) for ident in idents]
        if None in found:
            unknown = [i for i, person in zip(idents, found) if person is None]
            with self._reading(connection) as reading:
                read = self._read(reading, list(dict.fromkeys(unknown)))
            found = [person or read.get(ident) for ident, person in zip(idents, found)]
        return found

    def resolve(self, connection: Connection, idents: Sequence[Ident], seq_hint: int) -> list[str]:
        """Person of each id, made where nobody has it; ids that occur twice get one person.

        Parameters
        ----------
        connection : sqlalchemy.Connection
            In a write transaction that holds the log's head (`events.heads.lock_head`), so that no other writer makes
            the same people.
        seq_hint : int
            The log's number when the ids became known.
        """
        found = dict(zip(idents, self.find(idents, connection)))
        if new := [ident for ident, person in found.items() if person is None]:
            made = [_new_person() for _ in new]
            self.vault.make(connection, made, now_us())
            pairs = list(zip(new, made))
            self.attach(connection, pairs, seq_hint)
            found.update(pairs)
        return [found[ident] for ident in idents]

    def attach(self, connection: Connection, pairs: Iterable[tuple[Ident, str]], seq_hint: int) -> None:
        """Give ids that nobody has to people who are there; as `resolve`, in a transaction that holds the head."""
        pairs, now = list(pairs), now_us()
        keys = self.keys(connection, {person for _, person in pairs})
        lookup, tenant = self.keyring.lookup, self.tenant
        rows = [
            (
                tenant,
                i.kind,
                lookup(tenant, i.kind, i.value),
                person,
                keys[person].seal(i.value.encode()),
                now,
                seq_hint,
            )
            for i, person in pairs
        ]
        write_tuples(connection, "identities", _IDENTITY, rows)
        self._uncommitted.setdefault(connection.get_transaction(), {}).update(pairs)

    def roots(self, persons: Sequence[str], connection: Connection | None = None) -> list[str]:
        """Whom each person belongs to now: themselves, or whom they were merged into."""
        found = [self._roots.get(person) for person in persons]
        if None in found:
            unknown = [p for p, root in zip(persons, found) if root is None]
            with self._reading(connection) as reading:
                rows = rows_of(reading, _ROOTS, self.tenant, unknown, self.tenant)
            read = {p: root for p, root, _ in rows}
            version = rows[0][2] if rows else None
            self._keep(self._roots, read, version, whole=True)
            found = [root or read.get(person, person) for person, root in zip(persons, found)]
        return found

    def user_ids(self, persons: Sequence[str], connection: Connection | None = None) -> list[str | None]:
        """How each person is called outside: the first user id of theirs or of a member of theirs, else
        ``anonymous:ID``; None for one without ids."""
        found = [self._told.get(person) for person in persons]
        if None in found:
            unknown = list(dict.fromkeys(p for p, told in zip(persons, found) if told is None))
            with self._reading(connection) as reading:
                read = self._names(reading, unknown)
            found = [told or read.get(person) for person, told in zip(persons, found)]
        return found

    def key(self, connection: Connection, person: str) -> PersonKey:
        """A person's key.

        Raises
        ------
        GoneError
            The person has none: erased, or never known.
        """
        if (key := self.vault.read(connection, [person]).get(person)) is None:
            raise GoneError("this person has no key (any more): what it sealed cannot be read")
        return key

    def keys(self, connection: Connection, persons: Iterable[str]) -> dict[str, PersonKey]:
        """Keys of those people who have one."""
        return self.vault.read(connection, persons)

    def _read(self, connection: Connection, idents: list[Ident]) -> dict[Ident, str]:
        """Ids as the store has them; those given in this very transaction are known, and not remembered beyond it."""
        transaction = connection.get_transaction()
        own = self._uncommitted.get(transaction, {}) if transaction is not None else {}
        lookup, tenant = self.keyring.lookup, self.tenant
        by_lookup = {lookup(tenant, i.kind, i.value): i for i in idents if i not in own}
        if len(by_lookup) == 1:
            ((key, ident),) = by_lookup.items()
            rows = rows_with(connection, _ONE, tenant, tenant, ident.kind, key)
        else:
            rows = rows_of(connection, _MANY, tenant, list(by_lookup), tenant) if by_lookup else []
        read = {by_lookup[key]: person for key, person, _ in rows}
        self._keep(self._persons, read, rows[0][2] if rows else None)
        return read | {ident: own[ident] for ident in idents if ident in own}

    def _names(self, connection: Connection, persons: list[str]) -> dict[str, str]:
        version = _version_of(connection, self.tenant)
        rows = rows_of(connection, _OWN_NAMES, self.tenant, persons)
        rows += rows_of(connection, _MEMBERS_NAMES, self.tenant, persons)
        best: dict[str, tuple] = {}
        for row in rows:
            person, owner, kind, *_, seq, lookup = row
            rank = (kind != "user", owner != person, seq, lookup)
            if person not in best or rank < best[person][0]:
                best[person] = (rank, row)
        keys = self.keys(connection, {row[1] for _, row in best.values()})
        told = {
            person: str(Ident(kind, keys[owner].unseal(sealed).decode()))
            for _, (person, owner, kind, sealed, *_) in best.values()
            if owner in keys
        }
        self._keep(self._told, told, version, whole=True)
        return told

    def _keep(self, where: Remembered, read: dict, version: int | None, whole: bool = False) -> None:
        """Remember what was read, unless it was read as of another version than the one checked last."""
        with self._lock:
            if version is None or self._version is None:
                return
            if version == self._version or not (whole or (version ^ self._version) & _ERASURES):
                for key, value in read.items():
                    where.put(key, value)

    @contextmanager
    def _reading(self, connection: Connection | None):
        """The caller's transaction, or one of our own, which also tells the version."""
        if connection is not None:
            yield connection
            return
        with self.store.reading() as own:
            self.check(_version_of(own, self.tenant))
            yield own


def called(directory: Directory, names: Sequence[str], connection: Connection | None = None) -> list[str]:
    """Person of each name that somebody outside gives: whom it belongs to now; a name that nobody has is taken for a
    person key, as in logs whose people have no ids."""
    found = directory.find([Ident.of(name) for name in names], connection)
    return directory.roots([person or name for person, name in zip(found, names)], connection)


def _new_person() -> str:
    # By time first: the events of new people then lie together at the end of the clustered table.
    return f"per_{(time.time_ns() // 1_000_000).to_bytes(6, 'big').hex()}{os.urandom(10).hex()}"


def _version_of(connection: Connection, tenant: str) -> int:
    rows = rows_with(connection, "SELECT people_version FROM log_heads WHERE tenant_id = {tenant}", tenant)
    return rows[0][0] if rows else 0


_IDENTITY = ("tenant_id", "kind", "lookup", "person", "sealed", "created_at", "seq")
_VERSION = "(SELECT h.people_version FROM log_heads AS h WHERE h.tenant_id = {tenant})"
_FOUND = f"SELECT i.lookup, i.person, {_VERSION} FROM identities AS i WHERE i.tenant_id = {{given}}"
_ONE = f"{_FOUND} AND i.kind = {{given}} AND i.lookup = {{given}}"
_MANY = f"{_FOUND} AND i.kind IN ('user', 'anonymous', 'email', 'phone') AND i.lookup {{among}}"
_ROOTS = (
    f"SELECT p.person, coalesce(p.merged_into, p.person), {_VERSION} FROM people AS p "
    "WHERE p.tenant_id = {given} AND p.person {among}"
)
_OWN_NAMES = (
    "SELECT i.person, i.person, i.kind, i.sealed, i.seq, i.lookup FROM identities AS i "
    "WHERE i.tenant_id = {tenant} AND i.person {among} AND i.kind IN ('user', 'anonymous')"
)
_MEMBERS_NAMES = (
    "SELECT p.merged_into, i.person, i.kind, i.sealed, i.seq, i.lookup FROM people AS p JOIN identities AS i "
    "ON i.tenant_id = p.tenant_id AND i.person = p.person "
    "WHERE p.tenant_id = {tenant} AND p.merged_into {among} AND i.kind IN ('user', 'anonymous')"
)
