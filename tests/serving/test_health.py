import time
from types import SimpleNamespace

import pytest
from sqlalchemy import insert

from growthbench.events.tables import log_heads
from growthbench.serving import health as health_module
from growthbench.serving.health import CHECKS, DEGRADED, DOWN, OK, Health, Outcome
from growthbench.serving.metrics import Metrics
from growthbench.store.engine import Store, open_store


@pytest.fixture
def state(store_url, tmp_path):
    """What the checks look at."""
    with open_store(store_url) as store:
        champions = SimpleNamespace(load_all=lambda: {"churn": None})
        yield SimpleNamespace(
            store=store,
            settings=SimpleNamespace(redis_url=None, home=tmp_path / "home", tenant="local"),
            scorer=lambda tenant: SimpleNamespace(champions=champions),
            champions=champions,
            bus=SimpleNamespace(dispatcher=None),
            commits=SimpleNamespace(lost=0),
            metrics=Metrics(),
        )


def look(state, **checks):
    made = Health(state, checks or None)
    try:
        return made.told(whole=True)
    finally:
        made.close()


def test_a_service_that_works_is_ok_and_says_how_long_each_check_took(state):
    status, told = look(state)
    assert (status, told["status"]) == (200, OK)
    assert told["checks"].keys() == CHECKS.keys()
    assert all(0 <= c["seconds"] < 2 for c in told["checks"].values())
    assert "growthbench_check_seconds" in state.metrics.text()


def test_a_store_that_cannot_be_written_is_down(state, monkeypatch):
    def gone(self):
        raise OSError("connection to db.internal refused")

    monkeypatch.setattr(Store, "writing", gone)
    made = Health(state)
    status, told = made.told()
    assert (status, told["status"], told["checks"]["store"]["status"]) == (503, DOWN, DOWN)
    assert "internal" not in str(told)
    assert "db.internal" in made.told(whole=True)[1]["checks"]["store"]["detail"]
    made.close()


def test_a_check_that_hangs_is_down_after_its_time_and_the_others_are_told(state):
    made = Health(state, {"slow": lambda s: time.sleep(3) or Outcome(OK), "quick": lambda s: Outcome(OK)}, limit_s=0.2)
    begun = time.monotonic()
    status, told = made.told(whole=True)
    assert time.monotonic() - begun < 1
    assert (status, told["checks"]["slow"]["detail"]) == (503, "no answer within 0.2 s")
    assert told["checks"]["quick"]["status"] == OK
    made.close()


def test_whoever_asks_often_does_not_make_the_checks_run_often(state):
    asked = []
    made = Health(state, {"one": lambda s: asked.append(1) or Outcome(OK)})
    for _ in range(50):
        made.look()
    assert len(asked) == 1
    made.close()


def test_a_refused_model_lost_writes_and_late_profiles_degrade(state, monkeypatch):
    state.champions.load_all = lambda: {"churn": ValueError("golden rows"), "intent": None}
    assert look(state)[1]["checks"]["models"] | {"seconds": 0} == {
        "status": DEGRADED, "seconds": 0, "detail": "golden rows", "deployed": 2, "refused": 1,
    }  # fmt: skip
    state.commits.lost = 3
    monkeypatch.setattr(health_module, "MOST_BEHIND", 10)
    with state.store.writing() as connection:
        connection.execute(insert(log_heads).values(tenant_id="t", seq=11, received_at=0, people_version=0))
    status, told = look(state)
    assert (status, told["status"]) == (200, DEGRADED)
    assert told["checks"]["writing"]["lost"] == 3
    assert told["checks"]["profiles"]["events_behind"] == 11


def test_a_redis_that_is_away_degrades_and_one_that_answers_does_not(state):
    state.settings.redis_url = "redis://127.0.0.1:1/0"
    assert look(state)[1]["checks"]["redis"]["status"] == DEGRADED


def test_a_full_disk_is_down(state, monkeypatch):
    monkeypatch.setattr(health_module, "LEAST_FREE_BYTES", 1 << 60)
    assert look(state)[0] == 503


def test_an_open_circuit_degrades(state):
    for _ in range(5):
        with pytest.raises(OSError, match="away"), _counted(state.store.breaker):
            raise OSError("away")
    assert look(state)[1]["checks"]["circuits"]["broken"] == ["the store"]


def _counted(breaker):
    breaker._counts = (OSError,)
    return breaker
