"""Whoever was erased is in no worker's memory any more, though nobody reads the store for them."""

import threading
import time

import pytest
from refusing import refused
from sqlalchemy.exc import OperationalError

from growthbench.operations.erasing import Eraser
from growthbench.people.directory import Ident
from growthbench.serving.forgetting import Forgetting
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring


@pytest.fixture
def remembered(client, people):
    """Path of a score that may come from memory, of somebody who was scored."""
    path = f"/api/v1/scores/churn/{people[0]}?max_age_s=3600"
    client.get(path)
    assert client.get(path).json()["cached"] is True
    return path


def erase(store, settings, person):
    """As another worker or the shell does: this worker hears nothing of it."""
    eraser = Eraser(store, settings.home, Keyring.open(settings.home), "local")
    return eraser.begin(Ident.of(person), "shell")


def test_an_erased_persons_score_is_not_given_from_memory_once_the_answer_is_out(client, people, remembered):
    assert client.delete(f"/api/v1/users/{people[0]}").status_code in (200, 202)
    refused(client.get(remembered), 404)


def test_what_another_worker_erased_is_forgotten_within_moments(client, people, remembered, store, settings):
    erase(store, settings, people[0])
    time.sleep(1.2)
    refused(client.get(remembered), 404)


def test_the_store_going_away_does_not_bring_an_erased_person_back(
    client, people, remembered, store, settings, monkeypatch
):
    assert client.get(f"/api/v1/scores/churn/{people[1]}").status_code == 200
    erase(store, settings, people[0])
    time.sleep(1.2)  # nobody was scored meanwhile

    def gone(self, *args):
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    monkeypatch.setattr(Store, "reading", gone)
    monkeypatch.setattr("growthbench.serving.lane._Reader._snapshot", gone)
    refused(client.get(f"/api/v1/scores/churn/{people[0]}"), 503)
    refused(client.get(remembered), 503)


def test_an_outage_does_not_end_it(store, monkeypatch):
    told, away = threading.Event(), threading.Event()
    monkeypatch.setattr(Forgetting, "look", lambda self: told.set() if away.is_set() else _fail(away))
    looking = Forgetting(store, lambda *_: None, every_s=0.01)
    looking.start()
    assert told.wait(5)
    looking.close()
    assert not looking._thread.is_alive()


def _fail(away):
    away.set()
    raise OperationalError("SELECT", {}, Exception("connection refused"))
