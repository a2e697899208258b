import math
import time

import numpy as np
import pandas as pd
import pytest

from growthbench.base.clock import DAY_US, now_us
from growthbench.base.errors import BadInputError, NoChampionError, NotFoundError, UnknownNameError
from growthbench.events.live import Event
from growthbench.events.log import EventLog
from growthbench.learning.artifact import load_model
from growthbench.predictions.deployments import deploy
from growthbench.predictions.recompute import recompute


def test_people_are_scored_in_the_order_asked_and_each_is_logged(scorer, people):
    found = scorer.score_people("churn", people[::-1])
    assert [p.person for p in found] == people[::-1]
    assert scorer.log.count("churn") == len(people)
    row = scorer.log.read(found[0].prediction_id)
    assert (row["person"], row["score"], row["horizon"]) == (people[-1], found[0].score, found[0].horizon)
    assert row["run_id"] == "run-churn"


def test_a_person_scored_alone_and_among_others_gets_the_same_bits(scorer, people):
    moment = now_us()
    together = scorer.score_people("churn", people, moment)
    for one in together[:10]:
        assert scorer.score_person("churn", one.person, moment).said.logged() == one.said.logged()


def test_somebody_unknown_is_refused_by_name_and_the_others_are_scored(scorer, people):
    first, nobody, last = scorer.score_people("churn", [people[0], "nobody", people[1]])
    assert (first.person, last.person) == (people[0], people[1])
    assert isinstance(nobody, NotFoundError)
    assert "nothing is known of 'nobody'" in str(nobody)
    assert scorer.log.count() == 2
    with pytest.raises(NotFoundError, match="'nobody'"):
        scorer.score_person("churn", "nobody")


def test_somebody_whose_events_all_lie_behind_the_moment_is_unknown(scorer, people):
    (outcome,) = scorer.score_people("churn", [people[0]], moment=now_us() - 400 * DAY_US)
    assert isinstance(outcome, NotFoundError)


def test_a_person_asked_twice_is_one_prediction_in_both_places(scorer, people):
    first, second = scorer.score_people("churn", [people[0], people[0]])
    assert first is second
    assert scorer.log.count() == 1


def test_people_of_another_tenant_are_unknown(scorer, store):
    EventLog(store, "other").append([Event(person="stranger", name="login", timestamp=now_us() - DAY_US)])
    with pytest.raises(NotFoundError):
        scorer.score_person("churn", "stranger")


@pytest.mark.parametrize("person", ["", 7, None, "a\x00b"])
def test_a_person_that_is_no_text_is_refused_with_the_place(scorer, person):
    with pytest.raises(BadInputError) as caught:
        scorer.score_people("churn", ["p1", person])
    assert caught.value.field == "user_ids[1]"


def test_a_row_gets_the_score_of_the_person_with_these_features(scorer, people, store):
    found = scorer.score_person("churn", people[3])
    model = scorer.champions.get("churn").model
    with store.reading() as connection:
        columns = model.plan.compute(connection, "local", [people[3]], found.moment, found.horizon)
    row = {name: values[0] for name, values in columns.items()}
    (again,) = scorer.score_rows("churn", [row])
    assert again.said.logged() == found.said.logged()
    assert again.person is None


def test_lead_scores_come_with_their_parts_and_ask_for_a_person_when_unsure(scorer, people):
    found = scorer.score_people("lead_scoring", people)
    for p in found:
        parts = p.said.parts
        blended = 0.4 * parts["behaviour"] + 0.3 * parts["firmographic"] + 0.3 * parts["model"]
        assert parts["blend"] == pytest.approx(blended, abs=1e-12)
        assert parts["model"] == p.score
        assert p.said.needs_person == (max(p.score, 1 - p.score) < 0.8)
    assert p.answer()["parts"].keys() == {"behaviour", "firmographic", "model", "blend", "qualified"}


def test_several_classes_come_with_the_score_of_each(scorer):
    rows = [{"x": -2.0, "kind": "a"}, {"x": 2, "kind": None}, {"x": None, "kind": "never seen"}]
    found = scorer.score_rows("intent", rows)
    assert [p.said.label for p in found[:2]] == ["down", "up"]
    for p in found:
        answer = p.answer()
        assert math.isclose(sum(answer["class_scores"].values()), 1, abs_tol=1e-9)
        assert answer["class_scores"][answer["class"]] == answer["score"] == max(answer["class_scores"].values())


