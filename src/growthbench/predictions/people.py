"""What the log knows about people as of a moment: horizon and features read in one transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, text

from growthbench.events.horizon import read_horizon
from growthbench.features.plan import Plan

_SOURCE = {"sqlite": "json_each(:people) AS p", "postgresql": "unnest(CAST(:people AS text[])) AS p(value)"}
_KNOWN = """
SELECT p.value FROM {source} WHERE EXISTS (
  SELECT 1 FROM events AS e
  WHERE e.tenant_id = :tenant AND e.person = p.value
    AND e.timestamp < :moment AND e.received_at <= :moment AND e.seq <= :horizon
)"""


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
    moment : int
        As of, UTC µs.
    horizon : int, optional
        Highest ``seq`` to see; by default the log's last, read in the same transaction.
    """
    if horizon is None:
        horizon = read_horizon(connection, tenant)
    seen = known_people(connection, tenant, people, moment, horizon)
    known = [person for person in people if person in seen]
    columns = plan.finish(plan.fetch(connection, tenant, known, moment, horizon)) if known else {}
    return PeopleFeatures(known, columns, moment, horizon)


def known_people(connection: Connection, tenant: str, people: Sequence[str], moment: int, horizon: int) -> set[str]:
    """Those of the people with at least one event visible as of the moment and horizon."""
    dialect = connection.dialect.name
    source = _SOURCE[dialect]
    asked = json.dumps(list(people)) if dialect == "sqlite" else list(people)
    bound = {"people": asked, "tenant": tenant, "moment": moment, "horizon": horizon}
    return set(connection.execute(text(_KNOWN.format(source=source)), bound).scalars())
