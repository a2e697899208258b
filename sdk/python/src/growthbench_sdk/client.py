"""`MarketingClient`: what a host application calls."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime
from typing import Any

from growthbench_sdk import lifecycle
from growthbench_sdk.connection import Connection
from growthbench_sdk.counts import Counts
from growthbench_sdk.disk_queue import DiskQueue
from growthbench_sdk.event_calls import EventCalls
from growthbench_sdk.lookups import Lookups
from growthbench_sdk.memory_queue import MemoryQueue
from growthbench_sdk.message import MAX_MESSAGE_BYTES, build, encode
from growthbench_sdk.problem import Problem, Reporter, told
from growthbench_sdk.results import NotAvailable, Recommendations, Score
from growthbench_sdk.sender import Sender


class MarketingClient(EventCalls[bool]):
    """Sends events to growthbench in the background and reads scores; safe to call from any thread.

    No method raises, whatever the server, the network or the arguments do; what goes wrong is told to ``on_error`` and
    counted (`counts`). The methods that send only put a message into a bounded queue and return at once: True if it was
    taken in. Full, the queue refuses the newest message, so that what waits stays complete and in order. Messages of a
    client arrive in the order of the calls. Make one per process and close it at the end.

    Parameters
    ----------
    api_key : str
        A write key; a secret key if scores are asked for, too.
    base_url : str
        Where growthbench answers, like ``https://growth.example.com``.
    app_id : str, optional
        Which of the host's applications speaks.
    secret_key : str, optional
        For scores and recommendations, if ``api_key`` is a write key.
    on_error : callable, optional
        Called with a `Problem`, mostly from the client's own thread. What it raises is ignored.
    disk_queue : path, optional
        A file that keeps what is waiting over the end, or the death, of the process; may be shared by processes.
    max_queue, max_queue_bytes : int
        Bounds of the queue in memory.
    flush_at, flush_interval_s : int, float
        A batch leaves when so many messages wait (at most 100), or the first has waited so long.
    timeout_s, read_timeout_s : float
        Limit of one delivery, and of one reading call.
    exit_timeout_s : float
        How long the end of the process may be held up by messages that still wait.
    retry_first_s, retry_longest_s : float
        Distance between attempts: doubled from first to longest, half of it random; ``Retry-After`` is honoured.

    Examples
    --------
    >>> client = MarketingClient("gbw_key", "http://127.0.0.1:9", exit_timeout_s=0)
    >>> client.track("user_123", "product_viewed", {"product_id": "p1", "price": 299.99})
    True
    >>> client.track(None, "nobody did this")
    False
    >>> client.counts.dropped
    {'invalid': 1}
    >>> client.close(0)
    False
    """

    def __init__(
        self,
        api_key: str,
        base_url: str = "http://127.0.0.1:3000",
        app_id: str | None = None,
        *,
        secret_key: str | None = None,
        on_error: Callable[[Problem], Any] | None = None,
        disk_queue: str | os.PathLike[str] | None = None,
        max_queue: int = 10_000,
        max_queue_bytes: int = 64 * 1024 * 1024,
        flush_at: int = 100,
        flush_interval_s: float = 0.5,
        timeout_s: float = 10.0,
        read_timeout_s: float = 1.0,
        exit_timeout_s: float = 3.0,
        retry_first_s: float = 0.5,
        retry_longest_s: float = 30.0,
    ):
        self._report = Reporter(on_error)
        self._app_id, self._exit_timeout_s = app_id, exit_timeout_s
        self.read_timeout_s = read_timeout_s
        self._refused: Counter[str] = Counter()
        self._closed = False
        self._sender: Sender | None = None
        try:
            if not isinstance(api_key, str) or not api_key:
                raise ValueError("api_key is missing")
            connection = Connection(base_url)
            if disk_queue is None:
                queue: MemoryQueue = MemoryQueue(max_queue, max_queue_bytes)
            else:
                queue = DiskQueue(disk_queue, max_queue, max_queue_bytes, self._report)
            self._lookups = Lookups(connection.fresh(), secret_key or api_key, read_timeout_s)
            self._sender = Sender(queue, connection, api_key, self._report, flush_at, flush_interval_s, timeout_s,
                                  retry_first_s, retry_longest_s)  # fmt: skip
            lifecycle.register(self)
            if disk_queue is not None:
                lifecycle.hook_exit()
                self._sender.start()  # an earlier run may have left something
        except Exception as exc:  # a wrong setting must not take the host down: the client is dead and says so
            self._sender = None
            self._report(Problem("settings", told(exc)))

    def scores(self, user_id: str | int, tasks: str | Sequence[str]) -> dict[str, Score | NotAvailable]:
        """A person's scores by task; waits at most ``read_timeout_s`` for all of them together.

        Parameters
        ----------
        user_id : str or int
            Of a known person; ``anonymous:ID`` of a visitor.
        tasks : str or sequence of str
            Like ``churn``.

        Returns
        -------
        dict of str to Score or NotAvailable
            Every task that was asked for; `NotAvailable` is false and says why.
        """
        names = self.names(tasks)
        found = self._wait(self.start_scores(user_id, names))
        return dict.fromkeys(names, found) if isinstance(found, NotAvailable) else found

    def get_recommendations(
        self, user_id: str | int, context: str | None = None, limit: int | None = None
    ) -> Recommendations | NotAvailable:
        """What to show to a person, like on ``context="homepage"``; waits at most ``read_timeout_s``.

        A server without recommendations is answered for honestly: `NotAvailable` with reason ``not_offered``, never an
        empty list that looks like a result.
        """
        found: Recommendations | NotAvailable = self._wait(self.start_recommendations(user_id, context, limit))
        return found

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Send now, and wait until what was waiting is delivered (or dropped); False if that takes longer."""
        try:
            return self._sender is not None and self._sender.flush(time.monotonic() + timeout_s)
        except Exception as exc:
            return self._failed(exc)

    def close(self, timeout_s: float | None = None) -> bool:
        """Deliver what waits within ``timeout_s`` (``exit_timeout_s``), then end; True if nothing was left.

        What is left stays in the disk queue for the next run; without one it is dropped, counted and told to
        ``on_error``. Runs by itself when the process ends.
        """
        try:
            return self._close(self._exit_timeout_s if timeout_s is None else timeout_s)
        except Exception as exc:
            return self._failed(exc)

    @property
    def counts(self) -> Counts:
        """What became of the messages so far."""
        dropped = Counter(self._refused)
        if self._sender is None:
            return Counts(dropped=dict(dropped))
        sender, queue = self._sender, self._sender.queue
        return Counts(queue.accepted, sender.delivered, len(queue), sender.attempts, dict(dropped + sender.dropped))

    def __enter__(self) -> "MarketingClient":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _send(
        self,
        kind: str,
        user_id: Any,
        anonymous_id: Any,
        timestamp: datetime | str | None,
        context: Mapping[str, Any] | None,
        message_id: str | None,
        **fields: Any,
    ) -> bool:
        try:
            if self._closed or self._sender is None:
                return self._refuse("closed" if self._closed else "settings", "the client takes no messages", None)
            message = build(kind, user_id, anonymous_id, timestamp, context, message_id, self._app_id, **fields)
            item = encode(message)
            if len(item) > MAX_MESSAGE_BYTES:
                return self._refuse("too_large", f"a message has {len(item)} bytes", message)
            if not self._sender.queue.put(item, self._sender.flush_at):
                return self._refuse("full", "the queue is full", message)
            lifecycle.hook_exit()
            self._sender.start()
            return True
        except Exception as exc:
            return self._refuse("invalid", f"{kind}: {told(exc)}", None)

    def _refuse(self, kind: str, detail: str, message: Mapping[str, Any] | None) -> bool:
        self._refused[kind] += 1
        self._report(Problem(kind, detail, [dict(message)] if message else ()))
        return False

    def _failed(self, exc: Exception) -> bool:
        self._report(Problem("internal", told(exc)))
        return False

    def start_scores(self, user_id: Any, tasks: Sequence[str]) -> "Future[Any]":
        """Ask, without waiting."""
        return self._start(lambda until: self._lookups.scores(str(user_id), tasks, until))

    def start_recommendations(self, user_id: Any, context: str | None, limit: int | None) -> "Future[Any]":
        """Ask, without waiting."""
        return self._start(lambda until: self._lookups.recommendations(str(user_id), context, limit, until))

    def _start(self, ask: Callable[[float], Any]) -> "Future[Any]":
        answer = NotAvailable("closed", "the client is closed, or its settings are wrong")
        try:
            if self._sender is not None and not self._closed:
                return self._lookups.start(ask)
        except Exception as exc:
            self._failed(exc)
            answer = NotAvailable("refused", told(exc))
        future: Future[Any] = Future()
        future.set_result(answer)
        return future

    def _wait(self, future: "Future[Any]") -> Any:
        try:
            return future.result(self.read_timeout_s)
        except FutureTimeoutError:
            return self.too_late()
        except Exception as exc:
            self._failed(exc)
            return NotAvailable("refused", told(exc))

    def too_late(self) -> NotAvailable:
        """The answer to a reading call that took too long."""
        return NotAvailable("timeout", f"no answer within {self.read_timeout_s:g} s")

    def names(self, tasks: Any) -> list[str]:
        """The tasks asked for; empty if they cannot be read."""
        try:
            return [tasks] if isinstance(tasks, str) else [str(task) for task in tasks]
        except Exception as exc:
            self._failed(exc)
            return []

    def _close(self, timeout_s: float) -> bool:
        if self._sender is None:
            return False
        if self._closed:
            return len(self._sender.queue) == 0
        self._closed = True
        lifecycle.unregister(self)
        self._lookups.close()
        until = time.monotonic() + timeout_s
        self._sender.stop(until)
        lost = self._sender.queue.close(until + 0.5)
        if lost:
            self._sender.drop("closed", "not delivered when the client was closed", lost)
        return len(self._sender.queue) == 0 and not lost

    def at_exit(self, at_most_s: float) -> None:
        """Close; called when the process ends."""
        self.close(min(self._exit_timeout_s, at_most_s))

    def before_fork(self) -> None:
        """Stand still while the process forks."""
        if self._sender is not None:
            self._sender.queue.before_fork()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._sender is not None:
            self._sender.queue.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Begin anew: the queue and its messages are the parent's, a thread starts with the first message."""
        if self._sender is not None:
            self._refused.clear()
            self._sender.queue.after_fork_in_child()
            self._sender.after_fork_in_child()
            self._lookups.reset()


def in_thread(work: Callable[[], Any]) -> "Future[Any]":
    """Run something that waits in a daemon thread of its own, so that it can hold up neither a loop nor the exit."""
    future: Future[Any] = Future()

    def run() -> None:
        result = work()
        if future.set_running_or_notify_cancel():
            future.set_result(result)

    threading.Thread(target=run, name="growthbench-wait", daemon=True).start()
    return future
