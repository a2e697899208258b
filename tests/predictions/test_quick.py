import json
import time

import msgspec
import pytest
import small_models
from sqlalchemy import insert

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, GoneError, NoChampionError, NotFoundError, UnknownNameError
from growthbench.base.ids import new_ids
from growthbench.learning.artifact import load_model
from growthbench.learning.row_reader import values
from growthbench.people.tables import erased_predictions
from growthbench.predictions.answers import Answer
from growthbench.predictions.deployments import challenge, deploy
from growthbench.predictions.log import COLUMNS, write_logged
from growthbench.predictions.quick import Ask, QuickPeople, score_rows, watch_rows
from growthbench.predictions.recompute import recompute
from growthbench.predictions.tables import predictions

OWN = {"prediction_id", "created_at"}


def asked(scorer, store, asks):
    """Score people the short way and log it; the outcomes."""
    with store.reading() as connection:
        outcomes, later, logged = QuickPeople(scorer).score(connection, [Ask(*ask) for ask in asks])
        logged = logged + (later() if later else [])
    with store.writing() as connection:
        write_logged(connection, [logged])
    return outcomes


def plain(answer):
    return {k: v for k, v in json.loads(msgspec.json.encode(answer)).items() if k != "prediction_id"}


def log_row(scorer, prediction_id):
    return {k: v for k, v in scorer.log.read(prediction_id).items() if k not in OWN}


@pytest.fixture
def at_one_moment(monkeypatch):
    """Both ways score as of the same moment."""
    moment = now_us()
    for module in ("quick", "scorer"):
        monkeypatch.setattr(f"growthbench.predictions.{module}.now_us", lambda: moment)


@pytest.mark.parametrize("task", ["churn", "lead_scoring"])
def test_people_get_the_answer_and_the_log_row_they_get_otherwise(scorer, store, people, task, at_one_moment):
    quick = asked(scorer, store, [(task, person) for person in people])
    for one, other in zip(quick, scorer.score_people(task, people)):
        assert plain(one) == {k: v for k, v in other.answer().items() if k != "prediction_id"}
        assert log_row(scorer, one.prediction_id) == log_row(scorer, other.prediction_id)


@pytest.mark.parametrize("n", [1, 3, 40])
def test_rows_get_the_answer_and_the_log_row_they_get_otherwise(scorer, store, home, n):
    rows = [{"x": i / 7 - 2 if i % 5 else None, "kind": "ab "[i % 3].strip() or None} for i in range(n)]
    served = scorer.champions.get("intent")
    read = [values(msgspec.json.decode(json.dumps(row), type=served.reader.row)) for row in rows]
    answers, logged = score_rows(served, read)
    with store.writing() as connection:
        write_logged(connection, [logged])
    for one, other in zip(answers, scorer.score_rows("intent", rows)):
        assert plain(one) == {k: v for k, v in other.answer().items() if k != "prediction_id"}
        assert log_row(scorer, one.prediction_id) == log_row(scorer, other.prediction_id)
    assert all(r.same for r in recompute(store, home, "local", [a.prediction_id for a in answers]))


def test_a_score_does_not_depend_on_who_asks_at_the_same_time(scorer, store, people, at_one_moment):
    together = asked(scorer, store, [("churn", p) for p in people] + [("lead_scoring", p) for p in people])
    alone = [asked(scorer, store, [("churn", p)])[0] for p in people[:10]]
    assert [plain(a) for a in alone] == [plain(a) for a in together[:10]]


def test_several_tasks_of_one_person_come_from_one_snapshot(scorer, store, people):
    churn, lead = asked(scorer, store, [("churn", people[0]), ("lead_scoring", people[0])])
    one, other = (scorer.log.read(a.prediction_id) for a in (churn, lead))
    assert (one["moment"], one["horizon"]) == (other["moment"], other["horizon"])


def test_each_is_refused_for_their_own_reason(scorer, store, people):
    asks = [("churn", people[0]), ("churn", "nobody"), ("chrun", people[0]), ("chat_intent", people[0])]
    good, unknown, misspelt, empty, rows = asked(scorer, store, [*asks, ("intent", people[0])])
    assert isinstance(good, Answer)
    kinds = (NotFoundError, UnknownNameError, NoChampionError, BadInputError)
    for outcome, kind in zip((unknown, misspelt, empty, rows), kinds):
        assert isinstance(outcome, kind)


