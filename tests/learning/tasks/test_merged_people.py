"""Merged people are one person for training too: from when that was known, and with one outcome all along."""

import pyarrow as pa
import pytest

from growthbench.base.clock import DAY_US, to_us
from growthbench.events.lake import LINK_SCHEMA
from growthbench.learning.params import load_params
from growthbench.learning.spine import frame_from_spine, knowledge
from growthbench.learning.tasks import get_task

START = to_us("2026-01-01T00:00:00Z")


def linked(lake, *rows):
    """Links (person, member, day known, day of the end or None)."""
    told = [
        {"tenant_id": "local", "person": person, "member": member, "seq": i + 1,
         "received_at": START + round(day * DAY_US), "until_seq": None if end is None else i + 2,
         "until_received_at": None if end is None else START + round(end * DAY_US)}
        for i, (person, member, day, end) in enumerate(rows)
    ]  # fmt: skip
    return lake.write_links(pa.Table.from_pylist(told, schema=LINK_SCHEMA))


def frame(task, lake, **given):
    made = frame_from_spine(get_task(task), lake, load_params(None, task, given))
    rows = zip(made.group, made.key, made.y.tolist(), strict=True)
    days = {key.partition("@")[0]: [] for key in made.key}
    for group, key, label in rows:
        person, _, when = key.partition("@")
        days[person].append(((to_us(when + "Z") - START) / DAY_US, label, group))
    return days, made


def test_a_visitor_who_signs_up_later_is_one_lead_with_all_that_was_known(make_lake):
    rows = [("cookie", "sign_up", 0), ("ann", "deal_won", 20), ("other", "sign_up", 1), ("end", "page_view", 100)]
    lake = linked(make_lake([*rows, ("cookie", "page_view", 3)]), ("ann", "cookie", 5, None))
    days, made = frame("lead_scoring", lake)
    assert days == {"ann": [(14.0, 1, "ann")], "other": [(15.0, 0, "other")]}
    assert made.X["tenure"].round(6).tolist() == [14.0, 14.0]
    assert knowledge(lake)[1] == START + 100 * DAY_US


def test_until_it_is_known_each_has_rows_and_one_outcome(make_lake):
    rows = [("cookie", "sign_up", 0), ("ann", "deal_won", 20), ("other", "sign_up", 1), ("end", "page_view", 100)]
    lake = linked(make_lake(rows), ("ann", "cookie", 15, None))
    assert frame("lead_scoring", lake)[0] == {"cookie": [(14.0, 1, "ann")], "other": [(15.0, 0, "other")]}


SILENCE = {"every_days": 30, "active_days": 9, "window_days": 30, "moments": 3, "definition": "silence"}
"""Looks on days 10, 40 and 70."""
WHOLE = [("end", "page_view", 0), ("end", "page_view", 100)]


def labels(days):
    return {person: [(day, label) for day, label, _ in found] for person, found in days.items()}


def test_silence_counts_what_both_bought(make_lake):
    rows = [("ann", "purchase", 5), ("cookie", "purchase", 9), ("ann", "purchase", 36), ("cookie", "purchase", 65)]
    lake = linked(make_lake([*rows, ("bob", "purchase", 8), *WHOLE]), ("ann", "cookie", 30, None))
    days, made = frame("churn", lake, **SILENCE)
    # On day 10 each for themselves, but with what both did until day 40; afterwards only ann is there.
    assert labels(days) == {"ann": [(10.0, 0), (40.0, 0), (70.0, 1)], "cookie": [(10.0, 0)], "bob": [(10.0, 1)]}
    assert sorted(set(made.group)) == ["ann", "bob"]
    bought = dict(zip(made.key, made.X["purchases_all"]))
    assert [bought[f"{p}@2026-{d}T00:00"] for p, d in (("ann", "01-11"), ("cookie", "01-11"), ("ann", "03-12"))] == [
        1,
        1,
        4,
    ]


@pytest.mark.parametrize("end", [None, 50])
def test_a_link_that_was_ended_counts_only_while_it_held(make_lake, end):
    rows = [("a", "purchase", 8), ("b", "purchase", 38), ("b", "purchase", 68), ("a", "purchase", 69)]
    lake = linked(make_lake([*rows, ("c", "purchase", 8), ("c", "purchase", 37), *WHOLE]), ("a", "b", 20, end))
    found = labels(frame("churn", lake, **SILENCE)[0])
    assert found.pop("c") == [(10.0, 0), (40.0, 1)]
    if end is None:
        assert found == {"a": [(10.0, 0), (40.0, 0), (70.0, 1)]}
    else:  # on day 40 b belonged to a, whose own purchases were long ago
        assert found == {"a": [(10.0, 1), (70.0, 1)], "b": [(70.0, 1)]}
