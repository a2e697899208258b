import json
import shutil
import time

import pytest
import small_models
from refusing import refused
from sqlalchemy.exc import OperationalError

from growthbench.predictions.deployments import champion, deploy, model_folder
from growthbench.predictions.quick import QuickPeople
from growthbench.store.engine import Store


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v2/scores/churn", 404),
        ("DELETE", "/api/v1/scores/churn", 405),
        ("POST", "/api/v1/models/churn", 405),
        ("GET", "/score", 405),
        ("PUT", "/explain", 405),
    ],
)
def test_unknown_routes_and_wrong_methods(client, method, path, status):
    answer = client.request(method, path)
    refused(answer, status, detail=path)
    if status == 405:
        assert answer.headers["allow"]


def test_unknown_tasks_tasks_without_a_champion_and_unknown_predictions(client):
    body = {"rows": [{"text": "hello"}]}
    refused(client.post("/api/v1/scores/chrun", json=body), 404, "task", "did you mean 'churn'")
    refused(client.post("/api/v1/scores/chat_intent", json=body), 503, None, "no champion for chat_intent")
    refused(client.get("/api/v1/models/chat_intent"), 503, None, "no champion for chat_intent")
    refused(client.get("/api/v1/explain/pred_0"), 404, None, "'pred_0'")


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        (b"{", None, "not JSON"),
        (b"", None, "not JSON"),
        (b'{"rows": [{"x": NaN, "kind": "a"}]}', None, "not JSON"),
        (b"\xff\xfe", None, "not JSON"),
        (b'{"row": {"x": ' + b"[" * 20_000, None, "not JSON"),
        (b"[]", None, "Expected `object`"),
        (b"{}", None, "exactly one of"),
        (b'{"user_id": "a", "row": {}}', "row", "exactly one of"),
        (b'{"user_ids": "p1"}', "user_ids", "array"),
        (b'{"user_ids": ["p1", 3]}', "user_ids[1]", "str"),
        (b'{"user_ids": []}', "user_ids", "1 to 1000"),
        (b'{"rows": []}', "rows", "1 to 1000"),
        (b'{"rowz": []}', "rowz", "unknown"),
        (b'{"rows": [3]}', "rows[0]", "object"),
        (b'{"rows": [{"x": 1}]}', "kind", "absent"),
        (b'{"rows": [{"x": 1, "kind": "a", "z": 1}]}', "z", "unknown column"),
        (b'{"rows": [{"x": 1, "kind": "a"}, {"x": "one", "kind": "a"}]}', "x", "row 1"),
        (b'{"row": {"x": true, "kind": "a"}}', "x", "number"),
        (b'{"row": {"x": 1, "kind": 5}}', "kind", "text"),
        (b'{"row": {"x": 1e300, "kind": "a"}}', "x", "3.4e38"),
    ],
)
def test_a_bad_body_is_refused_by_field(client, body, field, detail):
    refused(client.post("/api/v1/scores/intent", content=body), 400, field, detail)


def test_bad_people_are_refused_by_place(client):
    body = {"user_ids": ["p1", ""]}
    refused(client.post("/api/v1/scores/churn", json=body), 400, "user_ids[1]", "1 to 1000 characters")
    refused(client.post("/api/v1/scores/churn", json={"user_id": "a\x00"}), 400, "user_id", "U+0000")


def test_bad_parameters_are_refused_by_field(client, people):
    for reasons in ("three", "-1", "1e9", "101", ""):
        refused(client.get(f"/api/v1/scores/churn/{people[0]}?reasons={reasons}"), 400, "reasons")
    refused(client.post("/api/v1/scores/intent", json={"user_ids": people}), 400, "user_ids", "scored by rows")


def test_too_many_rows_are_refused(client):
    rows = [{"x": 1, "kind": "a"}] * 1001
    refused(client.post("/api/v1/scores/intent", json={"rows": rows}), 400, "rows", "found 1001")
    refused(client.post("/score", json={"task": "intent", "rows": rows}), 400, "rows", "found 1001")


