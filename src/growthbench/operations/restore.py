"""Restore a backup: rows from it, people's keys from the newest vault; whoever was erased since stays erased."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select, update

from growthbench.base.clock import now_us
from growthbench.base.errors import ArtifactError, ConflictError, NotFoundError
from growthbench.base.ids import file_digest, folder_digest, new_id
from growthbench.base.settings import Settings
from growthbench.events.tables import log_heads
from growthbench.operations import vault_file
from growthbench.operations.all_tables import TABLES
from growthbench.operations.backup import FORMAT, read_manifest
from growthbench.operations.compaction import compact
from growthbench.operations.desk_lock import only_one
from growthbench.operations.freed_numbers import missing
from growthbench.operations.gone import Gone
from growthbench.operations.jobs_file import put_back_jobs
from growthbench.operations.lakes import STORE
from growthbench.operations.receipts import Receipt, receipts, write_receipt
from growthbench.operations.sealed_rows import read_rows
from growthbench.operations.vault_file import Vault
from growthbench.people.vault import PersonKey
from growthbench.store.audit import Audit
from growthbench.store.engine import Store, open_store
from growthbench.store.inserting import write_tuples
from growthbench.store.keyring import VARIABLE, Keyring
from growthbench.store.tables import SCHEMA_VERSION

_ERASURE = 1  # added to people_version: an id may mean somebody else now


@dataclass
class RestoreReport:
    """What a restore did.

    Attributes
    ----------
    backup_id : str
    created_at : str
        When the backup was made.
    rows : dict of str to int
        Rows restored, by table.
    dropped : dict of str to int
        Rows of people who are gone, by table.
    people_gone : dict of str to int
        Why people of the backup are not there: ``erased since``, ``no key in the vault``.
    models : list of str
    notes : list of str
    seconds : float
    """

    backup_id: str
    created_at: str
    rows: dict[str, int]
    dropped: dict[str, int]
    people_gone: dict[str, int]
    models: list[str]
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def told(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return dict(self.__dict__)

    def __str__(self) -> str:
        lines = [
            f"restored {sum(self.rows.values()):,} rows ({self.rows['events']:,} events) and {len(self.models)} models "
            f"of {self.created_at} in {self.seconds:.1f} s"
        ]
        for why, n in self.people_gone.items():
            lines.append(f"{n:,} people of the backup are not there: {why}")
        if sum(self.dropped.values()):
            told = ", ".join(f"{n:,} {table}" for table, n in self.dropped.items() if n)
            lines.append(f"dropped with them: {told}")
        return "\n".join([*lines, *self.notes])


def restore(settings: Settings, backup: Path, vault: Path | None = None, force: bool = False) -> RestoreReport:
    """Put a backup in place of what the store and the home's models hold. Stop the service first.

    Parameters
    ----------
    settings : Settings
        Where to: another home or another kind of database than the backup came from will do.
    backup : Path
        Folder of one backup.
    vault : Path, optional
        The newest vault; by default the one beside the backup.
    force : bool, default False
        Replace a store that holds something.

    Raises
    ------
    NotFoundError, ArtifactError
        No backup, no vault, or one of them is damaged; nothing was changed.
    ConflictError
        The store holds something, a Desk has the home open, or the backup comes from a newer version.
    """
    started = time.perf_counter()
    backup = Path(backup).resolve()
    manifest = _checked(backup)
    with only_one(settings.home, "stop the service, then restore"):
        report = _restored(settings, backup, manifest, vault, force)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _restored(
    settings: Settings, backup: Path, manifest: Mapping[str, Any], vault: Path | None, force: bool
) -> RestoreReport:
    home = settings.home
    place = Path(vault or backup.parent / vault_file.NAME)
    kept = vault_file.read_vault(place)
    keyring = _keyring(home, kept)
    if (sealed := kept.backups.get(manifest["backup_id"])) is None:
        raise ArtifactError(f"the vault at {place} has no key for {manifest['backup_id']}: is it the newest one?")
    key = PersonKey(keyring.unseal(sealed, f"backup/{manifest['backup_id']}".encode()))
    with open_store(settings.database_url) as store:
        here, version = _state(store, force)
        erased = {r.receipt_id: r for r in sorted((*here, *kept.erased), key=lambda r: r.done_at)}
        gone = Gone(kept, list(erased.values()), keyring)
        report = RestoreReport(manifest["backup_id"], manifest["created_at"], {}, {}, {}, list(manifest["models"]))
        with store.writing() as connection:
            _empty(connection)
            first = ("people", "erasures")  # they tell who is gone
            for table in (*first, *(name for name in TABLES if name not in first)):
                _load(connection, backup, manifest, table, key, gone, report)
            _remember_erasures(connection, manifest, erased.values(), gone)
            changed = log_heads.c.people_version + version + _ERASURE
            connection.execute(update(log_heads).values(people_version=changed))
            for tenant in manifest["horizons"]:
                detail = {"created_at": manifest["created_at"], "events": report.rows["events"]}
                Audit(store).write(tenant, "operator", "store.restored", manifest["backup_id"], detail, connection)
        for name, n in gone.again(store).items():
            report.dropped[name] = report.dropped.get(name, 0) + n
        compact(store, TABLES)
    report.people_gone = gone.why()
    _restore_files(backup, home)
    vault_file.remember(home, place)
    report.notes += [*put_back_jobs(settings, backup, manifest, key), *_notes(manifest)]
    return report


def _checked(backup: Path) -> dict[str, Any]:
    if not (backup / "manifest.json").is_file():
        raise NotFoundError(f"there is no backup at {backup}: name a folder with a manifest.json")
    manifest = read_manifest(backup)
    if manifest["format"] != FORMAT or manifest["schema"] > SCHEMA_VERSION:
        raise ConflictError(f"{backup} was written by a newer version ({manifest['growthbench']}): install that one")
    found = {p.name: file_digest(p) for p in sorted((backup / "store").glob("*.rows"))}
    if found != manifest["files"]:
        raise ArtifactError(f"{backup} is damaged: its files are not those that the manifest lists")
    for name, told in manifest["models"].items():
        if not (backup / "models" / name).is_dir() or folder_digest(backup / "models" / name) != told:
            raise ArtifactError(f"{backup} is damaged: the model {name} is not what was copied")
    return manifest


def _keyring(home: Path, kept: Vault) -> Keyring:
    """The key ring: the vault's file takes the place of one that a first start of an empty home has made."""
    if kept.keyring is None or os.environ.get(VARIABLE):
        return Keyring.open(home)
    home.mkdir(parents=True, exist_ok=True)
    path = home / "keyring.json"
    if path.is_file() and path.read_bytes() != kept.keyring:
        aside = path.with_name(f"keyring.{now_us()}.json.before-restore")
        path.rename(aside)
        (home / "keyring.check").unlink(missing_ok=True)
    if not path.is_file():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(kept.keyring)
    return Keyring.open(home)


