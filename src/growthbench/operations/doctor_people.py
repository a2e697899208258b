"""Checks of the doctor: keys, what they seal, erasures and vaults."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from growthbench.base.clock import DAY_US, now_us, to_iso
from growthbench.base.settings import Settings
from growthbench.events.tables import events
from growthbench.operations import vault_file
from growthbench.operations.doctor import FAIL, OK, WARN, Found
from growthbench.operations.receipts import receipts
from growthbench.operations.rotation import SEALED
from growthbench.people.tables import identities
from growthbench.people.vault import Vault
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring, KeyringError

_SAMPLE = 50
_OLD_BACKUP_US = 26 * DAY_US // 24


def ring(settings: Settings, into: list, kind: type[Keyring]) -> Found:
    """Whether the key ring opens, belongs to this home, and nobody else can read its file."""
    file = settings.home / "keyring.json"
    keyring = kind.open(settings.home)
    into.append(keyring)
    if keyring.path is not None and file.stat().st_mode & 0o077:
        yield WARN, f"{file} can be read by others: chmod 600"
    where = "the environment" if keyring.path is None else file.name
    yield OK, f"{len(keyring.key_ids)} keys from {where}, {keyring.key_ids[0]} seals"


def samples(store: Store, keyring: Keyring) -> Found:
    """Some of everything that is sealed can be opened."""
    with store.reading() as connection:
        for sealed in SEALED:
            rows = sealed.page(connection, None, _SAMPLE)
            bad = [
                row for row in rows if not _opens(lambda row=row, s=sealed: keyring.unseal(row[2], s.about(*row[:2])))
            ]
            yield (FAIL if bad else OK), f"{sealed.name}: {len(bad)} of {len(rows)} cannot be opened"
        for table, column in ((identities, "sealed"), (events, "sealed")):
            query = select(table.c.tenant_id, table.c.person, table.c[column]).where(table.c[column].is_not(None))
            newest = query.order_by(table.c.tenant_id, table.c.seq.desc()).limit(_SAMPLE)
            rows, bad = connection.execute(newest).all(), 0
            for tenant in {row.tenant_id for row in rows}:
                mine = [row for row in rows if row.tenant_id == tenant]
                keys = Vault(keyring, tenant).read(connection, {row.person for row in mine})
                bad += sum(
                    r.person not in keys or not _opens(lambda r=r, k=keys: k[r.person].unseal(r[2])) for r in mine
                )
            yield (FAIL if bad else OK), f"{table.name}.{column}: {bad} of {len(rows)} cannot be opened"


def unfinished(store: Store) -> Found:
    """Erasures that were begun and not finished, and receipts that were altered."""
    with store.reading() as connection:
        found = list(receipts(connection))
    for receipt in found:
        if not receipt.done:
            yield WARN, f"{receipt.receipt_id} of {to_iso(receipt.requested_at)} is not finished: start the service"
        elif not receipt.whole:
            yield FAIL, f"{receipt.receipt_id} is not what was written when it was done"
    yield OK, f"{len(found):,} receipts"


def vaults(store: Store, home: Path) -> Found:
    """The vaults beside the backups: there, readable, fresh, without anybody who was erased."""
    known = vault_file.known_vaults(home)
    if not known:
        yield WARN, "there is no backup yet: growthbench backup"
        return
    with store.reading() as connection:
        erased = [(r.tenant, r.persons) for r in receipts(connection) if r.done]
    for path in known:
        vault = vault_file.read_vault(path)
        left = sum(person in vault.people.get(tenant, {}) for tenant, persons in erased for person in persons)
        if left:
            yield FAIL, f"{path} holds keys of {left} people who were erased: make a new backup beside it"
        age = now_us() - vault.written_at
        state = WARN if age > _OLD_BACKUP_US else OK
        yield state, f"{path} is {age / DAY_US * 24:,.1f} h old and knows {len(vault.backups)} backups"


def _opens(unseal: Callable, *given: bytes) -> bool:
    try:
        unseal(*given)
    except KeyringError:
        return False
    return True
