import resource
import socket
import subprocess
import sys

import httpx
import pytest

from growthbench.base.errors import NotReadyError
from growthbench.serving.run import DoorProcess

HEAVY = "dspy llama_index dbos mlflow pandas sklearn xgboost ibis duckdb shap evidently ragas great_expectations dvc"


def test_a_door_that_scored_has_nothing_heavy_in_its_process(filled, people, keys):
    code = f"""
import sys, warnings
warnings.simplefilter("ignore")
from growthbench.serving.door import Door
from starlette.testclient import TestClient
with TestClient(Door.to_asgi(), headers={{"x-api-key": "{keys["secret"]}"}}) as client:
    assert client.get("/api/v1/scores/churn/{people[0]}?reasons=2").status_code == 200
    assert client.post("/api/v1/scores/intent", json={{"row": {{"x": 1, "kind": "a"}}}}).status_code == 200
    assert client.get("/readyz").status_code == 200
print([m for m in "{HEAVY}".split() if m in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180)
    assert found.returncode == 0, found.stderr[-2000:]
    assert found.stdout.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize("supervised", [False, True], ids=["one process", "bentoml serve"])
def test_the_door_starts_serves_and_stops(filled, settings, people, free_port, tmp_path, figure, supervised, keys):
    before, known = cpu_of_children(), {"x-api-key": keys["secret"]}
    with DoorProcess(free_port, settings, log=tmp_path / "door.log", supervised=supervised) as door:
        answer = httpx.get(f"{door.url}/api/v1/scores/churn/{people[0]}", headers=known, timeout=30)
        ready = httpx.get(f"{door.url}/readyz", timeout=30)
        many = httpx.post(
            f"{door.url}/score", json={"task": "churn", "user_ids": people[:5]}, headers=known, timeout=30
        )
        metrics = httpx.get(f"{door.url}/metrics", timeout=30)
        refusal = httpx.get(f"{door.url}/nothing", timeout=30)
    assert (answer.status_code, ready.status_code, many.status_code) == (200, 200, 200)
    assert refusal.headers["content-type"] == "application/problem+json"
    assert "api_requests_total" in metrics.text
    assert door.process.returncode == 0
    assert "Traceback" not in (tmp_path / "door.log").read_text()
    figure("door_start_s", door.start_s, unit="s")  # as long as neighbours make it; the proof below holds the limit
    figure("door_cpu_s", cpu_of_children() - before, at_most=15, unit="CPU s")


def cpu_of_children() -> float:
    """CPU time of all ended children and theirs, seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.proof("door-start")
def test_the_door_starts_in_under_five_seconds(filled, settings, free_port, figure):
    taken = []
    for _ in range(3):
        with DoorProcess(free_port, settings) as door:
            taken.append(door.start_s)
    figure("door_start_s", min(taken), at_most=5, unit="s")


def test_a_port_that_is_taken_is_told(settings, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        door = DoorProcess(taken.getsockname()[1], settings, log=tmp_path / "door.log")
        with pytest.raises(NotReadyError, match=r"ended with exit code \d while starting; see"), door:
            pass
    assert "address already in use" in (tmp_path / "door.log").read_text()