def _state(store: Store, force: bool) -> tuple[list[Receipt], int]:
    """Erasures that the store itself knows of, and its highest people_version; refuses a store that is in use."""
    with store.reading() as connection:
        events = TABLES["events"]
        if not force and connection.execute(select(events.c.seq).limit(1)).first() is not None:
            raise ConflictError("the store holds events: restore into an empty one, or say --force to replace them")
        versions = connection.execute(select(log_heads.c.people_version)).scalars().all()
        return list(receipts(connection)), max(versions, default=0)


def _empty(connection: Connection) -> None:
    for table in reversed(TABLES.values()):
        connection.execute(delete(table))


def _load(
    connection: Connection, backup: Path, manifest: Mapping, table: str, key: PersonKey, gone: Gone, report
) -> None:
    if table not in manifest["tables"]:  # newer than the backup
        report.rows[table] = report.dropped[table] = 0
        return
    columns = manifest["tables"][table]
    done = dropped = 0

    def kept() -> Iterator[tuple]:
        nonlocal done, dropped
        for rows in read_rows(backup / "store" / f"{table}.rows", table, key):
            fine = gone.kept(table, columns, rows)
            dropped += len(rows) - len(fine)
            done += len(fine)
            yield from fine

    write_tuples(connection, table, columns, kept())
    report.rows[table], report.dropped[table] = done, dropped


def _remember_erasures(connection: Connection, manifest: Mapping, erased: Iterable[Receipt], gone: Gone) -> None:
    """Receipts of all erasures there were, also of those after the backup; tombstones of what was dropped.

    People whose key is lost without a receipt get one that says so, so that the gaps in the log are accounted for.
    """
    all_receipts, lost = list(erased), {}
    for tenant, persons in gone.lost().items():
        lost[tenant] = Receipt(
            tenant=tenant,
            receipt_id=new_id("restore"),
            persons=tuple(sorted(persons)),
            lookups=(),
            stores={"restore": len(persons)},
            numbers=0,
            horizon=manifest["horizons"].get(tenant, 0),
            requested_at=now_us(),
            left=("their keys were not in the vault when a backup was restored",),
        )
        numbers = missing(connection, tenant, lost[tenant].horizon) - sum(
            r.numbers for r in all_receipts if r.tenant == tenant
        )
        lost[tenant] = replace(lost[tenant], numbers=max(numbers, 0)).sealed_off(now_us())
    for receipt in (*all_receipts, *lost.values()):
        write_receipt(connection, receipt)
    known = TABLES["erased_predictions"]
    there = {tuple(row) for row in connection.execute(select(known.c.tenant_id, known.c.prediction_id))}
    rows = []
    for tenant, prediction_id, found in gone.buried:
        receipt = found or lost[tenant]
        if (tenant, prediction_id) not in there:
            rows.append((tenant, prediction_id, receipt.receipt_id, receipt.requested_at))
    write_tuples(connection, "erased_predictions", ("tenant_id", "prediction_id", "receipt_id", "erased_at"), rows)


def _restore_files(backup: Path, home: Path) -> None:
    for source in sorted((backup / "models").glob("*/*")):
        target = home / "models" / source.parent.name / source.name
        if not target.is_dir():
            shutil.copytree(source, target)
    for source in sorted((backup / "configuration").glob("*")):
        if not (home / source.name).exists():
            shutil.copyfile(source, home / source.name)
    for lake in (home / "lakes").glob(f"{STORE}*"):  # of another state of the log: the next training makes it anew
        shutil.rmtree(lake)


def _notes(manifest: Mapping) -> list[str]:
    age = (now_us() - manifest["created_us"]) / 3.6e9
    return [
        f"the backup is {age:,.1f} h old: keys, members and tokens that were revoked since then count again until you "
        "revoke them again",
        "runs and traces are MLflow's: restore its database and artifacts beside this, if you keep them",
    ]
