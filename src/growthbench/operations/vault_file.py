"""The vault: the one file beside the backups that holds the keys they lack.

A backup holds rows, but neither the keys of people nor the key ring; these lie here, as they are now. Every backup
writes the vault anew and every erasure takes its person's key out, so that no backup, however old, can tell of that
person any more. There is one vault for a folder of backups; an old copy of it would bring erased people back, so keep
none but the newest, and keep it apart from copies of the backups.
"""

import fcntl
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from sqlalchemy import select

from growthbench.base.clock import now_us
from growthbench.base.errors import ArtifactError, NotFoundError
from growthbench.base.ids import digest
from growthbench.base.jsonio import read_json, write_json
from growthbench.operations.receipts import Receipt, receipts
from growthbench.people.tables import people
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring

NAME = "vault"
_MAGIC = b"growthbench vault 1\n"
_KNOWN = "vaults.json"


@dataclass
class Vault:
    """What a vault holds.

    Attributes
    ----------
    written_at : int
        UTC µs.
    keyring : bytes or None
        The file of the key ring; None where the ring comes from the environment.
    people : dict of str to (dict of str to bytes)
        Sealed keys by tenant and person.
    backups : dict of str to bytes
        Keys of the backups, sealed by the key ring about ``backup/ID``.
    erased : list of Receipt
        Every erasure there was.
    """

    written_at: int = 0
    keyring: bytes | None = None
    people: dict[str, dict[str, bytes]] = field(default_factory=dict)
    backups: dict[str, bytes] = field(default_factory=dict)
    erased: list[Receipt] = field(default_factory=list)


def read_vault(path: Path) -> Vault:
    """Read a vault.

    Raises
    ------
    NotFoundError, ArtifactError
        There is none, or it is damaged.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no vault at {path}: without it no backup can be read")
    content = path.read_bytes()
    head, told, body = content[: len(_MAGIC)], content[len(_MAGIC) : len(_MAGIC) + 64], content[len(_MAGIC) + 64 :]
    if head != _MAGIC or told.decode("latin-1") != digest(body):
        raise ArtifactError(f"{path} is no vault, or damaged")
    found = msgspec.msgpack.decode(zlib.decompress(body))
    return Vault(**found | {"erased": [msgspec.convert(one, Receipt) for one in found["erased"]]})


def renew(path: Path, store: Store, keyring: Keyring, backup: tuple[str, bytes] | None = None) -> Vault:
    """Write the vault anew from what the store holds now; keys of earlier backups stay, ``backup`` adds one."""
    with _locked(path):
        before = read_vault(path) if path.exists() else Vault()
        with store.reading() as connection:
            query = select(people.c.tenant_id, people.c.person, people.c.sealed_key)
            keys: dict[str, dict[str, bytes]] = {}
            for tenant, person, sealed in connection.execute(query.where(people.c.sealed_key.is_not(None))):
                keys.setdefault(tenant, {})[person] = bytes(sealed)
            erased = {r.receipt_id: r for r in (*before.erased, *receipts(connection))}
        now = Vault(
            written_at=now_us(),
            keyring=keyring.path.read_bytes() if keyring.path is not None else None,
            people=keys,
            backups={name: _anew(keyring, name, key) for name, key in before.backups.items()}
            | dict([backup] if backup else []),
            erased=list(erased.values()),
        )
        gone = {(r.tenant, p) for r in now.erased for p in r.persons}
        for tenant, person in gone:
            now.people.get(tenant, {}).pop(person, None)
        _write(path, now)
        return now


def prune(path: Path, receipt: Receipt) -> int:
    """Take the keys of an erased person out, and note the erasure; returns the number of keys removed."""
    with _locked(path):
        vault = read_vault(path)
        keys = vault.people.get(receipt.tenant, {})
        removed = [keys.pop(person, None) is not None for person in receipt.persons]
        vault.erased = [r for r in vault.erased if r.receipt_id != receipt.receipt_id] + [receipt]
        _write(path, vault)
        return sum(removed)


def holds(path: Path, tenant: str, persons: Sequence[str]) -> int:
    """How many of some people's keys a vault holds."""
    keys = read_vault(path).people.get(tenant, {})
    return sum(person in keys for person in persons)


def known_vaults(home: Path) -> list[Path]:
    """Vaults that backups of this home were ever written to."""
    listed = home / _KNOWN
    return [Path(path) for path in read_json(listed)] if listed.is_file() else []


def remember(home: Path, path: Path) -> None:
    """Know a vault from now on, so that erasures reach it."""
    known = {str(p) for p in known_vaults(home)}
    if str(path.resolve()) not in known:
        write_json(sorted(known | {str(path.resolve())}), home / _KNOWN)


def _anew(keyring: Keyring, backup_id: str, sealed: bytes) -> bytes:
    """A backup's key, sealed by the ring's newest key."""
    if keyring.key_of(sealed) == keyring.key_ids[0]:
        return sealed
    about = f"backup/{backup_id}".encode()
    return keyring.seal(keyring.unseal(sealed, about), about)


def _write(path: Path, vault: Vault) -> None:
    content = {name: getattr(vault, name) for name in Vault.__dataclass_fields__}
    body = zlib.compress(msgspec.msgpack.encode(content), 1)
    draft = path.with_name(f".{path.name}.part")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(_MAGIC + digest(body).encode() + body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time: a backup must not write back what an erasure takes out meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
