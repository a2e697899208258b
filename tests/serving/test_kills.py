"""No acknowledged event is ever missing: the Door is ended by SIGKILL while clients send, again and again."""

import http.client
import json
import random
import signal
import threading
import time
import uuid

import pytest
import sqlalchemy as sa

from growthbench.base.settings import Settings
from growthbench.events.tables import events
from growthbench.serving.run import DoorProcess
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys
from growthbench.store.tenants import Tenants


class Sender(threading.Thread):
    """Sends batches until told to stop and remembers which events the server said it has."""

    def __init__(self, port: int, key: str):
        super().__init__(daemon=True)
        self.port, self.key, self.stop = port, key, threading.Event()
        self.acknowledged: list[str] = []
        self.sent = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        while not self.stop.is_set():
            ids = [uuid.uuid4().hex for _ in range(5)]
            batch = [{"type": "track", "event": "kill", "userId": f"u{i[:2]}", "messageId": i} for i in ids]
            try:
                self.sent += len(ids)
                headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
                connection.request("POST", "/v1/batch", json.dumps({"batch": batch}), headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200:
                    assert json.loads(body)["accepted"] == 5
                    self.acknowledged += ids
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.01)


def kill_often(settings: Settings, port: int, kills: int, seed: int, tmp_path) -> tuple[int, int, int]:
    """Events sent, acknowledged, and missing though acknowledged, after so many kills."""
    with open_store(settings.database_url) as store:
        keyring = Keyring.open(settings.home)
        Tenants(store, keyring).ensure_first(settings.tenant)
        key = Keys(store, keyring).create(settings.tenant, "write").key
    rng = random.Random(seed)
    senders = [Sender(port, key) for _ in range(4)]
    for sender in senders:
        sender.start()
    for _ in range(kills):
        with DoorProcess(port, settings, log=tmp_path / "door.log") as door:
            time.sleep(rng.uniform(0.0, 0.6))
            door.process.send_signal(signal.SIGKILL)
            door.process.wait()
    for sender in senders:
        sender.stop.set()
        sender.join(10)
    acknowledged = [i for s in senders for i in s.acknowledged]
    with open_store(settings.database_url) as store, store.reading() as connection:
        held = list(connection.execute(sa.select(events.c.event_id)).scalars())
        numbers = list(connection.execute(sa.select(events.c.seq).order_by(events.c.seq)).scalars())
    assert len(held) == len(set(held))
    assert numbers == list(range(1, len(numbers) + 1))
    return sum(s.sent for s in senders), len(acknowledged), len(set(acknowledged) - set(held))


@pytest.fixture
def settings(tmp_path, store_url):
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Settings(home, store_url, f"sqlite:///{home / 'mlflow.db'}", home / "datasets")


def test_a_few_kills_lose_nothing_acknowledged(settings, free_port, tmp_path):
    _, acknowledged, missing = kill_often(settings, free_port, 2, 0, tmp_path)
    assert acknowledged > 0
    assert missing == 0


@pytest.mark.proof("door-kills")
def test_two_hundred_kills_lose_nothing_acknowledged(settings, free_port, tmp_path, figure):
    sent, acknowledged, missing = kill_often(settings, free_port, 200, 1, tmp_path)
    figure("kills", 200, at_least=200)
    figure("events sent", sent)
    figure("events acknowledged", acknowledged, at_least=200)
    figure("acknowledged and missing", missing, at_most=0)