def test_two_names_of_one_person_share_a_prediction_each_under_its_name(scorer, store, people):
    from growthbench.events.heads import lock_head
    from growthbench.people.directory import Ident

    with store.writing() as connection:
        head = lock_head(connection, "local")
        ids = [Ident("user", "ann"), Ident("anonymous", "a-1")]
        scorer.directory.resolve(connection, ids[:1], head.seq)
        person = scorer.directory.find(ids[:1], connection)[0]
        scorer.directory.attach(connection, [(ids[1], person)], head.seq)
        connection.exec_driver_sql(f"UPDATE events SET person = '{person}' WHERE person = '{people[0]}'")
        connection.exec_driver_sql(f"UPDATE event_values SET person = '{person}' WHERE person = '{people[0]}'")
    one, other = asked(scorer, store, [("churn", "ann"), ("churn", "anonymous:a-1")])
    assert (one.user_id, other.user_id) == ("ann", "anonymous:a-1")
    assert one.prediction_id == other.prediction_id
    assert scorer.log.read(one.prediction_id)["person"] == person
    assert scorer.explain(one.prediction_id).answer()["user_id"] == "ann"


def test_the_challenger_answers_its_share_and_watches_the_rest(scorer, store, home, people, artifacts, at_one_moment):
    rival = load_model(artifacts["churn_2"]).digest
    challenge(store, home, "local", "churn", rival, 0.5, "run-rival", artifact=artifacts["churn_2"])
    scorer.champions._read_at = None
    quick = asked(scorer, store, [("churn", p) for p in people])
    slow = scorer.score_people("churn", people)
    assert [plain(a) for a in quick] == [{k: v for k, v in p.answer().items() if k != "prediction_id"} for p in slow]
    with store.reading() as connection:
        rows = connection.execute(predictions.select()).mappings().all()
    half = len(rows) // 2
    told = sorted((r["person"], r["role"], r["model_digest"], r["score"], r["run_id"]) for r in rows)
    assert half == 2 * len(people)
    assert told[::2] == told[1::2]  # both ways logged the same


def test_a_watching_model_says_what_it_would_of_rows(scorer, store, home, tmp_path):
    rival = small_models.table_model(tmp_path / "rival", seed=5)
    challenge(store, home, "local", "intent", load_model(rival).digest, 0.5, artifact=rival)
    scorer.champions._read_at = None
    served = scorer.champions.get("intent")
    rows = [(0.5, "a"), (None, None)]
    logged = [dict(zip(COLUMNS, row)) for row in watch_rows(served, rows)]
    expected = load_model(rival).score_rows([{"x": x, "kind": k} for x, k in rows])
    assert [row["score"] for row in logged] == expected.confidence.tolist()
    assert {row["role"] for row in logged} == {"shadow"}


def test_an_answer_is_remembered_with_its_age_until_somebody_is_erased(scorer, store, people):
    quick, ask = QuickPeople(scorer), Ask("churn", people[0])
    assert quick.recent(ask, 60) is None
    with store.reading() as connection:
        (given,), _, _ = quick.score(connection, [ask])
    time.sleep(0.02)
    again = quick.recent(ask, 60)
    assert (again.prediction_id, again.cached) == (given.prediction_id, True)
    assert 0.02 <= again.age_s < 5
    assert quick.recent(ask, 0.01) is None
    away = quick.degraded(ask)
    assert (away.score, away.degraded) == (given.score, True)
    quick.check(version=1)
    assert quick.degraded(ask) is None


def test_an_erased_prediction_says_when_and_by_which_receipt(scorer, store, people):
    (given,) = asked(scorer, store, [("churn", people[0])])
    with store.writing() as connection:
        connection.execute(predictions.delete())
        row = {"prediction_id": given.prediction_id, "receipt_id": "rec_1", "erased_at": 1_767_225_600_000_000}
        connection.execute(insert(erased_predictions).values(tenant_id="local", **row))
    for way in (scorer.explain, lambda i: recompute(store, scorer._home, "local", i)):
        with pytest.raises(GoneError, match="was erased on 2026-01-01, receipt rec_1"):
            way(given.prediction_id)


def test_the_champion_goes_on_answering_rows_while_the_store_is_away(scorer, store, home, artifacts, monkeypatch):
    from sqlalchemy.exc import OperationalError

    scorer.champions.get("intent")

    def away(self):
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(type(store), "reading", away)
    scorer.champions._read_at = 0.0
    assert scorer.champions.get("intent").model.task == "intent"
    monkeypatch.undo()
    made = deploy(store, home, "local", "churn", artifacts["churn_2"])
    scorer.champions._read_at = 0.0
    assert scorer.champions.get("churn").deployment == made


def test_ids_are_like_those_of_single_answers_and_come_in_order():
    from growthbench.base.ids import new_id

    for n in (1, 7, 100):
        ids = new_ids("pred", n)
        assert len(set(ids)) == n
        assert ids == sorted(ids)
        assert all(len(i) == len(new_id("pred")) and i.startswith("pred_") for i in ids)
