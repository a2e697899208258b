"""The queue between the host and the sender: bounded, in order, never waited for by the host."""

import threading
import time
from collections import deque


class MemoryQueue:
    """First in, first out; a message leaves it when it is done with, not when it is taken.

    Full, it refuses the newest: what is waiting stays whole and in order.

    Parameters
    ----------
    max_messages, max_bytes : int

    Attributes
    ----------
    changed : threading.Condition
        Guards the queue and tells of changes. Reentrant: a signal handler or destructor of the host may call in the
        middle of another call.
    accepted, finished : int
        How many were ever put in, and done with.
    """

    def __init__(self, max_messages: int, max_bytes: int):
        self.max_messages, self.max_bytes = max_messages, max_bytes
        self.changed = threading.Condition(threading.RLock())
        self.accepted = self.finished = 0
        self._items: deque[bytes] = deque()
        self._bytes = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: bytes, wake_at: int = 1) -> bool:
        """Take a message in; False when full. Wakes the sender for the first one and when ``wake_at`` are there."""
        with self.changed:
            if len(self._items) >= self.max_messages or self._bytes + len(item) > self.max_bytes:
                return False
            self._items.append(item)
            self._bytes += len(item)
            self.accepted += 1
            if len(self._items) in (1, wake_at):
                self.changed.notify_all()
            return True

    def take(self, max_messages: int, max_bytes: int) -> list[bytes]:
        """The oldest messages, within both limits but at least one; they stay until `done`."""
        taken: list[bytes] = []
        size = 0
        with self.changed:
            for item in self._items:
                if taken and (len(taken) >= max_messages or size + len(item) + 1 > max_bytes):
                    break
                taken.append(item)
                size += len(item) + 1  # and the comma
        return taken

    def done(self, n: int) -> None:
        """The oldest ``n`` are done with."""
        with self.changed:
            if self._closed:
                return  # it came too late: they are counted as lost, though the server has them
            for _ in range(n):
                self._bytes -= len(self._items.popleft())
            self.finished += n
            self.changed.notify_all()

    def wait_until_finished(self, number: int, until: float) -> bool:
        """Wait until ``number`` messages are done with, or until a moment of the monotonic clock."""
        with self.changed:
            while self.finished < number:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(left)
        return True

    def open(self) -> None:
        """Begin; nothing to do in memory."""

    def close(self, until: float) -> list[bytes]:
        """End; what is still in it would be lost, and is returned."""
        with self.changed:
            self._closed = True
            left, self._bytes = list(self._items), 0
            self._items.clear()
            return left

    def before_fork(self) -> None:
        """Be whole while the process forks."""
        self.changed.acquire(timeout=1.0)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._release()

    def after_fork_in_child(self) -> None:
        """Start empty: what was in it is the parent's to send."""
        self.changed = threading.Condition(threading.RLock())
        self.accepted = self.finished = 0
        self._items, self._bytes = deque(), 0

    def _release(self) -> None:
        try:
            self.changed.release()
        except RuntimeError:  # was not got within the second
            return
