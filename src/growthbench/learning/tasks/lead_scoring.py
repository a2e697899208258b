"""Lead scoring: will a lead become a customer soon?"""

from typing import ClassVar

import pyarrow as pa

from growthbench.base.clock import DAY_US
from growthbench.learning.blend import Blend, Part, Rule
from growthbench.learning.params import TrainParams
from growthbench.learning.spine import knowledge, query, spine_table
from growthbench.learning.task import Slice, Task

_SQL = """
WITH leads AS (
  SELECT tenant_id, person, min(timestamp) + $age AS moment
  FROM events WHERE name = 'sign_up' AND received_at <= timestamp + $age
  GROUP BY tenant_id, person),
open_ AS (
  SELECT l.* FROM leads l WHERE l.moment + $window <= $known AND NOT EXISTS (
    SELECT 1 FROM events e WHERE e.tenant_id = l.tenant_id AND e.person = l.person AND e.name = 'deal_won'
      AND e.timestamp < l.moment AND e.received_at <= l.moment)),
won AS (
  SELECT DISTINCT l.tenant_id, l.person FROM open_ l JOIN events e USING (tenant_id, person)
  WHERE e.name = 'deal_won' AND e.timestamp >= l.moment AND e.timestamp < l.moment + $window)
SELECT o.*, (w.person IS NOT NULL)::BIGINT AS label FROM open_ o LEFT JOIN won w USING (tenant_id, person)
"""

BLEND = Blend(
    (
        Part(
            "behaviour",
            0.4,
            (
                Rule("pricing_views_30d", 0.25, cap=3),
                Rule("demo_forms_30d", 0.25, cap=1),
                Rule("page_views_30d", 0.15, cap=20),
                Rule("feature_uses_30d", 0.15, cap=20),
                Rule("active_days_30d", 0.10, cap=7),
                Rule("email_click_rate_30d", 0.10, cap=0.5),
            ),
        ),
        Part(
            "firmographic",
            0.3,
            (
                Rule("employees", 0.5, cap=500),
                Rule("seniority", 0.5, values={"executive": 1.0, "manager": 0.7, "senior": 0.4, "junior": 0.1}),
            ),
        ),
        Part("model", 0.3),
    ),
    qualified=0.7,
)
"""The lead score as marketing draws it on a board, before anything is learned."""


class LeadScoring(Task):
    """Leads ``age_days`` after their ``sign_up``; "yes" is a ``deal_won`` within the next ``window_days``.

    The rules of thumb stay as the baseline ``blend``: 0.4 behaviour + 0.3 firmographic + 0.3 model, qualified above
    0.7. Answers with a confidence under 0.8 go to a person.
    """

    name: ClassVar[str] = "lead_scoring"
    about: ClassVar[str] = "Will this lead become a customer within the window? As of two weeks after signing up."
    features: ClassVar[tuple[str, ...]] = (
        "page_views_7d", "page_views_30d", "pricing_views_30d", "docs_views_30d", "demo_forms_30d", "forms_90d",
        "active_days_30d", "sessions_30d", "feature_uses_7d", "feature_uses_30d", "distinct_features_30d", "logins_30d",
        "invites_90d", "tickets_30d", "email_click_rate_30d", "email_delivered_30d", "ad_clicks_30d",
        "since_last_event", "mean_gap", "tenure", "top_category", "last_channel",
        "industry", "employees", "seniority", "country", "source",
    )  # fmt: skip
    baselines: ClassVar[tuple[str, ...]] = ("blend",)
    slices: ClassVar[tuple[Slice, ...]] = (
        Slice("industry"),
        Slice("country"),
        Slice("source"),
        Slice("employees", (10.0, 50.0, 250.0, 1000.0)),
    )
    confidence: ClassVar[float] = 0.8

    def blend(self) -> Blend:
        """0.4 behaviour + 0.3 firmographic + 0.3 model; above 0.7 a lead is qualified."""
        return BLEND

    def spine(self, lake, params: TrainParams) -> pa.Table:
        """One row for each lead that was still open, label 1 where the deal was won within the window."""
        _, known = knowledge(lake)
        values = {"age": params.age_days * DAY_US, "window": params.window_days * DAY_US, "known": known}
        return spine_table(query(lake, _SQL, values), lake.horizon)
