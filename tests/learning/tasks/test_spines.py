import pytest

from growthbench.base.clock import DAY_US, to_us
from growthbench.base.errors import BadInputError
from growthbench.learning.params import load_params
from growthbench.learning.tasks import get_task
from growthbench.learning.tasks.intent import CLASSES

START = to_us("2026-01-01T00:00:00Z")
TICK = 1e-6 / 86_400  # a microsecond in days


def rows_of(task, lake, **given):
    """(person, day of the moment) to label."""
    spine = get_task(task).spine(lake, load_params(None, task, given))
    assert spine.column_names == ["tenant_id", "person", "moment", "horizon", "label"]
    assert set(spine["horizon"].to_pylist()) <= {lake.horizon}
    rows = spine.to_pylist()
    made = {(r["person"], (r["moment"] - START) / DAY_US): r["label"] for r in rows}
    assert len(made) == len(rows), "a person occurs twice at a moment"
    return made


def test_a_lead_is_scored_at_its_age_and_won_within_the_half_open_window(make_lake):
    lake = make_lake(
        [
            ("at_moment", "sign_up", 0), ("at_moment", "deal_won", 14),
            ("last_tick", "sign_up", 0), ("last_tick", "deal_won", 44 - 2 * TICK),
            ("too_late", "sign_up", 0), ("too_late", "deal_won", 44),
            ("never", "sign_up", 0),
            ("no_lead", "page_view", 100),
        ]
    )  # fmt: skip
    expected = {("at_moment", 14.0): 1, ("last_tick", 14.0): 1, ("too_late", 14.0): 0, ("never", 14.0): 0}
    assert rows_of("lead_scoring", lake) == expected


def test_a_lead_won_before_the_moment_is_no_lead_if_that_was_known(make_lake):
    lake = make_lake(
        [
            ("known", "sign_up", 0), ("known", "deal_won", 10),
            ("late_news", "sign_up", 0), ("late_news", "deal_won", 10, 20),
            ("end", "page_view", 100),
        ]
    )  # fmt: skip
    assert rows_of("lead_scoring", lake) == {("late_news", 14.0): 0}


def test_a_lead_nobody_knew_of_at_the_moment_has_no_row(make_lake):
    lake = make_lake([("a", "sign_up", 0, 14), ("b", "sign_up", 0, 14.5), ("end", "page_view", 100)])
    assert rows_of("lead_scoring", lake) == {("a", 14.0): 0}


def test_a_lead_whose_window_is_not_over_has_no_row(make_lake):
    lake = make_lake([("over", "sign_up", 56), ("open", "sign_up", 56 + 2 * TICK), ("end", "page_view", 100)])
    assert rows_of("lead_scoring", lake) == {("over", 70.0): 0}


def test_a_label_counts_what_was_received_after_the_window(make_lake):
    lake = make_lake([("a", "sign_up", 0), ("a", "deal_won", 20, 99), ("end", "page_view", 100)])
    assert rows_of("lead_scoring", lake) == {("a", 14.0): 1}


def test_contract_churn_looks_at_subscribers_at_each_moment(make_lake):
    lake = make_lake(
        [
            ("stays", "subscription_started", 1),
            ("leaves", "subscription_started", 1), ("leaves", "subscription_cancelled", 45),
            ("returns", "subscription_started", 1), ("returns", "subscription_cancelled", 5),
            ("returns", "subscription_started", 9),
            ("late_news", "subscription_started", 1), ("late_news", "subscription_cancelled", 35, 50),
            ("same_time", "subscription_started", 3), ("same_time", "subscription_cancelled", 3),
            ("buyer", "purchase", 2),
            ("end", "page_view", 100),
        ]
    )  # fmt: skip
    assert rows_of("churn", lake, every_days=30) == {
        ("stays", 10.0): 0, ("stays", 40.0): 0, ("stays", 70.0): 0,
        ("leaves", 10.0): 0, ("leaves", 40.0): 1,
        ("returns", 10.0): 0, ("returns", 40.0): 0, ("returns", 70.0): 0,
        ("late_news", 10.0): 1, ("late_news", 40.0): 0,
    }  # fmt: skip


def test_silence_churn_looks_at_recent_buyers(make_lake):
    lake = make_lake(
        [
            ("quiet", "purchase", 35), ("quiet", "page_view", 80),
            ("back", "purchase", 35), ("back", "purchase", 71),
            ("old", "purchase", 9), ("old", "purchase", 75),
            ("edge", "purchase", 10),
            ("unknown_yet", "purchase", 60, 70.5),
            ("end", "page_view", 100),
        ]
    )  # fmt: skip
    found = rows_of("churn", lake, moments=1, active_days=60)
    assert found == {("quiet", 70.0): 1, ("back", 70.0): 0, ("edge", 70.0): 1}


def test_the_log_decides_the_definition_unless_it_is_given(make_lake):
    lake = make_lake([("a", "purchase", 0), ("a", "subscription_started", 1), ("end", "page_view", 100)])
    churn = get_task("churn")
    assert churn.definition(lake, load_params(None, "churn")) == "contract"
    assert churn.definition(lake, load_params(None, "churn", {"definition": "silence"})) == "silence"
    assert "purchases_90d" in churn.features_for_log(lake, load_params(None, "churn", {"definition": "silence"}))


def test_intent_is_the_group_of_the_first_act_after_the_moment(make_lake):
    acts = [("page_view", 91), ("feature_use", 91), ("purchase", 91), ("support_ticket", 92), ("form_submit", 92)]
    people = [(f"p{i}", "page_view", 80) for i in range(len(acts))]
    after = [(f"p{i}", name, day) for i, (name, day) in enumerate(acts)]
    lake = make_lake(
        [
            *people, *after,
            ("p0", "feature_use", 92), ("p1", "email_open", 90.5),
            ("asleep", "page_view", 50), ("asleep", "page_view", 91),
            ("mailed", "email_delivered", 85), ("mailed", "page_view", 91),
            ("quiet", "page_view", 85), ("quiet", "page_view", 97),
            ("start", "page_view", 0), ("end", "page_view", 97, 97),
        ]
    )  # fmt: skip
    found = {p: CLASSES[label] for (p, day), label in rows_of("intent", lake, moments=1).items() if day == 90.0}
    assert found == {
        "p0": "visit", "p1": "use", "p2": "commit", "p3": "support", "p4": "interest", "quiet": "none",
    }  # fmt: skip


@pytest.mark.parametrize("task", ["churn", "intent", "lead_scoring"])
def test_an_empty_log_is_one_clear_error(make_lake, task):
    with pytest.raises(BadInputError, match="empty"):
        rows_of(task, make_lake([]))


def test_a_log_shorter_than_the_window_is_one_clear_error(make_lake):
    lake = make_lake([("a", "subscription_started", 0), ("a", "page_view", 20)])
    with pytest.raises(BadInputError, match="covers 20 days"):
        rows_of("churn", lake)


def test_a_log_of_another_kind_is_told_apart_when_the_frame_is_made(make_lake):
    lake = make_lake([("a", "purchase", 0), ("end", "page_view", 100)])
    with pytest.raises(BadInputError, match="right kind of log"):
        get_task("lead_scoring").frame_from_log(lake, load_params(None, "lead_scoring"))
