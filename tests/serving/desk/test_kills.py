"""The Desk is ended by SIGKILL: the Door goes on, and so does, after a restart, what the Desk had begun."""

import time

LARGE = "# Manual\n\n" + "\n\n".join(
    f"Step {i} of the manual says that the machine number {i} must be oiled after {i + 3} hours." for i in range(60)
)
BRIEF = {"kind": "email", "topic": "the forecast"}


def ended(client, job_id, within_s=120):
    """A job when it has ended."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        answer = client.get(f"/api/v1/jobs/{job_id}")
        if answer.status_code == 200 and answer.json()["ended_at"]:
            return answer.json()
        time.sleep(0.2)
    raise AssertionError(f"{job_id} has not ended: {answer.text}")


def test_the_door_goes_on_without_the_desk_and_jobs_go_on_after_it_each_once(installation, with_prices):
    client, first = with_prices, installation.desk()
    manual = {"text": LARGE, "title": "Manual", "collection": "product_docs", "wait": False}
    known = {"idempotency-key": "manual-1"}
    begun = client.post("/api/v1/knowledge/documents", json=manual, headers=known)
    assert begun.status_code == 202, begun.text
    assert begun.headers["location"] == f"/api/v1/jobs/{begun.json()['job_id']}"
    piece = client.post("/api/v1/content/generate?async=true", json={"brief": BRIEF}, headers={"idempotency-key": "m"})
    assert piece.status_code == 202, piece.text
    time.sleep(0.3)  # one of them is under way
    first.kill()
    away = client.post("/api/v1/knowledge/search", json={"question": "oil"})
    assert away.status_code == 503, away.text
    assert int(away.headers["retry-after"]) >= 1
    took = []
    for i in range(20):
        begin = time.monotonic()
        assert client.post("/api/v1/events/track", json={"user_id": f"u{i}", "event": "login"}).status_code == 200
        took.append(time.monotonic() - begin)
    assert sorted(took)[10] < 0.5
    assert client.get("/health").json()["checks"]["desk"]["status"] == "degraded"
    assert installation.desk().pid != first.pid  # the keeper has started another one
    told = ended(client, begun.json()["job_id"])
    assert told["state"] == "done", told
    assert told["result"]["state"] in ("new", "unchanged")  # unchanged: the kill came behind its transaction
    made = ended(client, piece.json()["job_id"])
    assert made["state"] == "done", made
    library = client.get("/api/v1/content").json()["content"]
    assert sorted(a["content_id"] for a in library) == sorted(a["content_id"] for a in made["result"]["content"])
    assert len(library) == 3
    again = client.post("/api/v1/knowledge/documents", json=manual, headers=known)
    assert again.json()["job_id"] == begun.json()["job_id"]
    other = client.post("/api/v1/knowledge/documents", json=manual | {"text": LARGE + "More."}, headers=known)
    assert other.status_code == 409, other.text
