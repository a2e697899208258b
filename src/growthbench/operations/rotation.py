"""Rotate the key ring, and seal anew whatever it sealed, a few rows at a time while the service runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select, tuple_, update

from growthbench.operations import vault_file
from growthbench.operations.receipts import receipts
from growthbench.people.tables import people, quarantine
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import about_signing
from growthbench.store.message_tables import webhooks
from growthbench.store.second_factor import about_totp
from growthbench.store.tenant_tables import api_keys, members

_ROWS = 1_000
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SealedColumn:
    """A column that the key ring seals, and what each seal is about (the row's tenant and id)."""

    table: Table
    column: str
    about: Callable[[str, str], bytes]

    @property
    def name(self) -> str:
        """``table.column``."""
        return f"{self.table.name}.{self.column}"

    @property
    def key(self) -> tuple:
        """The two columns of the table's key."""
        return tuple(self.table.primary_key.columns)

    def page(self, connection: Connection, after: tuple | None, limit: int) -> list[tuple[str, str, bytes]]:
        """Rows behind a key, in its order: tenant, id, sealed."""
        sealed = self.table.c[self.column]
        query = select(*self.key, sealed).where(sealed.is_not(None)).order_by(*self.key).limit(limit)
        if after is not None:
            query = query.where(tuple_(*self.key) > tuple_(*after))
        return [(tenant, row_id, bytes(value)) for tenant, row_id, value in connection.execute(query)]


SEALED = (
    SealedColumn(people, "sealed_key", lambda tenant, person: f"{tenant}/{person}".encode()),
    SealedColumn(api_keys, "signing", about_signing),
    SealedColumn(members, "totp", about_totp),
    SealedColumn(webhooks, "secret", lambda tenant, webhook: f"webhook/{tenant}/{webhook}".encode()),
    SealedColumn(quarantine, "raw", lambda _tenant, _row: b"quarantine"),
)
"""Every column that the key ring seals."""


@dataclass
class Rotation:
    """What a rotation did.

    Attributes
    ----------
    key_id : str
        Of the key that seals now.
    resealed : dict of str to int
        Rows sealed anew, by column.
    older : dict of str to int
        Rows that an older key still seals: the key must stay in the ring.
    idle : list of str
        Older keys that seal nothing any more in this store and its vaults.
    """

    key_id: str
    resealed: dict[str, int] = field(default_factory=dict)
    older: dict[str, int] = field(default_factory=dict)
    idle: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return dict(self.__dict__)

    def __str__(self) -> str:
        done = ", ".join(f"{n:,} of {name}" for name, n in self.resealed.items() if n) or "nothing"
        lines = [f"key {self.key_id} seals now; sealed anew: {done}"]
        if self.older:
            lines.append(f"still sealed by older keys: {self.older}; run it again")
        if self.idle:
            lines.append(f"keys that seal nothing any more: {', '.join(self.idle)}")
        return "\n".join(lines)


def rotate(
    store: Store,
    keyring: Keyring,
    home: Path,
    new_key: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Rotation:
    """Add a key to the ring and seal everything anew with it; can be stopped and run again.

    Parameters
    ----------
    new_key : bool, default True
        False where the new key is in the ring already (put there by hand in ``GROWTHBENCH_KEYRING``).
    progress : callable, optional
        Called with (column, done, total).

    Raises
    ------
    ConflictError
        A new key is wanted, but the ring comes from the environment.
    """
    done = Rotation(keyring.rotate() if new_key else keyring.key_ids[0])
    for sealed in SEALED:
        done.resealed[sealed.name] = reseal(store, keyring, sealed, progress)
    for vault in vault_file.known_vaults(home):
        if vault.exists():
            vault_file.renew(vault, store, keyring)
    used: set[str] = set()
    for sealed in SEALED:  # somebody may have sealed with the older key until a moment ago
        keys = [Keyring.key_of(value) for *_, value in _all(store, sealed)]
        used |= set(keys)
        if left := sum(key != keyring.key_ids[0] for key in keys):
            done.older[sealed.name] = left
    with store.reading() as connection:
        under_way = any(receipts(connection, unfinished=True))  # they hold ids that the ring sealed
    done.idle = [] if under_way else [key for key in keyring.key_ids[1:] if key not in used]
    return done


def reseal(store: Store, keyring: Keyring, sealed: SealedColumn, progress: Progress | None = None) -> int:
    """Seal one column anew where an older key sealed it; a row that changes meanwhile is left to whoever changed it."""
    newest, after, done, seen = keyring.key_ids[0], None, 0, 0
    with store.reading() as connection:
        total = connection.execute(select(func.count()).select_from(sealed.table)).scalar_one()
    while True:
        with store.reading() as connection:
            rows = sealed.page(connection, after, _ROWS)
        if not rows:
            return done
        old = [row for row in rows if Keyring.key_of(row[2]) != newest]
        if old:
            with store.writing() as connection:
                done += sum(_resealed(connection, keyring, sealed, *row) for row in old)
        after, seen = rows[-1][:2], seen + len(rows)
        if progress:
            progress(sealed.name, seen, total)


def _resealed(
    connection: Connection, keyring: Keyring, sealed: SealedColumn, tenant: str, row_id: str, value: bytes
) -> int:
    about = sealed.about(tenant, row_id)
    anew = keyring.seal(keyring.unseal(value, about), about)
    column = sealed.table.c[sealed.column]
    same = (sealed.key[0] == tenant, sealed.key[1] == row_id, column == value)
    return connection.execute(update(sealed.table).where(*same).values({sealed.column: anew})).rowcount


def _all(store: Store, sealed: SealedColumn) -> Iterator[tuple[str, str, bytes]]:
    after = None
    while True:
        with store.reading() as connection:
            rows = sealed.page(connection, after, 10 * _ROWS)
        if not rows:
            return
        yield from rows
        after = rows[-1][:2]
