"""Reading calls: asked beside the host, waited for within a limit, answered with a value or with the reason why not."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any
from urllib.parse import quote, urlencode

from growthbench_sdk.connection import Answer, Connection, NoAnswerError
from growthbench_sdk.results import NotAvailable, Recommendations, Score
from growthbench_sdk.version import VERSION

_MOST_AT_ONCE = 32
_FAILURES_TO_REST = 5
_REST_S = 15.0
_REASONS = {401: "not_allowed", 403: "not_allowed", 404: "not_found", 410: "gone", 429: "limit", 503: "not_ready"}


class Lookups:
    """Scores and recommendations of one server.

    Each question runs in a short-lived thread of its own, so that not even a slow name server holds the host;
    connections are kept and shared. After 5 failures in a row the server is left alone for 15 s and calls answer
    ``resting`` at once.

    Parameters
    ----------
    connection : Connection
        Pattern of those that are made.
    secret_key : str
    timeout_s : float
        Of one call, in all.
    """

    def __init__(self, connection: Connection, secret_key: str, timeout_s: float):
        self._pattern, self.timeout_s = connection, timeout_s
        self._headers = {"Authorization": f"Bearer {secret_key}", "User-Agent": f"growthbench-python/{VERSION}"}
        self.reset()

    def reset(self) -> None:
        """Begin anew, as after a fork."""
        self._idle: list[Connection] = []
        self._running = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self._failures, self._rest_until = 0, 0.0
        self._closed = False

    def close(self) -> None:
        """Let go of the server; questions that run find their end by themselves."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def start(self, ask: Callable[[float], Any]) -> "Future[Any]":
        """Run a question in a thread of its own; it is given the moment by which it must have an answer."""
        future: Future[Any] = Future()
        if time.monotonic() < self._rest_until:
            future.set_result(NotAvailable("resting", f"{_FAILURES_TO_REST} calls failed in a row"))
        elif not self._running.acquire(blocking=False):
            future.set_result(NotAvailable("timeout", f"{_MOST_AT_ONCE} calls are waiting already"))
        else:
            try:
                threading.Thread(
                    target=self._run, args=(future, ask, time.monotonic() + self.timeout_s), daemon=True
                ).start()
            except RuntimeError as exc:
                self._running.release()
                future.set_result(NotAvailable("closed", str(exc)))
        return future

    def scores(self, user_id: str, tasks: Sequence[str], until: float) -> dict[str, Score | NotAvailable]:
        """One task after the other, over one connection."""
        return {task: self._score(user_id, task, until) for task in tasks}

    def recommendations(
        self, user_id: str, context: str | None, limit: int | None, until: float
    ) -> Recommendations | NotAvailable:
        """What the server recommends; ``not_offered`` while it has no such route."""
        asked = {"user_id": user_id, "context": context, "limit": limit}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        found = self._get(f"/api/v1/recommendations?{query}", until)
        if isinstance(found, NotAvailable):
            # No person is named in this path, so 404 can only mean the route itself; 405 and 501 say the same.
            missing = found.status in (404, 405, 501)
            return NotAvailable("not_offered", found.detail, found.status) if missing else found
        items = found.get("items", found.get("recommendations"))
        if not isinstance(items, list):
            return NotAvailable("rubbish", "the answer has no list of items")
        return Recommendations(user_id, tuple(items), found)

    def _score(self, user_id: str, task: str, until: float) -> Score | NotAvailable:
        found = self._get(f"/api/v1/scores/{quote(task, safe='')}/{quote(user_id, safe='')}", until)
        if isinstance(found, NotAvailable):
            return found
        if isinstance(found.get("scores"), list) and found["scores"]:  # the form of several people
            found = found["scores"][0]
        if not isinstance(found, dict) or not ({"score", "class"} & found.keys()):
            return NotAvailable("rubbish", "the answer has no score")
        return Score(
            user_id=user_id,
            task=task,
            score=_number(found.get("score")),
            band=found.get("band"),
            confidence=_number(found.get("confidence")),
            model_version=found.get("model_version"),
            prediction_id=found.get("prediction_id"),
            degraded=bool(found.get("degraded", False)),
            raw=found,
        )

    def _get(self, path: str, until: float) -> Mapping[str, Any] | NotAvailable:
        left = until - time.monotonic()
        if left <= 0:
            return NotAvailable("timeout", f"no answer within {self.timeout_s:g} s")
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._pattern.fresh()
        try:
            answer = connection.request("GET", path, self._headers, left)
        except NoAnswerError as exc:
            self._count_failure()
            return NotAvailable("timeout" if time.monotonic() >= until else "network", str(exc))
        self._idle.append(connection)
        if self._closed:
            self.close()
        return self._read(answer)

    def _read(self, answer: Answer) -> Mapping[str, Any] | NotAvailable:
        try:
            content = json.loads(answer.body)
        except (ValueError, RecursionError):
            content = None
        if answer.status >= 500:
            self._count_failure()
        else:
            self._failures = 0
        if 200 <= answer.status < 300 and isinstance(content, dict):
            return content
        if 200 <= answer.status < 400:
            return NotAvailable("rubbish", f"HTTP {answer.status}, but not from growthbench", answer.status)
        detail = str(content.get("detail", "")) if isinstance(content, dict) else ""
        return NotAvailable(_REASONS.get(answer.status, "refused"), detail[:300], answer.status)

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= _FAILURES_TO_REST:
            self._failures, self._rest_until = 0, time.monotonic() + _REST_S

    def _run(self, future: "Future[Any]", ask: Callable[[float], Any], until: float) -> None:
        try:
            result = ask(until)
        except Exception as exc:
            result = NotAvailable("refused", f"{type(exc).__name__}: {exc}")
        finally:
            self._running.release()
        if future.set_running_or_notify_cancel():
            future.set_result(result)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
