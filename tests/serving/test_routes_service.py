import base64
import hashlib
import re

import pytest

from growthbench.serving.health import Health
from growthbench.serving.pages import STYLE


def test_the_front_page_is_json_for_programs_and_html_for_browsers(client):
    told = client.get("/")
    assert told.headers["content-type"] == "application/json"
    assert told.json()["tasks"]["churn"].startswith("churn@")
    page = client.get("/", headers={"accept": "text/html,application/xhtml+xml"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "churn@" in page.text
    assert told.headers["vary"] == page.headers["vary"] == "accept"


def test_our_pages_may_load_and_run_nothing(client):
    style = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    for path in ("/docs", "/"):
        answer = client.get(path, headers={"accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert f"'sha256-{style}'" in policy
        assert not re.search(r"<script|https?://(?!schema)", answer.text.split("types</h2>")[0].replace(
            "https://crm.example.com", ""))  # fmt: skip


def test_models_are_named_only_where_the_service_is_ones_own(filled, start, monkeypatch):
    client = start(None)
    from growthbench.serving.entrance import LOBBY

    object.__setattr__(LOBBY.state.door, "host", "0.0.0.0")
    try:
        assert "tasks" not in client.get("/").json()
        assert "churn@" not in client.get("/", headers={"accept": "text/html"}).text
    finally:
        object.__setattr__(LOBBY.state.door, "host", "127.0.0.1")


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_health_is_open_and_tells_no_details(filled, start, path):
    answer = start(None).get(path)
    assert answer.status_code == 200
    told = answer.json()
    assert told["status"] in ("ok", "degraded")
    assert all(check.keys() == {"status", "seconds"} for check in told["checks"].values())


def test_what_is_down_is_a_problem_that_names_it(client, monkeypatch):
    monkeypatch.setattr(Health, "told", lambda self, whole=False: (
        503, {"checks": {"store": {"status": "down", "seconds": 2.0}, "disk": {"status": "ok", "seconds": 0.0}}}
    ))  # fmt: skip
    answer = client.get("/health")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["detail"] == "down: store"
    assert answer.json()["checks"]["store"]["status"] == "down"


def test_details_are_for_who_has_a_key(client, keys):
    told = client.get("/api/agents/system/status").json()
    assert "detail" in told["checks"]["store"]
    assert told["agents"]["status"] == "absent"
    for key, status in (("gbs_none", 401), (keys["write"], 403)):
        answer = client.get("/api/agents/system/status", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == status


def test_metrics_are_counted_by_route_and_never_name_a_person(client, people):
    route = 'api_requests_total{method="GET",endpoint="/api/v1/scores/{task}/{user_id:path}",status="200"} '

    def counted():  # over all workers: Doors of other tests in this process are counted, too
        text = client.get("/metrics").text
        return sum(float(line.removeprefix(route)) for line in text.splitlines() if line.startswith(route))

    before = counted()
    assert client.get(f"/api/v1/scores/churn/{people[0]}").status_code == 200
    client.get("/nothing/for/ann@example.org")
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert counted() == before + 1
    assert "api_request_duration_seconds_bucket" in answer.text
    assert people[0] not in answer.text
    assert "ann@" not in answer.text


def test_agents_that_are_not_there_are_not_said_to_be_well(client):
    answer = client.get("/api/agents/health")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


def test_the_documentation_is_open_and_the_same_for_people_and_machines(filled, start):
    client = start(None)
    told = client.get("/openapi.json")
    assert told.headers["content-type"] == "application/json"
    assert {"/v1/track", "/api/v1/scores/{task}", "/api/v1/webhooks", "/score", "/livez"} <= set(told.json()["paths"])
    page = client.get("/docs").text
    assert all(f"<code>{path}</code>" in page for path in told.json()["paths"])


def test_a_webhook_is_made_changed_and_deleted(client):
    made = client.post("/api/v1/webhooks", json={"url": "https://crm.example.com/x", "topics": ["alerts", "events"]})
    assert made.status_code == 201
    hook = made.json()
    assert hook["secret"].startswith("whsec_")
    assert hook["topics"] == ["events", "alerts"]
    one = f"/api/v1/webhooks/{hook['webhook_id']}"
    assert client.get(one).json() == {k: v for k, v in hook.items() if k != "secret"}
    assert [h["webhook_id"] for h in client.get("/api/v1/webhooks").json()["webhooks"]] == [hook["webhook_id"]]
    changed = client.patch(one, json={"topics": ["scores"], "enabled": False}).json()
    assert changed["topics"] == ["scores"]
    assert changed["disabled_at"] is not None
    assert client.patch(one, json={"enabled": True}).json()["disabled_at"] is None
    assert client.post(f"{one}/secret").json()["secret"] != hook["secret"]
    assert client.get(f"{one}/deliveries").json() == {"deliveries": []}
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://crm.example.com/x", "topics": []}, "topics"),
        ({"url": "https://crm.example.com/x", "topics": ["news"]}, "topics"),
        ({"url": "http://crm.example.com/x", "topics": ["alerts"]}, "url"),
        ({"url": "https://127.0.0.1/x", "topics": ["alerts"]}, "url"),
        ({"url": "https://crm.example.com/x"}, "topics"),
        ({"url": "https://crm.example.com/x", "topics": ["alerts"], "secret": "mine"}, "secret"),
    ],
)
def test_a_wrong_webhook_is_refused_by_field(client, body, field):
    answer = client.post("/api/v1/webhooks", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_deliveries_are_asked_for_with_sense(client):
    made = client.post("/api/v1/webhooks", json={"url": "https://crm.example.com/x", "topics": ["alerts"]}).json()
    one = f"/api/v1/webhooks/{made['webhook_id']}"
    for query, field in (("limit=0", "limit"), ("limit=x", "limit"), ("state=lost", "state")):
        answer = client.get(f"{one}/deliveries?{query}")
        assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert client.post(f"{one}/deliveries/whd_0/redeliver").status_code == 404
    assert client.get("/api/v1/webhooks/wh_0/deliveries").status_code == 404


def test_webhooks_are_for_who_may_manage_them(start, filled, keys):
    body, client = {"url": "https://crm.example.com/x", "topics": ["alerts"]}, start(None)
    writer = {"authorization": f"Bearer {keys['write']}"}
    assert client.post("/api/v1/webhooks", json=body, headers=writer).status_code == 403
    assert client.get("/api/v1/webhooks").status_code == 401
