"""The live channel of a real Door process, with a client that is not ours."""

import json
import os
import socket
import time
from contextlib import ExitStack

import httpx
import pytest
from receiver import Receiver, verified

from growthbench.base.settings import Settings
from growthbench.predictions.deployments import deploy
from growthbench.serving.run import DoorProcess
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys
from growthbench.store.tenants import Tenants

websockets = pytest.importorskip("websockets.sync.client")


def port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def keys(store_url, tmp_path):
    """A secret and a write key of tenant local."""
    home = tmp_path / "home"
    with open_store(store_url) as store:
        keyring = Keyring.open(home)
        Tenants(store, keyring).ensure("local")
        return {kind: Keys(store, keyring).create("local", kind, "tests").key for kind in ("write", "secret")}


@pytest.fixture
def settings(store_url, tmp_path):
    """The home of the Door, on either database."""
    return Settings(tmp_path / "home", store_url, "", tmp_path)


def send(url, key, n, size=0, start=0):
    for first in range(start, start + n, 100):
        batch = [
            {"type": "track", "userId": f"u{i}", "event": "e", "messageId": f"m{i}", "properties": {"x": "y" * size}}
            for i in range(first, min(first + 100, start + n))
        ]
        answer = httpx.post(f"{url}/v1/batch", json={"batch": batch}, headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 200, answer.text


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) * 1024


def hear(socket, kind):
    while (told := json.loads(socket.recv(timeout=20)))["type"] != kind:
        pass
    return told


def test_a_browser_like_client_follows_leaves_and_resumes(keys, settings, tmp_path):
    with DoorProcess(port(), settings, log=tmp_path / "door.log") as door:
        where = door.url.replace("http", "ws") + "/ws/realtime"
        with websockets.connect(where) as socket:
            socket.send(json.dumps({"type": "auth", "key": keys["secret"]}))
            socket.send(json.dumps({"type": "subscribe", "topics": ["events"]}))
            assert hear(socket, "subscribed")["at"] == {"events": 0}
            send(door.url, keys["write"], 30)
            assert [hear(socket, "message")["seq"] for _ in range(30)] == list(range(1, 31))
        send(door.url, keys["write"], 30, start=30)
        with websockets.connect(where, additional_headers={"x-api-key": keys["secret"]}) as socket:
            socket.send(json.dumps({"type": "subscribe", "from": {"events": 30}}))
            assert [hear(socket, "message")["body"]["user_id"] for _ in range(30)] == [f"u{i}" for i in range(30, 60)]
            text = httpx.get(f"{door.url}/metrics").text
            assert "growthbench_live_connections 1" in text
        with websockets.connect(where) as socket:
            socket.send(json.dumps({"type": "auth", "key": keys["write"]}))
            assert hear(socket, "error")["problem"]["status"] == 403
            with pytest.raises(Exception, match="4403"):
                socket.recv(timeout=5)
        with pytest.raises(Exception, match=r"404|403"):
            websockets.connect(door.url.replace("http", "ws") + "/ws/else")
    assert "Traceback" not in (tmp_path / "door.log").read_text()


def test_a_key_that_is_revoked_ends_its_connection_within_two_seconds(keys, settings, store_url, tmp_path):
    with DoorProcess(port(), settings, log=tmp_path / "door.log") as door:
        where = door.url.replace("http", "ws") + "/ws/realtime"
        with websockets.connect(where, additional_headers={"x-api-key": keys["secret"]}) as socket:
            hear(socket, "welcome")
            with open_store(store_url) as store:
                Keys(store, Keyring.open(settings.home)).revoke("local", keys["secret"].split("_")[1])
            begun = time.monotonic()
            assert hear(socket, "error")["problem"]["status"] == 401
            assert time.monotonic() - begun < 3.0  # two, and what a busy machine adds


