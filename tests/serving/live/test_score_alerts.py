import json
import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import insert, select, update

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError
from growthbench.base.ids import new_id
from growthbench.predictions.log import COLUMNS
from growthbench.serving.bus import Bus
from growthbench.serving.score_alerts import read_thresholds
from growthbench.store.group_commit import GroupCommit
from growthbench.store.message_tables import channel_messages
from growthbench.store.tenant_tables import tenants


def row(person, score, task="lead_scoring", role="champion", tenant="local", at=None):
    """A row of the prediction log."""
    values = dict.fromkeys(COLUMNS) | {
        "tenant_id": tenant, "prediction_id": new_id("pred"), "task": task, "person": person, "score": score,
        "feature_hash": "f", "model_digest": "d" * 64, "confidence": 0.9, "created_at": at or now_us(), "role": role,
    }  # fmt: skip
    return tuple(values[name] for name in COLUMNS)


def configure(store, config, tenant="local"):
    with store.writing() as connection:
        done = update(tenants).where(tenants.c.tenant_id == tenant).values(config=json.dumps(config))
        if not connection.execute(done).rowcount:
            connection.execute(
                insert(tenants).values(tenant_id=tenant, name=tenant, plan="local", config=json.dumps(config),
                                       limits="{}", created_at=0, changed_at=0)
            )  # fmt: skip


def told(store, topic="alerts"):
    query = select(channel_messages).where(channel_messages.c.topic == topic).order_by(channel_messages.c.seq)
    with store.reading() as connection:
        return [json.loads(r.body) | {"tenant": r.tenant_id, "by": r.person} for r in connection.execute(query)]


@pytest.fixture
def alerting(parts, store):
    configure(store, {"score_alerts": [{"task": "lead_scoring", "above": 0.7}, {"task": "lead_scoring", "below": 0.2}]})
    parts.bus._notice()
    return parts


def score(parts, *rows):
    parts.commits.submit("predictions", list(rows)).result(10)


def test_an_alert_is_an_edge_and_not_a_level(alerting, store):
    for value in (0.5, 0.71, 0.9, 0.7, 0.8, 0.19, 0.1, 0.95):
        score(alerting, row("p1", value))
    assert [(a["side"], a["score"], a["previous_score"]) for a in told(store)] == [
        ("above", 0.71, 0.5), ("above", 0.8, 0.7), ("below", 0.19, 0.8), ("above", 0.95, 0.1),
    ]  # fmt: skip
    first = told(store)[0]
    assert first["model_version"] == "lead_scoring@dddddddddddd"
    assert first["by"] == "p1"
    assert "user_id" not in first


def test_the_first_score_beyond_counts_as_a_crossing_and_scores_of_one_commit_know_each_other(alerting, store):
    score(alerting, row("p1", 0.8), row("p1", 0.9), row("p2", 0.5), row("p2", 0.9))
    assert [(a["by"], a["score"], a["previous_score"]) for a in told(store)] == [("p1", 0.8, None), ("p2", 0.9, 0.5)]


def test_shadows_other_tasks_other_tenants_and_rows_alert_nobody(alerting, store):
    score(alerting, row("p1", 0.9, role="shadow"), row("p1", 0.9, task="churn"), row("p1", 0.9, tenant="other"),
          row(None, 0.9))  # fmt: skip
    assert told(store) == []
    score(alerting, row("p1", 0.9, role="challenger"))
    assert len(told(store)) == 1


def test_many_workers_scoring_one_person_at_once_alert_once(alerting, store):
    score(alerting, row("p1", 0.5))
    watches = [alerting.bus, Bus(store), Bus(store)]
    for bus in watches:
        bus._notice()
    from growthbench.predictions.log import write_logged

    commits = [GroupCommit(store, {"predictions": bus.scores.watching(write_logged)}) for bus in watches]
    gate = threading.Barrier(len(commits))

    def work(commit):
        gate.wait()
        for _ in range(10):
            commit.submit("predictions", [row("p1", 0.9)]).result(20)

    workers = [threading.Thread(target=work, args=(c,)) for c in commits]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    for commit in commits:
        commit.close()
    assert len(told(store)) == 1


def test_scores_are_told_only_where_somebody_wants_them(parts, store):
    score(parts, row("p1", 0.4))
    assert told(store, "scores") == []
    parts.bus.want("local", "scores")
    score(parts, row("p1", 0.4), row("p1", 0.5, tenant="other"))
    (message,) = told(store, "scores")
    assert (message["task"], message["score"], message["by"]) == ("lead_scoring", 0.4, "p1")


def test_people_whose_profile_changed_are_scored_again(alerting, store):
    asked = []

    def score_people(task, names):
        asked.append((task, names))
        score(alerting, row("per_x", 0.9, task=task))

    state = SimpleNamespace(
        directory=lambda tenant: SimpleNamespace(user_ids=lambda persons: ["u1", None]),
        scorer=lambda tenant: SimpleNamespace(score_people=score_people),
    )
    alerting.bus.scores.start(state)
    alerting.bus.scores.persons_changed("other", ["per_z"])
    alerting.bus.scores.persons_changed("local", ["per_x", "per_y"])
    end = time.monotonic() + 5
    while not told(store) and time.monotonic() < end:
        time.sleep(0.02)
    alerting.bus.scores.close()
    assert asked == [("lead_scoring", ["u1"])]
    assert [a["score"] for a in told(store)] == [0.9]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"task": "x", "above": 0.5}, "config.score_alerts"),
        ([{"task": "x"}], "config.score_alerts[0]"),
        ([{"task": "x", "above": 0.5}, {"task": "x", "above": 1.5}], "config.score_alerts[1]"),
        ([{"task": "x", "above": 0.5, "below": 0.1}], "config.score_alerts[0]"),
        ([{"task": "x", "above": True}], "config.score_alerts[0]"),
        ([{"task": "x", "above": 0.5, "abvoe": 1}], "config.score_alerts[0]"),
        (["x"], "config.score_alerts[0]"),
    ],
)
def test_a_wrong_threshold_is_refused_by_its_place(given, field):
    with pytest.raises(BadInputError) as caught:
        read_thresholds({"score_alerts": given})
    assert caught.value.field == field


def test_a_tenant_whose_thresholds_are_wrong_does_not_silence_the_others(parts, store, caplog):
    configure(store, {"score_alerts": "yes"}, "other")
    configure(store, {"score_alerts": [{"task": "lead_scoring", "above": 0.7}]})
    parts.bus._notice()
    score(parts, row("p1", 0.9))
    assert len(told(store)) == 1
    assert "tenant other: config.score_alerts" in caplog.text
