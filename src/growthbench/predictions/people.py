"""What the log knows about people as of a moment: horizon and features read in one transaction.

People are named by person key here, and stand for everybody who had been merged into them by the moment; callers who
have ids from outside ask `people.directory.called` first, in the same transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from growthbench.events.horizon import read_horizon
from growthbench.features.plan import Plan
from growthbench.features.visibility import linked, roots

_SEEN = """
SELECT 1 FROM events AS e WHERE e.tenant_id = {tenant} AND e.person = {person}
  AND e.timestamp < {moment} AND e.received_at <= {moment} AND e.seq <= {horizon}"""
_KNOWN_SQL = """
SELECT p.value FROM {people} WHERE EXISTS ({own}) OR EXISTS (
  SELECT 1 FROM links AS l WHERE l.tenant_id = {tenant} AND l.person = p.value AND {linked} AND EXISTS ({members}))"""
_LISTED_SQL = """
SELECT person FROM (
  SELECT person FROM (
    SELECT DISTINCT e.person FROM events AS e WHERE e.tenant_id = {tenant} AND e.person > {after}
      AND NOT EXISTS (SELECT 1 FROM links AS l WHERE l.tenant_id = e.tenant_id AND l.member = e.person AND {linked})
    ORDER BY e.person LIMIT {limit}) AS own
  UNION SELECT r.root FROM ({roots}) AS r WHERE r.tenant_id = {tenant} AND r.root > {after}
) AS found ORDER BY person LIMIT {limit}"""
_COUNTED_SQL = """
SELECT count(DISTINCT coalesce(r.root, e.person))
FROM (SELECT DISTINCT person FROM events WHERE tenant_id = {tenant}) AS e
LEFT JOIN ({roots}) AS r ON r.tenant_id = {tenant} AND r.member = e.person"""
_DIALECTS = {
    "sqlite": (":{}", "json_each(:people) AS p"),
    "postgresql": ("%({})s", "unnest(%(people)s::text[]) AS p(value)"),
}


def _statements(template: str) -> dict[str, str]:
    """A template for each dialect's driver."""
    made = {}
    for dialect, (mark, people) in _DIALECTS.items():
        given = {name: mark.format(name) for name in ("tenant", "moment", "horizon", "after", "limit")}
        when = (given["moment"], given["horizon"])
        own, members = (_SEEN.format(person=who, **given) for who in ("p.value", "l.member"))
        made[dialect] = template.format(
            people=people, linked=linked("l", *when), roots=roots(*when), own=own, members=members, **given
        )
    return made


_KNOWN, _LISTED, _COUNTED = (_statements(template) for template in (_KNOWN_SQL, _LISTED_SQL, _COUNTED_SQL))


@dataclass(frozen=True)
class PeopleFeatures:
    """Finished features of the known among the people asked for.

    Attributes
    ----------
    people : list of str
        Those with at least one visible event, in the order asked.
    columns : dict of str to ndarray, shape (len(people),)
    moment, horizon : int
        What was visible: events before the moment, known by then, with ``seq`` up to the horizon.
    """

    people: list[str]
    columns: dict[str, np.ndarray]
    moment: int
    horizon: int


def read_features(
    connection: Connection, plan: Plan, tenant: str, people: Sequence[str], moment: int, horizon: int | None = None
) -> PeopleFeatures:
    """Read the features of distinct people with one bound statement.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction: what is read inside is one snapshot.
    people : sequence of str
        Person keys; of merged people their roots.
    moment : int
        As of, UTC µs.
    horizon : int, optional
        Highest ``seq`` to see; by default the log's last, read in the same transaction.
    """
    if horizon is None:
        horizon = read_horizon(connection, tenant)
    seen = known_people(connection, tenant, people, moment, horizon)
    known = [person for person in people if person in seen]
    driver = connection.connection.driver_connection
    columns = plan.finish(plan.fetch(driver, tenant, known, moment, horizon)) if known else {}
    return PeopleFeatures(known, columns, moment, horizon)


def known_people(connection: Connection, tenant: str, people: Sequence[str], moment: int, horizon: int) -> set[str]:
    """Those of the people with at least one event visible as of the moment and horizon, their own or a member's."""
    dialect = connection.dialect.name
    asked = json.dumps(list(people)) if dialect == "sqlite" else list(people)
    return set(_column(connection, _KNOWN, tenant, moment, horizon, people=asked))


def listed_people(
    connection: Connection, tenant: str, moment: int, horizon: int, after: str = "", limit: int = 1_000
) -> list[str]:
    """People of the log as of a moment and horizon, in byte order behind ``after``: whoever belonged to nobody else."""
    return _column(connection, _LISTED, tenant, moment, horizon, after=after, limit=limit)


def count_people(connection: Connection, tenant: str, moment: int, horizon: int) -> int:
    """How many `listed_people` there are."""
    return _column(connection, _COUNTED, tenant, moment, horizon)[0]


def _column(connection: Connection, statements: dict[str, str], tenant: str, moment: int, horizon: int, **more) -> list:
    driver = connection.connection.driver_connection
    given = {"tenant": tenant, "moment": moment, "horizon": horizon, **more}
    return [row[0] for row in driver.execute(statements[connection.dialect.name], given).fetchall()]
