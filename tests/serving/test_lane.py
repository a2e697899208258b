import asyncio
import time

import pytest
from refusing import refused
from sqlalchemy.exc import OperationalError

from growthbench.base.errors import NoChampionError, NotFoundError, NotReadyError
from growthbench.learning.table_model import TableModel
from growthbench.predictions.deployments import challenge
from growthbench.predictions.quick import Ask, QuickPeople
from growthbench.serving.lane import PeopleLane, RowLane
from growthbench.store.breaker import Circuit
from growthbench.store.engine import Store


@pytest.fixture
def state(filled):
    """What a Door of this home works with."""
    from growthbench.serving.opening import open_state
    from growthbench.serving.settings import DoorSettings

    opened = open_state(DoorSettings())
    yield opened
    opened.close()


@pytest.fixture
def runs(monkeypatch):
    """How many rows each run of a model has had."""
    seen, score_matrix = [], TableModel.score_matrix
    monkeypatch.setattr(TableModel, "score_matrix", lambda self, m: (seen.append(len(m)), score_matrix(self, m))[1])
    return seen


@pytest.fixture
def away(monkeypatch):
    """Takes the store away."""

    def gone(self, *args):
        raise OperationalError("SELECT secret", {}, Exception("connection refused"))

    def take():
        monkeypatch.setattr(Store, "reading", gone)
        monkeypatch.setattr("growthbench.serving.lane._Reader._snapshot", gone)

    return take


def logged(state):
    state.commits.flush()
    with state.store.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM predictions").scalar()


def test_rows_that_come_in_one_turn_of_the_loop_share_a_run_and_each_gets_its_own_answer(state, runs):
    rows = [(i / 10, "ab"[i % 2]) for i in range(-20, 20)]

    async def score():
        lane, served = RowLane(state), state.scorer("local").champions.get("intent")
        runs.clear()
        together = await asyncio.gather(*(lane.score(served, (row,)) for row in rows))
        assert runs == [40]
        alone = [await lane.score(served, (row,)) for row in rows]
        assert runs == [40, *[1] * 40]
        lane.close()
        return together, alone

    together, alone = asyncio.run(score())
    assert [a[0].class_scores for a in together] == [a[0].class_scores for a in alone]
    assert len({a[0].prediction_id for a in together + alone}) == 80
    assert logged(state) == 80


def test_many_rows_of_one_request_do_not_hold_the_loop(state, runs):
    async def score():
        lane, served = RowLane(state), state.scorer("local").champions.get("intent")
        answers = await lane.score(served, [(0.5, "a")] * 500)
        lane.close()
        return answers

    assert len(asyncio.run(score())) == 500
    assert logged(state) == 500


