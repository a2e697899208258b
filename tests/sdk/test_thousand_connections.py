"""A thousand open connections at an even rate, against the Door in a process of its own."""

import shutil

import pytest
from growthbench_sdk import MarketingClient

from benchmarks.serving_load.load import SHARES, drive, errors


@pytest.fixture(autouse=True)
def _wrk(require_or_skip):
    if shutil.which("wrk") is None:
        require_or_skip("wrk", "there is no wrk on the PATH")


def fill(house, people):
    """Some people do something."""
    sdk = MarketingClient(house.write_key, house.url, max_queue=100_000, flush_interval_s=0.05)
    for i in range(people):
        sdk.identify(f"user-{i}", {"plan": ("free", "pro", "team")[i % 3]})
        for _ in range(5):
            sdk.track(f"user-{i}", "page_view", {"item_id": f"/p{i % 50}"})
    assert sdk.flush(120)
    sdk.close()


def load(house, people, **how):
    found = drive(house.url, {"write": house.write_key, "secret": house.secret_key}, people, **how)
    assert list(found) == list(SHARES)
    assert errors(found) == 0, found
    return found


def test_forty_connections_are_served_without_an_error(door):
    fill(door, 50)
    found = load(door, 50, connections=40, rate=80, seconds=3)
    assert all(told["requests"] for told in found.values())


@pytest.mark.proof("thousand-connections")
def test_a_thousand_connections_for_three_minutes(house, tmp_path, figure):
    """300 requests/s in all: 80 % track, 15 % score, 5 % profile."""
    house.deploy_churn(tmp_path / "churn")
    fill(house.start(), 2_000)
    before = house.log.count("product_view")
    found = load(house, 2_000, connections=1000, rate=310, seconds=180)
    for route, told in found.items():
        limit = 200 if route in ("track", "score") else None
        figure(f"{route} p50", told["p50_ms"], unit="ms")
        figure(f"{route} p95", told["p95_ms"], at_most=limit, unit="ms")
        figure(f"{route} p99", told["p99_ms"], unit="ms")
        figure(f"{route} requests", told["requests"])
    figure("errors", errors(found), at_most=0)
    figure("requests/s", sum(told["requests"] / told["seconds"] for told in found.values()), at_least=300)
    # Of those under way when the time was up, wrk does not count what the Door has taken in.
    assert 0 <= house.log.count("product_view") - before - found["track"]["requests"] <= 800
