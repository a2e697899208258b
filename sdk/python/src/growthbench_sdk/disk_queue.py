"""The queue with a file behind it: what is waiting survives the end, or the death, of the host."""

import contextlib
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from growthbench_sdk.memory_queue import MemoryQueue
from growthbench_sdk.problem import Problem

_BEAT_S = 3.0
_DEAD_AFTER_S = 15.0
_KEEP_EVERY_S = 0.02
_TRIES = 5
_FORK_WAITS_S = 1.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS messages_of_owner ON messages (owner, id);
CREATE TABLE IF NOT EXISTS owners (
  token TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, beat REAL NOT NULL
);
"""
_here: set[str] = set()  # tokens of this process's queues


class DiskQueue(MemoryQueue):
    """Messages go to memory first and within some ms to an SQLite file, where the sender takes them from.

    Several processes may share one file: each sends its own messages, and those of processes that are gone. Should a
    message be sent twice (killed between the server's acknowledgement and our note of it), its message id makes it one.
    If the disk fails, the queue goes on in memory and says so.

    Parameters
    ----------
    path : path
        The file; its folder is made.
    max_messages, max_bytes : int
        Bound of the part in memory, and ``max_messages`` times 10 on disk.
    report : callable
        Told when the disk fails.
    """

    def __init__(
        self, path: str | os.PathLike[str], max_messages: int, max_bytes: int, report: Callable[[Problem], None]
    ):
        super().__init__(max_messages, max_bytes)
        self.path, self._report = Path(path), report
        self._reset()

    def _reset(self) -> None:
        self._token = uuid.uuid4().hex
        self._disk = threading.Lock()  # the connection is used by two threads, one after the other
        self._connection: sqlite3.Connection | None = None
        self._stored, self._from_memory = 0, False
        self._taken: list[int] = []  # numbers of the messages taken last
        self._finished_rows: list[tuple[int, str]] = []  # to be deleted
        self._failures = 0
        self._held_for_fork = False
        self._keeper: threading.Thread | None = None
        self._closing = self.broken = False

    def __len__(self) -> int:
        return len(self._items) + self._stored

    def put(self, item: bytes, wake_at: int = 1) -> bool:
        """Take a message in; False when memory or disk is full."""
        with self.changed:
            return self._stored < 10 * self.max_messages and super().put(item, wake_at)

    def open(self) -> None:
        """Begin to keep, with what earlier runs left."""
        if self._keeper is None and not self.broken:
            self._keeper = threading.Thread(target=self._keep, name="growthbench-keeper", daemon=True)
            self._keeper.start()

    def take(self, max_messages: int, max_bytes: int) -> list[bytes]:
        """The oldest messages on disk; of memory only when the disk is broken and holds none."""
        if not self._stored:
            self._from_memory = self.broken
            return super().take(max_messages, max_bytes) if self.broken else []
        self._from_memory = False
        try:
            with self._disk:
                self._delete_finished()
                rows = self._open().execute(
                    "SELECT id, body FROM messages WHERE owner = ? ORDER BY id LIMIT ?", (self._token, max_messages)
                ).fetchall()  # fmt: skip
            self._failures = 0
        except sqlite3.Error as exc:
            self._unreadable(exc)
            return []
        taken: list[bytes] = []
        size, self._taken = 0, []
        for number, body in rows:
            if taken and size + len(body) + 1 > max_bytes:
                break
            taken.append(body)
            size += len(body) + 1
            self._taken.append(number)
        return taken

    def done(self, n: int) -> None:
        """The first ``n`` of those taken last are done with."""
        if self._from_memory:
            return super().done(n)
        self._finished_rows += [(number, self._token) for number in self._taken[:n]]
        self._taken = self._taken[n:]
        with contextlib.suppress(sqlite3.Error), self._disk:  # before the next ones are taken, it must work
            self._delete_finished()
        with self.changed:
            self._stored -= n
            self.finished += n
            self.changed.notify_all()

    def close(self, until: float) -> list[bytes]:
        """Keep the rest, give up ownership; what could not be kept is returned."""
        with self.changed:
            self._closing = True
            self.changed.notify_all()
        if self._keeper is not None and self._keeper is not threading.current_thread():
            self._keeper.join(max(until - time.monotonic(), 0.1))
        elif self._items:
            self._keep()
        return super().close(until)

    def before_fork(self) -> None:
        """An SQLite connection must not be carried over a fork."""
        self._held_for_fork = self._disk.acquire(timeout=_FORK_WAITS_S)
        if self._held_for_fork:
            self._forget_connection()
        super().before_fork()

    def after_fork_in_parent(self) -> None:
        """Go on; the connection is made again when needed."""
        super().after_fork_in_parent()
        if self._held_for_fork:
            self._disk.release()

    def after_fork_in_child(self) -> None:
        """Start empty, as a new owner; in memory, if SQLite was in the middle of something when the process forked."""
        super().after_fork_in_child()
        _here.discard(self._token)
        whole = self._held_for_fork
        self._reset()
        if not whole:
            self._break("the disk was busy while the process forked")

    def _keep(self) -> None:
        """The keeper's life: move from memory to disk, show that we live, adopt the messages of the dead."""
        next_beat, failures = 0.0, 0
        while True:
            with self.changed:
                if not self._items and not self._closing:
                    self.changed.wait(max(min(next_beat - time.monotonic(), _BEAT_S), _KEEP_EVERY_S))
                closing, waiting = self._closing, list(self._items)
            try:
                with self._disk:
                    if time.monotonic() >= next_beat:
                        self._beat()
                        next_beat = time.monotonic() + _BEAT_S
                    if waiting:
                        self._store(waiting)
                    if closing and not self._items:
                        self._leave()
                failures = 0
            except (sqlite3.Error, OSError) as exc:
                failures += 1
                if closing or failures == _TRIES:
                    return self._break(exc)
                time.sleep(_KEEP_EVERY_S * failures)
                continue
            if closing and not self._items:
                return None
            if not closing:
                time.sleep(_KEEP_EVERY_S)  # many in one transaction

    def _store(self, waiting: list[bytes]) -> None:
        with self._open() as connection:
            connection.executemany(
                "INSERT INTO messages (owner, body) VALUES (?, ?)", [(self._token, body) for body in waiting]
            )
        with self.changed:
            for _ in waiting:
                self._bytes -= len(self._items.popleft())
            self._stored += len(waiting)
            self.changed.notify_all()

    def _beat(self) -> None:
        host = socket.gethostname()
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?)", (self._token, host, os.getpid(), time.time())
            )
            dead = [token for token, *who in connection.execute("SELECT * FROM owners").fetchall()
                    if token != self._token and _is_dead(token, host, *who)]  # fmt: skip
            adopted = 0
            for token in dead:
                moved = connection.execute("UPDATE messages SET owner = ? WHERE owner = ?", (self._token, token))
                adopted += moved.rowcount
                connection.execute("DELETE FROM owners WHERE token = ?", (token,))
        if adopted:
            with self.changed:
                self._stored += adopted
                self.accepted += adopted
                self.changed.notify_all()

    def _leave(self) -> None:
        with self._open() as connection:  # whoever comes next sees at once that this owner is gone
            connection.execute("UPDATE owners SET beat = 0, pid = -1 WHERE token = ?", (self._token,))
        _here.discard(self._token)
        self._forget_connection()

    def _delete_finished(self) -> None:
        if self._finished_rows:
            with self._open() as connection:
                connection.executemany("DELETE FROM messages WHERE id = ? AND owner = ?", self._finished_rows)
            self._finished_rows = []

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=5.0, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_SCHEMA)
            os.chmod(self.path, 0o600)
            _here.add(self._token)
        return self._connection

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _unreadable(self, exc: Exception) -> None:
        self._failures += 1
        if self._failures == _TRIES:
            with self.changed:
                lost, self._stored, self._failures = self._stored, 0, 0
                self.finished += lost
                self.changed.notify_all()
            self._report(Problem("disk", f"{self.path}: {exc}; {lost} messages cannot be read"))

    def _break(self, why: object) -> None:
        with self.changed:
            self.broken = True
            self.changed.notify_all()
        self._report(Problem("disk", f"{self.path}: {why}; going on in memory"))


def _is_dead(token: str, our_host: str, host: str, pid: int, beat: float) -> bool:
    if time.time() - beat > _DEAD_AFTER_S:
        return True
    if host != our_host:
        return False
    if pid == os.getpid():
        return token not in _here  # a container's restart gives the same number
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
