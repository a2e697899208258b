"""Scores that cross a threshold: an alert for each crossing, none for staying beyond.

A tenant's configuration holds the thresholds: ``"score_alerts": [{"task": "lead_scoring", "above": 0.7}]``. A crossing
is found inside the transaction that logs the score, by the prediction before it of the same person; so it is told once,
whoever scores and however many workers there are. The first score of somebody crosses if it is beyond.
"""

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.errors import BadInputError, GrowthbenchError
from growthbench.predictions.deployments import model_version
from growthbench.predictions.log import COLUMNS
from growthbench.predictions.tables import predictions
from growthbench.store.messages import Message, take_numbers
from growthbench.store.tenant_tables import tenants

if TYPE_CHECKING:
    from growthbench.serving.bus import Bus
    from growthbench.serving.state import State
    from growthbench.store.group_commit import Writer

_log = logging.getLogger("growthbench.serving")
_MOST_WAITING, _AT_ONCE = 50_000, 200


class Threshold(NamedTuple):
    """A line that scores of a task cross: ``side`` is above or below."""

    task: str
    side: str
    value: float

    def beyond(self, score: float) -> bool:
        """Whether a score is on the side that alerts."""
        return score > self.value if self.side == "above" else score < self.value


class _Scored(NamedTuple):
    tenant_id: str
    person: str | None
    task: str
    score: float
    band: str | None
    model_digest: str
    prediction_id: str
    role: str


_PLACES = tuple(COLUMNS.index(name) for name in _Scored._fields)


def read_thresholds(config: Mapping[str, Any]) -> tuple[Threshold, ...]:
    """Thresholds of a tenant's configuration.

    >>> read_thresholds({"score_alerts": [{"task": "churn", "above": 0.8}]})
    (Threshold(task='churn', side='above', value=0.8),)

    Raises
    ------
    BadInputError
        ``score_alerts`` is something else; ``field`` names the place.
    """
    given = config.get("score_alerts", [])
    if not isinstance(given, list):
        raise BadInputError("score_alerts must be a list", field="config.score_alerts")
    found = []
    for place, one in enumerate(given):
        sides = [side for side in ("above", "below") if isinstance(one, dict) and side in one]
        value = one[sides[0]] if len(sides) == 1 else None
        plain = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
        if not plain or not isinstance(one.get("task"), str) or set(one) - {"task", *sides}:
            raise BadInputError(
                'a score alert is {"task": NAME, "above": 0..1} or {"task": NAME, "below": 0..1}',
                field=f"config.score_alerts[{place}]",
            )
        found.append(Threshold(one["task"], sides[0], float(value)))
    return tuple(found)


