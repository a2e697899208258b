"""A key for each person: what is sealed with it is unreadable once it is gone."""

import os
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, select, update

from growthbench.base.clock import now_us
from growthbench.people.bulk import rows_of
from growthbench.people.remembered import Remembered
from growthbench.people.tables import people
from growthbench.store.inserting import write_tuples
from growthbench.store.keyring import Keyring, KeyringError

_NONCE = 12


class PersonKey:
    """Seals with one key, AES-256-GCM.

    Parameters
    ----------
    raw : bytes, length 32
    """

    __slots__ = ("_cipher",)

    def __init__(self, raw: bytes):
        self._cipher = AESGCM(raw)

    def seal(self, plain: bytes, nonce: bytes | None = None) -> bytes:
        """Nonce and ciphertext; ``nonce`` is one of `fresh_nonces`, used nowhere else."""
        nonce = nonce or os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, None)

    def unseal(self, sealed: bytes) -> bytes:
        """What was sealed.

        Raises
        ------
        KeyringError
            It was sealed with another key, or altered.
        """
        sealed = bytes(sealed)
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (InvalidTag, ValueError) as exc:
            raise KeyringError("sealed with another person's key, or altered") from exc


def fresh_nonces(n: int) -> list[bytes]:
    """Random nonces, all by one call of the system: a call for each costs as much as sealing."""
    drawn = os.urandom(_NONCE * n)
    return [drawn[at : at + _NONCE] for at in range(0, len(drawn), _NONCE)]


class Vault:
    """Keys of a tenant's people, themselves sealed by the key ring in ``people.sealed_key``.

    Keys that were read stay in memory until `forget`: whoever deletes keys makes all processes forget theirs by
    counting up ``log_heads.people_version`` (see `Directory.check`).

    Parameters
    ----------
    keyring : Keyring
    tenant : str
    remember : int, default 50000
        How many keys stay in memory.
    """

    def __init__(self, keyring: Keyring, tenant: str, remember: int = 50_000):
        self._keyring, self.tenant = keyring, tenant
        self._keys = Remembered(remember)

    def make(
        self, connection: Connection, persons: Sequence[str], created_at: int, remember: bool = True
    ) -> dict[str, PersonKey]:
        """Add people, each with a key of its own.

        Only keys of random names may be remembered at once: if the transaction is rolled back, such a name never comes
        again, while another would come with another key.
        """
        made, rows = {}, []
        for person in persons:
            raw = os.urandom(32)
            rows.append((self.tenant, person, self._keyring.seal(raw, self._about(person)), created_at))
            made[person] = PersonKey(raw)
            if remember:
                self._keys.put(person, made[person])
        write_tuples(connection, "people", ("tenant_id", "person", "sealed_key", "created_at"), rows)
        return made

    def ensure(self, connection: Connection, persons: Sequence[str]) -> dict[str, PersonKey]:
        """Keys of people; of those who have none yet, new ones: people of logs that name nobody."""
        found = self.read(connection, persons)
        missing = [person for person in persons if person not in found]
        if not missing:
            return found
        known = select(people.c.person).where(people.c.tenant_id == self.tenant, people.c.person.in_(missing))
        there = set(connection.execute(known).scalars())
        found |= self.make(connection, [p for p in missing if p not in there], now_us(), remember=False)
        for person in there:  # merged by its name, before anything had to be sealed
            raw = os.urandom(32)
            mine, sealed = people.c.person == person, self._keyring.seal(raw, self._about(person))
            connection.execute(update(people).where(people.c.tenant_id == self.tenant, mine).values(sealed_key=sealed))
            found[person] = PersonKey(raw)
        return found

    def read(self, connection: Connection, persons: Iterable[str]) -> dict[str, PersonKey]:
        """Keys of those who have one."""
        found, unknown = {}, []
        for person in persons:
            key = self._keys.get(person)
            if key is None:
                unknown.append(person)
            else:
                found[person] = key
        if unknown:
            for person, sealed in rows_of(connection, _SEALED, self.tenant, unknown):
                found[person] = PersonKey(self._keyring.unseal(bytes(sealed), self._about(person)))
                self._keys.put(person, found[person])
        return found

    def delete(self, connection: Connection, persons: Sequence[str], rows: bool = False) -> int:
        """Delete people's keys, or their whole rows; returns the number of rows changed."""
        mine = (people.c.tenant_id == self.tenant, people.c.person.in_(list(persons)))
        done = delete(people).where(*mine) if rows else update(people).where(*mine).values(sealed_key=None)
        self.forget()
        return connection.execute(done).rowcount

    def forget(self) -> None:
        """Drop the keys in memory."""
        self._keys.clear()

    def _about(self, person: str) -> bytes:
        return f"{self.tenant}/{person}".encode()


_SEALED = (
    "SELECT p.person, p.sealed_key FROM people AS p "
    "WHERE p.tenant_id = {tenant} AND p.person {among} AND p.sealed_key IS NOT NULL"
)
