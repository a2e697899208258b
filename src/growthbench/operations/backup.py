"""Back up an installation: the store as of one moment, models, configuration; people's keys go to the vault."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from growthbench.base.clock import now_us, to_iso
from growthbench.base.ids import file_digest, folder_digest, new_id
from growthbench.base.jsonio import read_json, write_json
from growthbench.base.settings import Settings
from growthbench.base.version import __version__
from growthbench.events.tables import log_heads
from growthbench.operations import vault_file
from growthbench.operations.all_tables import TABLES, check_complete
from growthbench.operations.jobs_file import copy_jobs
from growthbench.operations.sealed_rows import PIECE_ROWS, write_rows
from growthbench.people.tables import people
from growthbench.people.vault import PersonKey
from growthbench.predictions.deployments import model_folder
from growthbench.predictions.tables import deployment_history, deployments
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.tables import SCHEMA_VERSION

FORMAT = 1
_NOT_CONFIGURATION = ("keyring.json", "vaults.json")
_KINDS = (".yaml", ".yml", ".toml", ".json")


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds.

    Attributes
    ----------
    path, vault : Path
    backup_id : str
    rows : dict of str to int
        By table.
    models : list of str
        ``task/digest``.
    configuration : list of str
    people_keys : int
        In the vault.
    size : int
        Bytes of the backup.
    seconds : dict of str to float
    jobs : dict or None
        Jobs of the Desk, ``all`` and ``under_way``; None where PostgreSQL keeps them: they are not in the backup.
    """

    path: Path
    vault: Path
    backup_id: str
    rows: dict[str, int]
    models: list[str]
    configuration: list[str]
    people_keys: int
    size: int
    seconds: dict[str, float]
    jobs: dict[str, int] | None = None

    def told(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "path": str(self.path),
            "vault": str(self.vault),
        }

    def __str__(self) -> str:
        took = ", ".join(f"{what} {s:.1f} s" for what, s in self.seconds.items())
        rows, events = sum(self.rows.values()), self.rows["events"]
        jobs = "jobs are PostgreSQL's" if self.jobs is None else f"{self.jobs['all']:,} jobs"
        return (
            f"{self.path}: {rows:,} rows ({events:,} events), {jobs}, {len(self.models)} models, "
            f"{self.size / 1e6:,.1f} MB; {took}\n"
            f"{self.vault}: keys of {self.people_keys:,} people and of the backups; keep only the newest one, "
            "apart from copies of the backups"
        )


def back_up(settings: Settings, folder: Path | None = None) -> BackupReport:
    """Back up, while the service runs; nobody has to wait.

    Parameters
    ----------
    settings : Settings
    folder : Path, optional
        Folder of backups; ``backups`` of the home by default. The backup is a new folder in it, there whole or not at
        all; the vault beside it is written anew.
    """
    started = time.perf_counter()
    folder = Path(folder or settings.home / "backups").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    keyring = Keyring.open(settings.home)
    backup_id, created_at = new_id("backup"), now_us()
    draft = folder / f".{backup_id}.part"
    seconds: dict[str, float] = {}
    try:
        (draft / "store").mkdir(parents=True)
        raw = os.urandom(32)
        jobs = copy_jobs(settings, draft, PersonKey(raw))  # before the store: see there
        with open_store(settings.database_url) as store:
            with store.reading() as connection:
                horizons = dict(connection.execute(select(log_heads.c.tenant_id, log_heads.c.seq)).all())
                check_complete(connection)
                rows = {name: _written(connection, name, draft, PersonKey(raw)) for name in TABLES}
                digests = _digests(connection)
            seconds["store"] = time.perf_counter() - started
            models = _copy_models(settings.home, draft, digests)
            configuration = _copy_configuration(settings.home, draft)
            seconds["files"] = time.perf_counter() - started - seconds["store"]
            manifest = {
                "format": FORMAT,
                "backup_id": backup_id,
                "created_at": to_iso(created_at),
                "created_us": created_at,
                "growthbench": __version__,
                "schema": SCHEMA_VERSION,
                "dialect": store.dialect,
                "tenant": settings.tenant,
                "tables": {name: [str(c.name) for c in table.columns] for name, table in TABLES.items()},
                "rows": rows,
                "jobs": jobs,
                "horizons": horizons,
                "models": models,
                "configuration": configuration,
                "files": {p.name: file_digest(p) for p in sorted((draft / "store").iterdir())},
            }
            write_json(manifest, draft / "manifest.json")
            vault = folder / vault_file.NAME
            sealed = keyring.seal(raw, f"backup/{backup_id}".encode())
            vault_file.remember(settings.home, vault)  # first: an erasure from now on must find it
            kept = vault_file.renew(vault, store, keyring, (backup_id, sealed))
        path = folder / f"{to_iso(created_at)[:19].replace(':', '')}-{backup_id.removeprefix('backup_')}"
        draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    seconds["all"] = time.perf_counter() - started
    return BackupReport(
        path=path,
        vault=vault,
        backup_id=backup_id,
        rows=rows,
        models=models,
        configuration=configuration,
        people_keys=sum(map(len, kept.people.values())),
        size=sum(p.stat().st_size for p in path.rglob("*") if p.is_file()),
        seconds={what: round(s, 3) for what, s in seconds.items()},
        jobs=jobs,
    )


