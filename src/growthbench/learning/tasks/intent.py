"""Intent: what will a person do next?"""

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa

from growthbench.base.clock import DAY_US
from growthbench.events.catalogue import EVENT_TYPES
from growthbench.learning.params import TrainParams
from growthbench.learning.spine import moments, query, spine_table
from growthbench.learning.task import Gates, Slice, Task

CLASSES = ("none", "visit", "interest", "commit", "use", "support", "leave")

_SQL = """
WITH acts AS (SELECT e.*, g.label FROM events e JOIN acts_of g USING (name)),
people AS (
  SELECT DISTINCT e.tenant_id, e.person, m.moment
  FROM acts e JOIN moments m
    ON e.timestamp < m.moment AND e.received_at <= m.moment AND e.timestamp >= m.moment - $active),
next_ AS (
  SELECT e.tenant_id, e.person, m.moment, e.label,
         row_number() OVER (PARTITION BY e.tenant_id, e.person, m.moment ORDER BY e.timestamp, e.event_id) AS first
  FROM acts e JOIN moments m ON e.timestamp >= m.moment AND e.timestamp < m.moment + $window)
SELECT p.*, coalesce(n.label, 0) AS label
FROM people p LEFT JOIN (SELECT * FROM next_ WHERE first = 1) n USING (tenant_id, person, moment)
"""


class Intent(Task):
    """People who did something in the last ``active_days``, on a grid of moments; the class is the group of the first
    thing they do themselves within ``window_days``, or ``none``."""

    name: ClassVar[str] = "intent"
    kind: ClassVar[str] = "multiclass"
    about: ClassVar[str] = "What will this person do next: visit, interest, commit, use, support, leave, or none?"
    defaults: ClassVar[Mapping[str, Any]] = {
        "window_days": 7,
        "active_days": 30,
        "moments": 6,
        "booster": {"rounds": 200, "learning_rate": 0.1, "members": 1},  # each round is a tree a class
        "linear": {"weight": 0},
    }
    features: ClassVar[tuple[str, ...]] = (
        "visits_of_50", "interests_of_50", "commits_of_50", "uses_of_50", "support_of_50", "last_name",
        "active_days_30d", "sessions_30d", "feature_uses_7d", "page_views_7d", "since_last_event", "mean_gap", "tenure",
        "purchases_90d", "carts_30d", "top_category", "last_channel", "plan",
    )  # fmt: skip
    baselines: ClassVar[tuple[str, ...]] = ("last_event",)
    slices: ClassVar[tuple[Slice, ...]] = (Slice("last_name"), Slice("plan"), Slice("tenure", (30.0, 90.0, 365.0)))
    gates: ClassVar[Gates] = Gates(metric="log_loss", higher_is_better=False)

    def classes(self, params: TrainParams) -> tuple[str, ...]:
        """``none`` and the groups of events that a person brings about."""
        return CLASSES

    def spine(self, lake, params: TrainParams) -> pa.Table:
        """Active people at each moment, label the number of the class of what came first."""
        number = {group: i for i, group in enumerate(CLASSES)}
        acts = [(t.name, number[t.group]) for t in EVENT_TYPES if t.group in number]
        tables = {
            "moments": pa.table({"moment": moments(lake, params, params.active_days)}),
            "acts_of": pa.table({"name": [n for n, _ in acts], "label": pa.array([c for _, c in acts], pa.int64())}),
        }
        values = {"window": params.window_days * DAY_US, "active": params.active_days * DAY_US}
        return spine_table(query(lake, _SQL, values, tables), lake.horizon)
