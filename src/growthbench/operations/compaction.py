"""Overwrite what deleting leaves behind: rows that are gone for every query may still lie in the database's files."""

import sqlite3
import time
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from growthbench.base.errors import NotReadyError
from growthbench.store.engine import Store

_TRIES = 20
_PAUSE_S = 0.5


def compact(store: Store, tables: Iterable[str] = ()) -> None:
    """Overwrite what was deleted before this call.

    SQLite: the whole file is written anew and the journal emptied. PostgreSQL: the named tables are; writers of those
    wait meanwhile.

    Raises
    ------
    NotReadyError
        Somebody reads for so long that the journal cannot be emptied, or a table cannot be locked; try again later.
    """
    if store.dialect == "postgresql":
        _compact_postgresql(store, sorted(set(tables)))
    elif path := store.engine.url.database:
        compact_sqlite(path)


def _compact_postgresql(store: Store, tables: list[str]) -> None:
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET lock_timeout = '60s'"))
        try:
            for table in tables:
                connection.execute(text(f'VACUUM FULL "{table}"'))
        except OperationalError as exc:
            raise NotReadyError(f"{table} cannot be compacted now: {exc.orig}") from exc
        finally:
            connection.execute(text("SET lock_timeout = 0"))


def compact_sqlite(path: str) -> None:
    """Write an SQLite file anew without what was deleted, and empty its journal."""
    raw = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        raw.execute("PRAGMA secure_delete = ON")
        raw.execute("PRAGMA temp_store = FILE")  # the new file is as large as the old one: not in memory
        raw.execute("VACUUM")
        for _ in range(_TRIES):
            busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return
            time.sleep(_PAUSE_S)
        raise NotReadyError("the store's journal cannot be emptied: somebody reads from it all the time")
    except sqlite3.OperationalError as exc:
        raise NotReadyError(f"the store cannot be compacted now: {exc}") from exc
    finally:
        raw.close()