def test_a_defect_reaches_everybody_who_waits(state, monkeypatch):
    def broken(*args):
        raise RuntimeError("broken")

    monkeypatch.setattr("growthbench.serving.lane.score_rows", broken)

    async def score():
        lane, served = RowLane(state), state.scorer("local").champions.get("intent")
        asked = [lane.score(served, ((1.0, "a"),)) for _ in range(3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [type(f) for f in asyncio.run(score())] == [RuntimeError] * 3


def test_people_asked_for_by_many_at_once_get_their_own_answers(state, people):
    async def score():
        lane = PeopleLane(state)
        asks = [[Ask("churn", p)] for p in people] + [[Ask("churn", "nobody"), Ask("nothing", people[0])]]
        found = await asyncio.gather(*(lane.score("local", a) for a in asks))
        lane.close()
        return found

    *good, (unknown, no_task) = asyncio.run(score())
    assert [f[0].user_id for f in good] == people
    assert isinstance(unknown, NotFoundError)
    assert "unknown task 'nothing'" in str(no_task)
    assert logged(state) == len(people)


def test_the_log_is_there_when_an_explanation_is_asked_for(client, people):
    for person in people[:20]:
        made = client.get(f"/api/v1/scores/churn/{person}").json()
        told = client.get(f"/api/v1/explain/{made['prediction_id']}?reasons=1")
        assert (told.status_code, told.json()["score"], told.json()["user_id"]) == (200, made["score"], person)


def test_without_the_store_the_last_good_score_is_given_with_its_age(client, people, away):
    known = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    away()
    time.sleep(0.6)  # the deployments are asked for again, and cannot be read either
    degraded = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    assert degraded.pop("degraded") is True
    assert 0.5 < degraded.pop("age_s") < 30
    assert degraded == known
    told = refused(client.get(f"/api/v1/scores/churn/{people[1]}"), 503)
    assert "secret" not in str(told)
    many = client.post("/api/v1/scores/churn", json={"user_ids": people[:1]}).json()
    assert many["scores"][0]["degraded"] is True
    row = client.post("/api/v1/scores/intent", json={"row": {"x": 1.0, "kind": "a"}}).json()
    assert "degraded" not in row


def test_a_store_that_fails_five_times_is_left_alone(state, people, away):
    quick = QuickPeople(state.scorer("local"))

    async def score(lane, n):
        lane._quick["local"] = quick
        return [await lane.score("local", [Ask("churn", people[0])]) for _ in range(n)]

    lane = PeopleLane(state, readers=1)
    (first,) = asyncio.run(score(lane, 1))
    away()
    found = asyncio.run(score(lane, 8))
    assert state.store.breaker.state is Circuit.OPEN
    assert {f[0].score for f in found} == {first[0].score}
    assert all(f[0].degraded for f in found)
    quick.check(-1)
    (nothing,) = asyncio.run(score(lane, 1))
    assert isinstance(nothing[0], NotReadyError)
    lane.close()


def test_an_earlier_answer_is_enough_if_the_caller_says_so(client, people):
    first = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    again = client.get(f"/api/v1/scores/churn/{people[0]}?max_age_s=60").json()
    assert (again["prediction_id"], again["cached"]) == (first["prediction_id"], True)
    assert again["age_s"] >= 0
    fresh = client.get(f"/api/v1/scores/churn/{people[0]}?max_age_s=0").json()
    assert fresh["prediction_id"] != first["prediction_id"]
    assert "cached" not in fresh
    posted = client.post("/api/v1/scores/churn?max_age_s=60", json={"user_id": people[0]}).json()
    assert posted["prediction_id"] == fresh["prediction_id"]
    for wrong in ("-1", "soon", "", "1e5", "nan"):
        refused(client.get(f"/api/v1/scores/churn/{people[0]}?max_age_s={wrong}"), 400, "max_age_s")


def test_several_scores_of_a_person_in_one_call(client, people):
    answer = client.post("/api/v1/scores", json={"user_id": people[0], "tasks": ["churn", "lead_scoring"]})
    assert answer.status_code == 200
    assert [s["task"] for s in answer.json()["scores"]] == ["churn", "lead_scoring"]
    assert "parts" in answer.json()["scores"][1]
    partly = client.post("/api/v1/scores", json={"user_id": people[0], "tasks": ["churn", "chat_intent", "intent"]})
    assert (partly.status_code, partly.json()["refused"]) == (207, 2)
    assert [s.get("error", {}).get("status") for s in partly.json()["scores"]] == [None, 503, 400]
    refused(client.post("/api/v1/scores", json={"user_id": "nobody", "tasks": ["churn"]}), 404)
    refused(client.post("/api/v1/scores", json={"user_id": "x", "tasks": []}), 400, "tasks")
    refused(client.post("/api/v1/scores", json={"user_id": "x", "tasks": ["churn", "churn"]}), 400, "tasks")
    refused(client.post("/api/v1/scores", json={"user_id": "", "tasks": ["churn"]}), 400, "user_id")


def test_a_rollback_and_a_challenger_are_one_call_each(client, store, settings, people, artifacts):
    from growthbench.predictions.deployments import deploy

    first = client.get("/api/v1/models/churn").json()["digest"]
    refused(client.post("/api/v1/models/churn/rollback"), 403)  # a secret key is a service, no admin
    second = deploy(store, settings.home, "local", "churn", artifacts["churn_2"], "run-2").champion
    made = challenge(store, settings.home, "local", "churn", first, 1.0)
    assert (made.champion, made.challenger) == (second, first)
    time.sleep(0.6)
    answer = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    assert (answer["role"], answer["run_id"]) == ("challenger", "run-churn")


def test_admins_roll_back_and_set_challengers(filled, start, store, settings, artifacts, monkeypatch):
    from growthbench.predictions.deployments import deploy
    from growthbench.serving.auth import Auth
    from growthbench.store.callers import Caller

    admin = Caller("local", "member", "mem_1", "admin")
    monkeypatch.setattr(Auth, "known", lambda self, *asked: admin)
    client = start()
    first = client.get("/api/v1/models/churn").json()["digest"]
    second = deploy(store, settings.home, "local", "churn", artifacts["churn_2"], "run-2").champion
    set_ = client.post("/api/v1/models/churn/challenger", json={"digest": first, "share": 0.25})
    assert (set_.status_code, set_.json()["challenger"], set_.json()["share"]) == (200, first, 0.25)
    refused(client.post("/api/v1/models/churn/challenger", json={"digest": "0" * 64, "share": 0.1}), 400, "digest")
    refused(client.post("/api/v1/models/churn/challenger", json={"digest": first, "share": 2}), 400, "share")
    gone = client.post("/api/v1/models/churn/challenger", json={})
    assert (gone.json()["champion"], gone.json()["challenger"]) == (second, None)
    back = client.post("/api/v1/models/churn/rollback")
    assert (back.status_code, back.json()["champion"]) == (200, first)
    refused(client.post("/api/v1/models/churn/rollback"), 400, "task")


def test_a_task_without_a_model_is_refused_alone(state):
    async def score():
        lane = PeopleLane(state, readers=1)
        (outcome,) = await lane.score("local", [Ask("chat_intent", "p1")])
        lane.close()
        return outcome

    assert isinstance(asyncio.run(score()), NoChampionError)