def test_a_body_over_the_limit_is_refused_by_what_is_received_not_by_what_is_declared(client):
    def chunks():
        for _ in range(70):
            yield b" " * 65_536

    for path in ("/api/v1/scores/intent", "/score"):
        refused(client.post(path, content=chunks()), 413, None, "more than 4194304 bytes")
        refused(client.post(path, content=b" " * 4_194_305), 413)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        (b'{"user_ids": ["p1"]}', 400, "task"),
        (b'{"task": 3, "user_ids": ["p1"]}', 400, "task"),
        (b'{"task": "churn", "user_ids": "p1"}', 400, "user_ids"),
        (b'{"task": "churn"}', 400, None),
        (b'{"task": "churn", "user_ids": [""]}', 400, "user_ids[0]"),
        (b'{"task": "chrun", "user_ids": ["p1"]}', 404, "task"),
        (b'{"task": "chat_intent", "rows": [{"text": "x"}]}', 503, None),
        (b'{"task": "intent", "rows": [{"x": "one", "kind": "a"}]}', 400, "x"),
        (b'{"task": "churn", "user_id": "nobody"}', 404, None),
        (b'{"task": "churn", "user_id": "p1", "reasons": 1000}', 400, "reasons"),
    ],
)
def test_native_endpoints_refuse_in_the_same_form(client, body, status, field, caplog):
    answer = client.post("/score", content=body, headers={"content-type": "application/json"})
    refused(answer, status, field)
    assert "Traceback" not in caplog.text


def test_pickles_are_refused(client):
    answer = client.post("/score", content=b"\x80\x04N.", headers={"content-type": "application/vnd.bentoml+pickle"})
    refused(answer, 415, None, "pickle")


def test_a_request_id_of_the_caller_is_kept_and_a_strange_one_replaced(client):
    assert client.get("/nothing", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    for strange in ("a b", "x" * 65, "<script>"):
        assert client.get("/", headers={"x-request-id": strange}).headers["x-request-id"].startswith("req_")


def test_a_home_without_models_is_up_ready_and_answers_503(start):
    client = start()
    assert client.get("/readyz").status_code == 200
    refused(client.post("/api/v1/scores/churn", json={"user_id": "p1"}), 503, None, "no champion for churn")


def test_a_model_that_misses_its_golden_rows_keeps_the_door_unready_and_is_named(
    filled, settings, start, store, people, tmp_path, artifacts, caplog
):
    made = champion(store, "local", "churn")
    spoiled = shutil.copytree(artifacts["churn"], tmp_path / "spoiled")
    small_models.spoil_golden(spoiled)
    folder = model_folder(settings.home, "churn", made.champion)
    for path in spoiled.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    client = start()
    assert f"model {made.model_version} does not reproduce its golden rows" in caplog.text
    told = refused(client.get("/readyz"), 503, None, made.model_version)
    assert "golden rows" in told["detail"]
    told = refused(client.post("/api/v1/scores/churn", json={"user_id": people[0]}), 503, None, made.model_version)
    assert str(settings.home) not in json.dumps(told)
    assert client.get(f"/api/v1/scores/lead_scoring/{people[0]}").status_code == 200
    deploy(store, settings.home, "local", "churn", artifacts["churn_2"])
    time.sleep(0.6)
    assert client.get("/readyz").status_code == 200
    assert client.get(f"/api/v1/scores/churn/{people[0]}").status_code == 200


def test_a_store_that_fails_is_told_as_such_without_its_address(client, people, settings, monkeypatch):
    def gone(self):
        raise OperationalError("SELECT secret", {}, Exception("connection to db.internal refused"))

    monkeypatch.setattr(Store, "reading", gone)
    told = refused(client.get(f"/api/v1/scores/churn/{people[0]}"), 503, None, "the store cannot be reached")
    assert "internal" not in json.dumps(told)
    assert "SELECT" not in json.dumps(told)


def test_a_defect_of_ours_is_a_500_without_its_text_and_is_logged_with_it(client, people, monkeypatch, caplog):
    def broken(self, *args):
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(QuickPeople, "score", broken)
    told = refused(client.get(f"/api/v1/scores/churn/{people[0]}"), 500)
    assert "secret" not in json.dumps(told)
    assert "the secret reason" in caplog.text
    assert told["request_id"] in caplog.text
