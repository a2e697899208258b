"""A Door and a Desk in processes of their own, for all tests here; each test has a tenant of its own."""

import os
import socket
import time
import uuid
from pathlib import Path

import httpx
import psutil
import pytest

from growthbench.base.settings import Settings
from growthbench.serving.desk.process import answers
from growthbench.serving.desk.settings import DeskSettings
from growthbench.serving.run import DoorProcess
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys
from growthbench.store.members import Members
from growthbench.store.tenants import Tenants
from growthbench.store.tokens import Tokens

PRICES = """# Prices

Pro costs EUR 199 a month. Enterprise costs EUR 999 a month. The Free plan is free of charge for ever.

# Refunds

A first payment can be refunded within 30 days. Later payments are not refunded.
"""
SAMPLE = Path(__file__).parents[3] / "data" / "knowledge" / "product_docs"
LIMITS = {"calls_a_day": 100_000, "events_a_day": 100_000, "burst_per_s": None}


class Installation:
    """A home with its Door and its Desk."""

    def __init__(self, home, log):
        self.settings = Settings(home, f"sqlite:///{home / 'growthbench.db'}", f"sqlite:///{home / 'mlflow.db'}", home)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("GROWTHBENCH_")}
        self.clients = []
        self.store = open_store(self.settings.database_url)
        self.keyring = Keyring.open(home)
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        beside = self.environment | {"GROWTHBENCH_DESK_BESIDE": "1", "GROWTHBENCH_WEBHOOKS_PRIVATE": "1"}
        self.door = DoorProcess(port, self.settings, log=log / "door.log", within_s=240, environment=beside)
        self.url = DeskSettings.read(home).url

    def desk(self):
        """The process of the Desk, once it answers."""
        until = time.monotonic() + 240
        while not answers(self.url):
            assert time.monotonic() < until, "the Desk does not answer"
            time.sleep(0.1)
        (found,) = [p for p in self.processes() if "growthbench.serving.desk.worker" in p.cmdline()]
        return found

    def processes(self):
        """Everything that the Door has started."""
        return psutil.Process(self.door.process.pid).children(recursive=True)

    def tenant(self, name=None):
        """A new tenant; a client with its secret key."""
        name = name or f"t{uuid.uuid4().hex[:8]}"
        Tenants(self.store, self.keyring).create(f"{name} inc", "pro", name, limits=LIMITS)
        client = self.client(Keys(self.store, self.keyring).create(name, "secret", "tests").key)
        client.tenant = name
        return client

    def member(self, tenant, role):
        """A client of a tenant's member with a role."""
        from growthbench.store.callers import Caller

        made = Members(self.store, self.keyring).create(tenant, f"{role}@{tenant}.example", role, role, "correct horse")
        return self.client(Tokens(self.store, self.keyring).issue(Caller(tenant, "member", made["member_id"], role)))

    def client(self, key):
        """A client with some key or token."""
        made = httpx.Client(base_url=self.door.url, headers={"authorization": f"Bearer {key}"}, timeout=90)
        self.clients.append(made)
        return made


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """A Door that keeps a Desk beside it; ended, neither is left."""
    log = tmp_path_factory.mktemp("desk-log")
    made = Installation(tmp_path_factory.mktemp("desk-home"), log)
    with made.door:
        made.desk()
        yield made
        left = made.processes()
    made.store.close()
    for client in made.clients:
        client.close()
    assert len(left) >= 2
    assert not psutil.wait_procs(left, 1)[1]
    assert made.door.process.returncode == 0
    assert not answers(made.url)
    assert "Traceback" not in (log / "door.log").read_text()


@pytest.fixture
def client(installation):
    """A client of a tenant of this test's own."""
    return installation.tenant()


@pytest.fixture
def with_prices(client):
    """The same, with documents about prices and the forecast in it."""
    body = {"text": PRICES, "title": "Prices and refunds", "collection": "product_docs", "date": "2026-03-01"}
    answer = client.post("/api/v1/knowledge/documents", json=body)
    assert answer.status_code == 201, answer.text
    for name in ("forecast.md", "boards.md", "automation.md"):
        file = {"file": (name, (SAMPLE / name).read_bytes(), "text/markdown")}
        answer = client.post("/api/v1/knowledge/documents", files=file, data={"collection": "product_docs"})
        assert answer.status_code == 201, answer.text
    return client
