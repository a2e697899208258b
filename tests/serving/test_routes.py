import time

import pytest

from growthbench.base.clock import now_us
from growthbench.events.live import Event
from growthbench.events.log import EventLog
from growthbench.predictions.deployments import deploy, rollback


def test_one_person_is_scored_by_get_and_by_post_alike(client, people):
    got = client.get(f"/api/v1/scores/churn/{people[0]}")
    posted = client.post("/api/v1/scores/churn", json={"user_id": people[0]})
    assert (got.status_code, posted.status_code) == (200, 200)
    for answer in (got.json(), posted.json()):
        assert answer["user_id"] == people[0]
        assert 0 <= answer["score"] <= 1
        assert answer["band"] in ("low", "medium", "high")
        assert answer["run_id"] == "run-churn"
        assert answer["model_version"].startswith("churn@")
        assert answer["prediction_id"].startswith("pred_")
        assert len(answer["feature_hash"]) == 64
        assert answer["needs_person"] is False
        assert answer["confidence"] >= 0.5
    assert got.headers["content-type"] == "application/json"


def test_a_person_whose_id_holds_slashes_or_spaces_is_found(client, store):
    EventLog(store).append([Event(person="a/b c@d", name="login", timestamp=now_us() - 10**9)])
    assert client.get("/api/v1/scores/churn/a%2Fb%20c@d").json()["user_id"] == "a/b c@d"


def test_many_people_are_answered_in_the_order_asked(client, people):
    answer = client.post("/api/v1/scores/churn", json={"user_ids": people[::-1]})
    assert answer.status_code == 200
    assert [s["user_id"] for s in answer.json()["scores"]] == people[::-1]
    assert answer.json()["refused"] == 0


def test_unknown_people_are_refused_by_name_in_their_place(client, people):
    answer = client.post("/api/v1/scores/churn", json={"user_ids": [people[0], "nobody"]})
    assert answer.status_code == 207
    scored, refused = answer.json()["scores"]
    assert "score" in scored
    assert refused == {
        "user_id": "nobody",
        "error": {
            "type": "urn:growthbench:problem:not-found",
            "title": "Not found",
            "status": 404,
            "detail": "nothing is known of 'nobody'",
        },
    }


@pytest.mark.parametrize("body", [{"user_ids": ["nobody", "noone"]}, {"user_id": "nobody"}])
def test_if_nobody_is_known_the_answer_is_404(client, body):
    answer = client.post("/api/v1/scores/churn", json=body)
    assert answer.status_code == 404
    assert "'nobody'" in answer.json()["detail"]
    assert client.get("/api/v1/scores/churn/nobody").status_code == 404


def test_rows_of_three_classes_come_with_class_scores(client):
    rows = [{"x": -2, "kind": "a"}, {"x": 2.5, "kind": None}]
    many = client.post("/api/v1/scores/intent", json={"rows": rows}).json()
    one = client.post("/api/v1/scores/intent", json={"row": rows[0]}).json()
    assert [s["class"] for s in many["scores"]] == ["down", "up"]
    assert one["score"] == many["scores"][0]["score"]
    assert set(one["class_scores"]) == {"down", "flat", "up"}


def test_the_lead_blend_comes_with_its_parts(client, people):
    answer = client.get(f"/api/v1/scores/lead_scoring/{people[0]}").json()
    assert answer["parts"].keys() == {"behaviour", "firmographic", "model", "blend", "qualified"}


def test_reasons_are_added_when_asked_for(client, people):
    plain = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    reasoned = client.get(f"/api/v1/scores/churn/{people[0]}?reasons=3").json()
    posted = client.post("/api/v1/scores/churn?reasons=2", json={"user_ids": people[:2]}).json()
    assert "reasons" not in plain
    assert len(reasoned["reasons"]) == 3
    assert reasoned["reasons"][0].keys() == {"column", "value", "contribution"}
    assert [len(s["reasons"]) for s in posted["scores"]] == [2, 2]


def test_a_prediction_is_explained_by_its_id(client, people):
    made = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    told = client.get(f"/api/v1/explain/{made['prediction_id']}").json()
    assert (told["score"], told["model_version"]) == (made["score"], made["model_version"])
    total = told["log_odds"]["bias"] + sum(r["contribution"] for r in told["reasons"])
    assert total == pytest.approx(told["log_odds"]["total"], abs=1e-9)


def test_a_model_is_described(client):
    told = client.get("/api/v1/models/intent").json()
    assert [(c["name"], c["type"]) for c in told["columns"]] == [("x", "number|null"), ("kind", "string|null")]
    assert told["columns"][1]["categories"] == ["a", "b"]
    assert told["model_version"].startswith("intent@")


def test_native_endpoints_answer_the_same(client, people):
    native = client.post("/score", json={"task": "churn", "user_ids": people[:3], "reasons": 1})
    assert native.status_code == 200
    assert [s["user_id"] for s in native.json()["scores"]] == people[:3]
    made = native.json()["scores"][0]
    told = client.post("/explain", json={"prediction_id": made["prediction_id"]})
    assert told.json()["score"] == made["score"]
    assert client.post("/score", json={"task": "churn", "user_ids": [people[0], "x"]}).status_code == 207


def test_native_endpoints_are_described(client):
    assert {"/score", "/explain"} <= set(client.get("/docs.json").json()["paths"])


def test_the_front_page_tells_what_is_served(client):
    told = client.get("/").json()
    assert told["tasks"]["churn"].startswith("churn@")
    assert told["tasks"]["chat_intent"] == "no champion for chat_intent"


def test_a_promotion_is_followed_without_a_restart(client, people, store, settings, artifacts):
    before = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    made = deploy(store, settings.home, "local", "churn", artifacts["churn_2"], "run-2")
    time.sleep(0.6)
    after = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    assert (after["model_version"], after["run_id"]) == (made.model_version, "run-2")
    rollback(store, settings.home, "local", "churn")
    time.sleep(0.6)
    again = client.get(f"/api/v1/scores/churn/{people[0]}").json()
    assert again["model_version"] == before["model_version"] != after["model_version"]


def test_texts_are_scored_as_rows(client, store, settings, artifacts):
    deploy(store, settings.home, "local", "chat_intent", artifacts["chat_intent"])
    time.sleep(0.6)
    answer = client.post("/api/v1/scores/chat_intent", json={"rows": [{"text": "hello"}, {"text": "rain?"}]}).json()
    assert [s["class"] for s in answer["scores"]] == ["greeting", "out_of_scope"]
    assert client.get("/api/v1/models/chat_intent").json()["columns"][0]["type"] == "string"