def read_manifest(path: Path) -> dict[str, Any]:
    """What a backup says about itself."""
    return read_json(Path(path) / "manifest.json")


def _written(connection: Connection, name: str, draft: Path, key: PersonKey) -> int:
    with closing(_pieces(connection, TABLES[name])) as pieces:
        return write_rows(draft / "store" / f"{name}.rows", name, pieces, key)


def _pieces(connection: Connection, table: Table) -> Iterator[list[tuple]]:
    """A table's rows in the order of its key; of people's keys only whether there is one."""
    marker = "CASE WHEN sealed_key IS NULL THEN NULL ELSE '' END"
    names = [marker if c is people.c.sealed_key else f'"{c.name}"' for c in table.columns]
    order = ", ".join(f'"{c.name}"' for c in table.primary_key.columns)
    sql = f'SELECT {", ".join(names)} FROM "{table.name}" ORDER BY {order}'
    driver = connection.connection.driver_connection
    # PostgreSQL: a cursor on the server's side, or all rows would come at once.
    cursor = driver.cursor(name="backup") if connection.dialect.name == "postgresql" else driver.cursor()
    try:
        cursor.execute(sql)
        while rows := cursor.fetchmany(PIECE_ROWS):
            yield rows
    finally:
        cursor.close()


def _digests(connection: Connection) -> set[tuple[str, str]]:
    """Task and digest of every model that is served, or that a rollback may return to."""
    found: set[tuple[str, str]] = set()
    for table in (deployments, deployment_history):
        for task, champion, challenger in connection.execute(
            select(table.c.task, table.c.champion, table.c.challenger)
        ):
            found |= {(task, digest) for digest in (champion, challenger) if digest}
    return found


def _copy_models(home: Path, draft: Path, digests: set[tuple[str, str]]) -> dict[str, str]:
    """Copy model folders; by ``task/digest``, the digest of the folder as copied. What is gone already is not there."""
    copied = {}
    for task, digest in sorted(digests):
        if (source := model_folder(home, task, digest)).is_dir():
            target = shutil.copytree(source, model_folder(draft, task, digest))
            copied[f"{task}/{digest}"] = folder_digest(target)
    return copied


def _copy_configuration(home: Path, draft: Path) -> list[str]:
    """Copy the home's own settings files; keys are none of them."""
    found = [p for p in sorted(home.glob("*")) if p.is_file() and p.suffix in _KINDS and p.name[0] != "."]
    names = [p.name for p in found if p.name not in _NOT_CONFIGURATION]
    (draft / "configuration").mkdir()
    for name in names:
        shutil.copyfile(home / name, draft / "configuration" / name)
    return names
