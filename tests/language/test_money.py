"""A limit holds, whatever happens: many workers, retries, replies that never come, a process that is killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from growthbench.language import settle_lapsed, spending
from growthbench.ledger import Ledger, micros, set_limit
from growthbench.store.ledger_tables import llm_calls
from tests.language.loopback import Loopback, fields

WORKER = Path(__file__).with_name("worker.py")
LIMIT = micros("0.10")


def run(store, store_url, processes, threads, dies_at=-1):
    """Ten cents, a server that fails in every way, workers until nobody gets anything; what the server billed."""
    moods = {3: "500", 7: "429", 13: "slow", 17: "malformed", 23: "cut", 29: "wrong_schema"}
    with Loopback(lambda body: fields(answer="word " * 60), lambda number: moods.get(number % 31, "normal")) as server:
        server.slow_s = 3.0
        set_limit(store, "local", "tenant", "day", LIMIT)
        started = [
            subprocess.Popen(
                [sys.executable, str(WORKER), store_url, server.url, f"p{n}", str(threads), "1.0"],
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
            )
            for n in range(processes)
        ]
        if dies_at >= 0:
            while len(server.requests) < dies_at:
                time.sleep(0.02)
                assert any(p.poll() is None for p in started), "the workers ended before one could be killed"
            victim = next(p for p in started if p.poll() is None)
            victim.kill()
        for process in started:
            process.communicate(timeout=300)
        time.sleep(3.2)  # the killed one's lease: its time-out and the worker's margin
        settle_lapsed(store, "local")
        return server, [p.returncode for p in started]


def states(store):
    columns = llm_calls.c
    query = select(columns.state, func.count(), func.sum(columns.cost)).group_by(columns.state)
    with store.reading() as connection:
        return {state: (count, int(total)) for state, count, total in connection.execute(query)}


def check(store, server):
    told = states(store)
    held, spent = Ledger(store).balance("local")
    assert held == 0
    assert "open" not in told
    assert spent == spending(store, "local").cost == sum(cost for _, cost in told.values())
    assert server.cost(1_000_000, 2_000_000) <= spent <= LIMIT
    assert spent > 0.9 * LIMIT  # and it was a limit, not a wall far before it
    assert told["failed"][1] == 0
    assert told["lost"][0] > 0
    assert told["answered"][0] > 10
    return told


def test_ten_cents_hold_under_ten_workers_a_kill_and_retries(store, store_url):
    """2 processes of 5 workers, one process killed in the middle; the server's own account is the judge."""
    server, codes = run(store, store_url, processes=2, threads=5, dies_at=12)
    check(store, server)
    assert sorted(codes) == [-9, 0]


@pytest.mark.proof("money")
def test_ten_cents_hold_under_twenty_processes(store, store_url):
    """The same with 20 processes."""
    server, codes = run(store, store_url, processes=20, threads=1, dies_at=12)
    check(store, server)
    assert sorted(codes) == [-9] + [0] * 19