class ScoreWatch:
    """Tells scores to the channel where somebody wants them, and crossings always.

    Parameters
    ----------
    bus : Bus
    """

    def __init__(self, bus: "Bus"):
        self._bus = bus
        self._thresholds: dict[tuple[str, str], tuple[Threshold, ...]] = {}
        self._tenants: frozenset[str] = frozenset()
        self._changed: dict[tuple[str, str], None] = {}
        self._work, self._closed = threading.Condition(), False
        self._thread: threading.Thread | None = None

    def watching(self, write: "Writer") -> "Writer":
        """The prediction log's writer of the group commit, its rows watched in the same transaction.

        Parameters
        ----------
        write : Writer
            ``predictions.log.write_logged``; an item is a list of rows, as `COLUMNS` there names them.
        """

        def write_and_watch(connection: Connection, items: Sequence[Sequence[tuple]]) -> Sequence:
            results = write(connection, items)
            if self._thresholds or self._bus.anything_wanted:
                self._watch(connection, [row for rows in items for row in rows])
            return results

        return write_and_watch

    def _watch(self, connection: Connection, rows: Sequence[tuple]) -> None:
        messages, last = [], {}
        watched = [_Scored(*(logged[place] for place in _PLACES)) for logged in rows]
        own = [row.prediction_id for row in watched]
        for row in watched:
            if row.person is None or row.role == "shadow":
                continue
            if self._bus.wanted(row.tenant_id, "scores"):
                messages.append(Message("scores", row.tenant_id, _told(row), row.person))
            lines = self._thresholds.get((row.tenant_id, row.task), ())
            if not lines:
                continue
            about = (row.tenant_id, row.person, row.task)
            if beyond := [line for line in lines if line.beyond(row.score)]:
                if about not in last:
                    # Holds the channel's numbers until the commit: another worker's score of the same person is either
                    # in the log by now or comes after this one.
                    take_numbers(connection, row.tenant_id)
                    last[about] = _before(connection, row, own)
                before = last[about]
                messages += [
                    Message("alerts", row.tenant_id, _alert(row, line, before), row.person)
                    for line in beyond
                    if before is None or not line.beyond(before)
                ]
            last[about] = row.score
        if messages:
            self._bus.write(connection, messages)

    def persons_changed(self, tenant: str, persons: Sequence[str]) -> None:
        """Hook of the tails: score these people again soon, where thresholds wait for them."""
        if tenant not in self._tenants:
            return
        with self._work:
            room = _MOST_WAITING - len(self._changed)
            self._changed.update(dict.fromkeys((tenant, p) for p in persons[:room]))
            if room < len(persons):
                _log.warning("%d people of %s are not scored again now: too many wait", len(persons) - room, tenant)
            self._work.notify()

    def notice(self, connection: Connection) -> None:
        """Learn the thresholds of all tenants."""
        query = select(tenants.c.tenant_id, tenants.c.config).where(tenants.c.config.contains("score_alerts"))
        found: dict[tuple[str, str], tuple[Threshold, ...]] = {}
        for tenant, config in connection.execute(query):
            try:
                lines = read_thresholds(json.loads(config))
            except BadInputError as exc:
                _log.warning("tenant %s: %s: %s", tenant, exc.field, exc)
                continue
            for line in lines:
                found[tenant, line.task] = (*found.get((tenant, line.task), ()), line)
        self._thresholds, self._tenants = found, frozenset(tenant for tenant, _ in found)

    def start(self, state: "State") -> None:
        """Begin to score people who changed."""
        self._thread = threading.Thread(target=self._run, args=(state,), name="growthbench-scores", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        with self._work:
            self._closed = True
            self._work.notify()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self, state: "State") -> None:
        while True:
            with self._work:
                while not self._changed and not self._closed:
                    self._work.wait()
                if self._closed:
                    return
                tenant = next(iter(self._changed))[0]
                persons = [p for t, p in list(self._changed)[: 4 * _AT_ONCE] if t == tenant][:_AT_ONCE]
                for person in persons:
                    del self._changed[tenant, person]
            try:
                self._score(state, tenant, persons)
            except (GrowthbenchError, SQLAlchemyError) as exc:
                _log.warning("%d people of %s cannot be scored again: %s", len(persons), tenant, exc)

    def _score(self, state: "State", tenant: str, persons: list[str]) -> None:
        names = [n for n in state.directory(tenant).user_ids(persons) if n is not None]
        for task in [task for t, task in self._thresholds if t == tenant]:
            state.scorer(tenant).score_people(task, names)  # logs what it says, and so is watched


def _before(connection: Connection, row: _Scored, own: Sequence[str]) -> float | None:
    """The newest score of the same person and task that was answered and is in the log, but for this transaction's own.

    The newest, though it may be newer than this one: workers commit in another order than they score, and it has been
    told already if it was beyond. None if there is none.
    """
    c = predictions.c
    query = (
        select(c.prediction_id, c.score)
        .where(c.tenant_id == row.tenant_id, c.person == row.person, c.task == row.task, c.role != "shadow")
        .order_by(c.created_at.desc(), c.prediction_id.desc())
        .limit(len(own) + 1)
    )
    mine = set(own)
    return next((score for prediction_id, score in connection.execute(query) if prediction_id not in mine), None)


def _told(row: _Scored) -> dict[str, Any]:
    return {
        "task": row.task,
        "score": row.score,
        "band": row.band,
        "model_version": model_version(row.task, row.model_digest),
        "prediction_id": row.prediction_id,
    }


def _alert(row: _Scored, line: Threshold, before: float | None) -> dict[str, Any]:
    return {
        "kind": "score_threshold",
        "side": line.side,
        "threshold": line.value,
        "previous_score": before,
        **_told(row),
    }