def test_pandas_rows_are_taken_with_their_marks_of_absence(scorer):
    frame = pd.DataFrame({"x": [0.5, np.nan], "kind": ["a", None]})
    from_frame = scorer.score_rows("intent", frame.to_dict("records"))
    plain = scorer.score_rows("intent", [{"x": 0.5, "kind": "a"}, {"x": None, "kind": None}])
    assert [p.said.logged() for p in from_frame] == [p.said.logged() for p in plain]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"x": 1.0}, "kind"),
        ({"x": 1.0, "kind": "a", "y": 2}, "y"),
        ({"x": "one", "kind": "a"}, "x"),
        ({"x": math.inf, "kind": "a"}, "x"),
        ({"x": 10**400, "kind": "a"}, "x"),
        ({"x": 1.0, "kind": 3}, "kind"),
        ({"x": 1.0, "kind": "\ud800"}, "kind"),
        ({"x": [1], "kind": "a"}, "x"),
    ],
)
def test_a_bad_row_is_refused_by_column_and_place_and_nothing_is_logged(scorer, row, field):
    good = {"x": 1.0, "kind": "a"}
    with pytest.raises(BadInputError, match="row 1") as caught:
        scorer.score_rows("intent", [good, row])
    assert caught.value.field == field
    assert scorer.log.count() == 0


def test_a_model_of_a_plain_table_does_not_score_people(scorer, people):
    with pytest.raises(BadInputError, match="scored by rows"):
        scorer.score_people("intent", people)


def test_unknown_tasks_and_tasks_without_a_champion_are_refused(scorer):
    with pytest.raises(UnknownNameError):
        scorer.score_rows("nonsense", [{}])
    with pytest.raises(NoChampionError, match="no champion for chat_intent"):
        scorer.score_rows("chat_intent", [{"text": "hello"}])


def test_reasons_are_given_when_asked_for_and_sum_with_bias_and_rest_to_the_log_odds(scorer, people):
    (found,) = scorer.score_people("churn", people[:1], reasons=3)
    answer = found.answer()
    assert len(answer["reasons"]) == 3
    told = answer["log_odds"]
    total = told["bias"] + told["rest"] + sum(r["contribution"] for r in answer["reasons"])
    assert total == pytest.approx(told["total"], abs=1e-12)
    assert 1 / (1 + math.exp(-told["total"])) == pytest.approx(found.score, abs=1e-12)
    assert "reasons" not in scorer.score_person("churn", people[0]).answer()


def test_an_explanation_recomputes_and_sums_to_the_logged_score(scorer, people):
    for found in (scorer.score_person("churn", people[0]), *scorer.score_rows("intent", [{"x": 1.0, "kind": "b"}])):
        answer = scorer.explain(found.prediction_id).answer()
        total = answer["log_odds"]["bias"] + sum(r["contribution"] for r in answer["reasons"])
        assert 1 / (1 + math.exp(-total)) == pytest.approx(found.score, abs=1e-9)
        assert len(scorer.explain(found.prediction_id, top=1).answer()["reasons"]) == 1


def test_an_unknown_prediction_cannot_be_explained(scorer):
    with pytest.raises(NotFoundError, match="'pred_nothing'"):
        scorer.explain("pred_nothing")


def test_a_description_names_columns_types_categories_and_version(scorer, artifacts):
    told = scorer.describe("churn")
    assert told["digest"] == load_model(artifacts["churn"]).digest
    assert told["model_version"] == f"churn@{told['digest'][:12]}"
    columns = {c["name"]: c for c in told["columns"]}
    assert columns["plan"]["categories"] == ["free", "pro", "team"]
    assert columns["page_views_30d"]["type"] == "number|null"
    assert told["scored_by"] == ["user_ids", "rows"]
    assert [b["name"] for b in told["bands"]] == ["low", "medium", "high"]


def test_texts_are_scored_explained_by_their_words_and_refused_when_out_of_scope(scorer, store, home, artifacts):
    deploy(store, home, "local", "chat_intent", artifacts["chat_intent"])
    time.sleep(0.06)
    rows = [{"text": "send a transfer"}, {"text": "what is the weather"}]
    clear, strange = scorer.score_rows("chat_intent", rows, reasons=2)
    assert clear.answer()["class"] == "transfer"
    assert not clear.said.needs_person
    assert {r["value"] for r in clear.answer()["reasons"]} == {"send", "transfer"}
    assert strange.answer()["class"] == "out_of_scope"
    assert strange.said.needs_person
    assert scorer.log.read(strange.prediction_id)["band"] == "out_of_scope"
    assert all(r.same for r in recompute(store, home, "local", [clear.prediction_id, strange.prediction_id]))
    with pytest.raises(BadInputError, match="must be text") as caught:
        scorer.score_rows("chat_intent", [{"text": None}])
    assert caught.value.field == "text"
