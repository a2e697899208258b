"""Churn: will a customer have left before the label window ends?"""

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa

from growthbench.base.clock import DAY_US
from growthbench.learning.params import TrainParams
from growthbench.learning.spine import moments, query, spine_table
from growthbench.learning.task import Slice, Task

_USE = (
    "feature_uses_7d", "feature_uses_30d", "use_trend", "distinct_features_30d", "logins_30d", "invites_90d",
    "tickets_30d", "page_views_30d", "active_days_30d", "sessions_30d", "email_click_rate_30d", "since_last_event",
    "mean_gap", "tenure", "industry", "employees", "seniority", "country", "plan", "source",
)  # fmt: skip
_SHOP = (
    "purchases_30d", "purchases_90d", "purchases_all", "revenue_90d", "aov", "refunds_90d", "carts_30d",
    "product_views_30d", "distinct_items_30d", "page_views_30d", "active_days_30d", "sessions_30d",
    "email_click_rate_30d", "ad_clicks_30d", "since_last_event", "since_last_purchase", "mean_gap", "tenure",
    "top_category", "last_channel", "country", "device", "source",
)  # fmt: skip

_CONTRACT_SQL = """
WITH states AS (
  SELECT e.tenant_id, e.person, m.moment, e.name,
         row_number() OVER (PARTITION BY e.tenant_id, e.person, m.moment
                            ORDER BY e.timestamp DESC, e.event_id DESC) AS newest
  FROM events e JOIN moments m ON e.timestamp < m.moment AND e.received_at <= m.moment
  WHERE e.name IN ('subscription_started', 'subscription_cancelled')),
active AS (SELECT tenant_id, person, moment FROM states WHERE newest = 1 AND name = 'subscription_started'),
left_ AS (SELECT DISTINCT e.tenant_id, e.person, m.moment
          FROM events e JOIN moments m ON e.timestamp >= m.moment AND e.timestamp < m.moment + $window
          WHERE e.name = 'subscription_cancelled')
SELECT a.*, (l.person IS NOT NULL)::BIGINT AS label
FROM active a LEFT JOIN left_ l USING (tenant_id, person, moment)
"""

_SILENCE_SQL = """
WITH buyers AS (
  SELECT DISTINCT e.tenant_id, e.person, m.moment
  FROM events e JOIN moments m
    ON e.timestamp < m.moment AND e.received_at <= m.moment AND e.timestamp >= m.moment - $active
  WHERE e.name = 'purchase'),
stayed AS (
  SELECT DISTINCT e.tenant_id, e.person, m.moment
  FROM events e JOIN moments m ON e.timestamp >= m.moment AND e.timestamp < m.moment + $window
  WHERE e.name = 'purchase')
SELECT b.*, (s.person IS NULL)::BIGINT AS label
FROM buyers b LEFT JOIN stayed s USING (tenant_id, person, moment)
"""


class Churn(Task):
    """Customers on a grid of moments, once per moment; "yes" means gone.

    ``definition: contract`` looks at subscribers and their ``subscription_cancelled`` within ``window_days``;
    ``silence`` at people with a ``purchase`` in the last ``active_days``, gone when none follows in ``window_days``;
    ``auto`` is ``contract`` for a log that holds ``subscription_started``.
    """

    name: ClassVar[str] = "churn"
    about: ClassVar[str] = "Will this customer have left by the end of the window? As of any moment."
    defaults: ClassVar[Mapping[str, Any]] = {"every_days": 15, "moments": 24}
    features: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys(_USE + _SHOP))
    baselines: ClassVar[tuple[str, ...]] = ("recency",)
    slices: ClassVar[tuple[Slice, ...]] = (
        Slice("plan"),
        Slice("industry"),
        Slice("country"),
        Slice("device"),
        Slice("tenure", (30.0, 90.0, 180.0, 365.0)),
    )

    def definition(self, lake, params: TrainParams) -> str:
        """``contract`` or ``silence``, ``auto`` decided by the log."""
        if params.definition != "auto":
            return params.definition
        found = query(lake, "SELECT count(*) AS n FROM events WHERE name = 'subscription_started'").to_pylist()[0]["n"]
        return "contract" if found else "silence"

    def features_for_log(self, lake, params: TrainParams) -> tuple[str, ...]:
        """Features about the use of a product, or about buying in a shop."""
        return _USE if self.definition(lake, params) == "contract" else _SHOP

    def spine(self, lake, params: TrainParams) -> pa.Table:
        """Customers at each moment of the grid, label 1 where they left within the window."""
        contract = self.definition(lake, params) == "contract"
        grid = pa.table({"moment": moments(lake, params, 0 if contract else params.active_days)})
        values = {"window": params.window_days * DAY_US}
        values |= {} if contract else {"active": params.active_days * DAY_US}
        rows = query(lake, _CONTRACT_SQL if contract else _SILENCE_SQL, values, {"moments": grid})
        return spine_table(rows, lake.horizon)
