"""Copies SQLite's write-ahead log back into the database beside the writers, so that no commit has to.

SQLite lets the commit that fills the log copy it back: whoever commits then, and all who wait behind, pause for as long
as the disk takes. A passive checkpoint by another connection waits for nobody and keeps nobody waiting
(https://www.sqlite.org/wal.html, "Checkpointing").
"""

from pathlib import Path

from growthbench.store.engine import Store
from growthbench.store.group_commit import GroupCommit
from growthbench.store.rounds import Rounds


class Checkpoints(Rounds):
    """The background thread of one process. On PostgreSQL there is nothing to do, and no thread.

    Parameters
    ----------
    store : Store
    least_bytes : int, default 8 MiB
        A smaller log is left alone.
    every_s : float, default 0.25
    commits : GroupCommit, optional
        Finishes what cannot be finished beside it, of logs of four times that size.
    """

    def __init__(
        self,
        store: Store,
        least_bytes: int = 8 * 2**20,
        every_s: float = 0.25,
        commits: GroupCommit | None = None,
    ):
        super().__init__("checkpoints", every_s, "the write-ahead log waits")
        self._store, self._least, self._commits = store, least_bytes, commits
        database = store.engine.url.database
        self._file = None if store.dialect != "sqlite" or not database else Path(f"{database}-wal")

    def start(self) -> None:
        """Begin."""
        if self._file is not None:
            super().start()

    def look(self) -> int:
        """Copy the log back if there is enough of it; returns how many of its pages are in the database now."""
        try:
            if (size := self._file.stat().st_size) < self._least:
                return 0
        except FileNotFoundError:  # nothing was written yet
            return 0
        with self._store.engine.connect() as connection:
            # Not within a transaction: that would pin the very pages that are to be copied.
            row = connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if self._commits is not None and size > 4 * self._least:
            self._commits.finish_checkpoint()
        return max(row[2], 0)
