"""The thread that delivers: batches in order, again and again until the server has acknowledged them."""

import base64
import contextlib
import gzip
import json
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime

from growthbench_sdk.connection import Answer, Connection, NoAnswerError
from growthbench_sdk.memory_queue import MemoryQueue
from growthbench_sdk.problem import Problem, Reporter, told
from growthbench_sdk.version import VERSION
from growthbench_sdk.waiting import backoff_s, retry_after_s

MAX_BATCH = 100
MAX_BATCH_BYTES = 500_000
_WRAPPING_BYTES = 200  # of {"batch":[...],"sentAt":"..."}
_GZIP_FROM_BYTES = 1024
_REFUSED = (400, 413, 422)  # the message itself is at fault; every other status may pass


class Sender:
    """Delivers a queue to ``POST /v1/batch``.

    Messages of one client leave in the order they came, one request at a time: nobody's events overtake each other.
    What fails is tried again without end, at growing distances; what the server refuses is narrowed down to the message
    at fault, and that one is dropped. An acknowledgement or refusal counts only if it is growthbench's own
    (``{"success": true}``, problem+json): a proxy's friendly page is neither.

    Parameters
    ----------
    queue : MemoryQueue
    connection : Connection
    write_key : str
    report : Reporter
    flush_at, flush_interval_s : int, float
        Send when so many wait, or the first has waited so long.
    timeout_s : float
        Of one request, in all.
    retry_first_s, retry_longest_s : float
        Distances between attempts.
    """

    def __init__(
        self,
        queue: MemoryQueue,
        connection: Connection,
        write_key: str,
        report: Reporter,
        flush_at: int,
        flush_interval_s: float,
        timeout_s: float,
        retry_first_s: float,
        retry_longest_s: float,
    ):
        self.queue, self._connection, self._report = queue, connection, report
        self.flush_at = min(max(flush_at, 1), MAX_BATCH)
        self._flush_interval_s, self._timeout_s = flush_interval_s, timeout_s
        self._retry_first_s, self._retry_longest_s = retry_first_s, retry_longest_s
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode(),
            "Content-Type": "application/json",
            "User-Agent": f"growthbench-python/{VERSION}",
        }
        self.dropped: Counter[str] = Counter()
        self._reset()

    def _reset(self) -> None:
        self.delivered = self.attempts = 0
        self.dropped.clear()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._wanted = 0  # messages up to this number shall leave now
        self._stop_at: float | None = None

    def start(self) -> bool:
        """Have the thread run; False if none can be started (the interpreter ends)."""
        if self._thread is not None:
            return True
        with self._starting:
            if self._thread is None:
                try:
                    self.queue.open()
                    thread = threading.Thread(target=self.run, name="growthbench-sender", daemon=True)
                    thread.start()
                    self._thread = thread
                except RuntimeError:
                    return False
        return True

    def flush(self, until: float) -> bool:
        """Send what is waiting now; True when all of it is done with before a moment of the monotonic clock."""
        queue = self.queue
        with queue.changed:
            wanted = queue.accepted
            self._wanted = max(self._wanted, wanted)
            queue.changed.notify_all()
        return queue.wait_until_finished(wanted, until)

    def stop(self, until: float) -> None:
        """Deliver what can be delivered until then, and end."""
        with self.queue.changed:
            self._stop_at = until
            self.queue.changed.notify_all()
        if self._thread is None and len(self.queue):
            self.run()  # no thread could be started: the caller's does it
        elif self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(until - time.monotonic(), 0.05))

    def after_fork_in_child(self) -> None:
        """The thread did not come along, and the connection is the parent's."""
        self._reset()
        self._connection = self._connection.fresh()

    def run(self) -> None:
        """Deliver until stopped; an error of our own ends a round, never the thread."""
        failures = 0
        while self._wait_for_messages():
            try:
                wait = self._round(failures)
            except Exception as exc:
                self._report(Problem("internal", told(exc)))
                wait = self._retry_longest_s
            failures = failures + 1 if wait else 0
            if wait and not self._pause(wait):
                break
        with contextlib.suppress(Exception):
            self._connection.close()

    def _wait_for_messages(self) -> bool:
        queue = self.queue
        with queue.changed:
            while not len(queue):
                if self._stop_at is not None:
                    return False
                queue.changed.wait()
            until = time.monotonic() + self._flush_interval_s
            while len(queue) < self.flush_at and self._wanted <= queue.finished and self._stop_at is None:
                left = until - time.monotonic()
                if left <= 0:
                    break
                queue.changed.wait(left)
            return self._stop_at is None or time.monotonic() < self._stop_at

    def _round(self, failures: int) -> float:
        """Deliver one batch; returns how long to wait before the next attempt, 0 after success."""
        batch = self.queue.take(self.flush_at, MAX_BATCH_BYTES - _WRAPPING_BYTES)
        if not batch:  # the disk queue has it in hand, but not on disk yet
            with self.queue.changed:
                self.queue.changed.wait(0.05)
            return 0.0
        while batch:
            size, answer = self._narrowed(batch)
            if answer is None or answer.status not in (*_REFUSED, *range(200, 300)):
                return self._delay(answer, failures)
            if 200 <= answer.status < 300:
                self.delivered += size
            else:
                detail = f"HTTP {answer.status}: {answer.body[:300].decode('utf-8', 'replace')}"
                self.drop("refused", detail, batch[:1], answer.status)
            self.queue.done(size)
            batch = batch[size:]
        return 0.0

    def _narrowed(self, batch: list[bytes]) -> tuple[int, Answer | None]:
        """Send a batch, halved until it is taken or one message is refused: how many the answer is about, and itself.

        None for an answer that is none: nothing came, or something that growthbench does not say.
        """
        size = len(batch)
        while True:
            try:
                answer = self._post(batch[:size])
            except NoAnswerError as exc:
                self._report(Problem("network", str(exc)))
                return size, None
            if answer.status in _REFUSED and size > 1:
                size = (size + 1) // 2
                continue
            ours = _acknowledged(answer) if 200 <= answer.status < 300 else _is_problem(answer)
            if not ours and answer.status in (*_REFUSED, *range(200, 400)):
                self._report(Problem("rubbish", f"HTTP {answer.status}, not from growthbench", status=answer.status))
                return size, None
            if answer.status not in (*_REFUSED, *range(200, 300)):
                self._report(Problem("status", f"HTTP {answer.status}", status=answer.status))
            return size, answer

    def _delay(self, answer: Answer | None, failures: int) -> float:
        asked = None if answer is None else retry_after_s(answer.headers)
        own = backoff_s(failures + 1, self._retry_first_s, self._retry_longest_s)
        # A little later than asked, and not all at once; `Retry-After: 0` from a server that fails on is no licence.
        return own if asked is None else max(asked * random.uniform(1.0, 1.1), own / 10)

    def _post(self, batch: list[bytes]) -> Answer:
        sent_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = b'{"batch":[' + b",".join(batch) + b'],"sentAt":"' + sent_at.encode() + b'"}'
        headers = self._headers
        if len(body) >= _GZIP_FROM_BYTES:
            body, headers = gzip.compress(body, 5, mtime=0), headers | {"Content-Encoding": "gzip"}
        timeout_s = self._timeout_s
        if self._stop_at is not None:
            timeout_s = max(min(timeout_s, self._stop_at - time.monotonic()), 0.05)
        self.attempts += 1
        return self._connection.request("POST", "/v1/batch", headers, timeout_s, body)

    def _pause(self, wait: float) -> bool:
        """Wait before the next attempt; False when stopping, and there is no time left for one."""
        until = time.monotonic() + wait
        with self.queue.changed:
            while (left := until - time.monotonic()) > 0:
                if self._stop_at is not None and until >= self._stop_at:
                    return False
                self.queue.changed.wait(left)
        return True

    def drop(self, kind: str, detail: str, messages: list[bytes], status: int | None = None) -> None:
        """Count messages that are gone, and hand them to the host."""
        self.dropped[kind] += len(messages)
        self._report(Problem(kind, detail, [json.loads(m) for m in messages], status))


def _acknowledged(answer: Answer) -> bool:
    try:
        return json.loads(answer.body)["success"] is True
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _is_problem(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").startswith("application/problem+json")