@pytest.mark.proof("live-channel")
def test_a_reader_that_does_not_read_costs_no_memory_and_loses_nothing(keys, settings, tmp_path, figure):
    with DoorProcess(port(), settings, log=tmp_path / "door.log") as door:
        where = door.url.replace("http", "ws") + "/ws/realtime"
        headers = {"x-api-key": keys["secret"]}
        send(door.url, keys["write"], 6_000, size=2_000)
        with websockets.connect(where, additional_headers=headers, max_queue=1, compression=None) as socket:
            socket.send(json.dumps({"type": "subscribe", "topics": ["events"]}))
            hear(socket, "subscribed")
            before = memory(door.process.pid)
            send(door.url, keys["write"], 6_000, size=2_000, start=6_000)  # 13 MB on the wire
            time.sleep(4)
            most = (
                30 if "postgresql" in settings.database_url else 120
            )  # SQLite's page caches grow with what is written
            figure("slow_reader_mb", (memory(door.process.pid) - before) / 1e6, at_most=most, unit="MB")
            got, lagging = [], 0
            while len(got) < 6_000:
                told = json.loads(socket.recv(timeout=20))
                lagging += told["type"] == "lagging"
                if told["type"] == "message":
                    got.append(told["seq"])
            assert got == list(range(6_001, 12_001))
            assert lagging == 1
    assert "Traceback" not in (tmp_path / "door.log").read_text()


def test_a_score_that_crosses_a_threshold_is_told_to_both_once(keys, settings, store_url, tmp_path, artifacts):
    receiver = Receiver()
    with open_store(store_url) as store:
        deploy(store, settings.home, "local", "churn", artifacts["churn"], run_id="r")
        tenants = Tenants(store, Keyring.open(settings.home))
        tenants.update("local", config={"score_alerts": [{"task": "churn", "above": 0.0}]})
    environment = {**os.environ, "GROWTHBENCH_WEBHOOKS_PRIVATE": "1"}
    secret = {"authorization": f"Bearer {keys['secret']}"}
    with DoorProcess(port(), settings, log=tmp_path / "door.log", environment=environment) as door:
        made = httpx.post(
            f"{door.url}/api/v1/webhooks", json={"url": receiver.url, "topics": ["alerts"]}, headers=secret
        )
        assert made.status_code == 201, made.text
        where = door.url.replace("http", "ws") + "/ws/realtime"
        with websockets.connect(where, additional_headers=secret) as socket:
            socket.send(json.dumps({"type": "subscribe", "topics": ["alerts"]}))
            hear(socket, "subscribed")
            send(door.url, keys["write"], 1)  # a profile that changes is scored by itself
            first = hear(socket, "message")["body"]
            socket.send(json.dumps({"type": "subscribe", "topics": ["alerts", "scores"]}))
            hear(socket, "subscribed")
            scores = []
            for _ in range(3):
                answer = httpx.get(f"{door.url}/api/v1/scores/churn/u0", headers=secret)
                assert answer.status_code == 200, answer.text
                scores.append(answer.json())
            told = [hear(socket, "message") for _ in range(3)]
        end = time.monotonic() + 10
        while not receiver.got and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5)
    assert (first["task"], first["previous_score"], first["user_id"]) == ("churn", None, "u0")
    assert {m["topic"] for m in told} == {"scores"}
    assert [m["body"]["prediction_id"] for m in told] == [s["prediction_id"] for s in scores]
    ((_, headers, body),) = receiver.got
    assert verified(made.json()["secret"], headers, body)
    assert json.loads(body)["type"] == "alert.score_threshold"
    assert json.loads(body)["data"] == first
    assert "Traceback" not in (tmp_path / "door.log").read_text()
    receiver.close()


@pytest.mark.proof("live-channel")
@pytest.mark.parametrize("workers", [2])
def test_many_workers_tell_every_reader_everything_and_count_together(keys, settings, tmp_path, workers, figure):
    environment = {**os.environ, "GROWTHBENCH_WORKERS": str(workers)}
    with (
        DoorProcess(port(), settings, log=tmp_path / "door.log", environment=environment, supervised=True) as door,
        ExitStack() as opened,
    ):
        where = door.url.replace("http", "ws") + "/ws/realtime"
        headers = {"x-api-key": keys["secret"]}
        sockets = [opened.enter_context(websockets.connect(where, additional_headers=headers)) for _ in range(20)]
        for socket in sockets:
            socket.send(json.dumps({"type": "subscribe", "topics": ["events"]}))
            hear(socket, "subscribed")
        begun = time.monotonic()
        send(door.url, keys["write"], 2_000)
        for socket in sockets:
            assert [hear(socket, "message")["seq"] for _ in range(2_000)] == list(range(1, 2_001))
        figure("told_messages_per_s", 40_000 / (time.monotonic() - begun), unit="1/s")
        time.sleep(1.5)
        counted = [
            float(line.rsplit(" ", 1)[1])
            for line in httpx.get(f"{door.url}/metrics").text.splitlines()
            if line.startswith('api_requests_total{method="POST",endpoint="/v1/batch",status="200"}')
        ]
        assert counted == [20]
