"""The Desk's jobs in a backup: DBOS' SQLite file, copied while the Desk works, put back while it does not.

What DBOS keeps of a job is sealed by the key ring; in a backup the whole file is sealed under the backup's key, too.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from growthbench.base.errors import ArtifactError
from growthbench.base.settings import Settings
from growthbench.operations.sealed_rows import read_rows, write_rows
from growthbench.people.vault import PersonKey

NAME = "workflows.db"
ROWS = "workflows"
"""Under which the file is sealed, beside the store's tables."""

_PIECE = 1 << 20
_BESIDE = ("-journal", "-wal", "-shm")
_COUNTED = """
SELECT count(*), coalesce(sum(status IN ('PENDING', 'ENQUEUED', 'DELAYED')), 0) FROM workflow_status
"""


def jobs_file(settings: Settings) -> Path | None:
    """Where jobs are kept; None where PostgreSQL keeps them, in a schema beside the store's."""
    return settings.home / NAME if settings.database_url.startswith("sqlite:") else None


def copy_jobs(settings: Settings, draft: Path, key: PersonKey) -> dict[str, int] | None:
    """Copy jobs as of one moment into a backup's draft, with SQLite's online backup: the Desk may be at work.

    Copy them *before* the store. Whatever a job has noted as done is in the store by then, so both together are a state
    that a kill could have left, and the jobs go on from it.

    Returns
    -------
    dict or None
        How many there are, ``all`` and ``under_way``; None if jobs are not in a file here.
    """
    source = jobs_file(settings)
    if source is None:
        return None
    if not source.is_file():
        return {"all": 0, "under_way": 0}
    copied = draft / f".{NAME}.part"
    try:
        with closing(_opened(source)) as there, closing(sqlite3.connect(copied)) as here:
            there.backup(here)  # in one step: a writer waits for it, and it for a writer
            here.execute("VACUUM")  # jobs that were forgotten are not in it
            counted = _counted(here)
        with copied.open("rb") as file:
            pieces = ([(piece,)] for piece in iter(lambda: file.read(_PIECE), b""))
            write_rows(draft / "store" / f"{ROWS}.rows", ROWS, pieces, key)
    finally:
        copied.unlink(missing_ok=True)
    return counted


def put_back_jobs(settings: Settings, backup: Path, manifest: Mapping[str, Any], key: PersonKey) -> list[str]:
    """Put a backup's jobs in place of those that are here; what should be known of it. The Desk must not run.

    Raises
    ------
    ArtifactError
        They are damaged; those that are here stay.
    """
    target, counted = jobs_file(settings), manifest.get("jobs")
    rows = backup / "store" / f"{ROWS}.rows"
    if target is None:
        lost = f"its {counted['all']:,} jobs were not restored: " if counted and counted["all"] else ""
        return [f"{lost}PostgreSQL keeps the Desk's jobs itself: restore their schema beside this, if you keep it"]
    here = _count_of(target)
    if rows.is_file():
        _write(target, read_rows(rows, ROWS, key))
    else:
        _remove(target)
    notes = [f"{here:,} jobs that were here are gone: they belong to what was replaced"] if here else []
    if counted is None:
        notes.append("the backup holds no jobs of the Desk: it is older, or of a PostgreSQL, which keeps them itself")
    elif counted["under_way"]:
        notes.append(
            f"{counted['under_way']:,} of {counted['all']:,} jobs were under way: they go on behind their last step "
            "when the service starts, and may be done a second time"
        )
    return notes


def _write(target: Path, pieces: Iterator[list[list]]) -> None:
    """Write the file beside its place, look at it, and move it there: whole, or not at all."""
    draft = target.with_name(f".{target.name}.part")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.writelines(content for piece in pieces for (content,) in piece)
            file.flush()
            os.fsync(file.fileno())
        _check(draft)
        _remove(target)  # a journal of the file that was here must not meet the one that comes
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _check(path: Path) -> None:
    try:
        with closing(_opened(path)) as connection:
            found = connection.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.DatabaseError as exc:
        found = str(exc)
    if found != "ok":
        raise ArtifactError(f"the jobs of the backup are damaged: {found}")


def _remove(target: Path) -> None:
    for suffix in ("", *_BESIDE):
        target.with_name(target.name + suffix).unlink(missing_ok=True)


def _count_of(path: Path) -> int:
    if not path.is_file():
        return 0
    with closing(_opened(path)) as connection:
        return _counted(connection)["all"]


def _counted(connection: sqlite3.Connection) -> dict[str, int]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'workflow_status'").fetchone():
        return {"all": 0, "under_way": 0}  # DBOS has not made its tables yet
    return dict(zip(("all", "under_way"), connection.execute(_COUNTED).fetchone(), strict=True))


def _opened(path: Path) -> sqlite3.Connection:
    """A connection to a file that is there; it may write, to roll back what a killed process has left half done."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=60)
