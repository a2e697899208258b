import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from growthbench.ledger import Ledger, micros, set_limit
from growthbench.store.ledger_tables import ledger_reservations

SPENDER = Path(__file__).with_name("spender.py")


def test_a_limit_of_ten_cents_holds_under_processes_and_kills(store, store_url):
    """6 processes spend what they can; two of them are killed while they hold money."""
    spend(store, store_url, 6)


@pytest.mark.proof("money")
def test_a_limit_of_ten_cents_holds_under_twenty_processes_and_kills(store, store_url):
    """The same with 20 processes."""
    spend(store, store_url, 20)


def spend(store, store_url, processes):
    set_limit(store, "shop", "tenant", "day", micros("0.10"))
    started = [
        subprocess.Popen(
            [sys.executable, str(SPENDER), store_url, f"w{n}", "2" if n in (3, 5) else "-1"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(processes)
    ]
    told = [process.communicate(timeout=120)[0].split() for process in started]
    died = [process.returncode for process in started if process.returncode]
    bought = sum(int(t[0]) for t in told if t)
    ledger = Ledger(store)
    time.sleep(2.1)
    ledger.lapse("shop")
    held, spent = ledger.balance("shop")
    columns = ledger_reservations.c
    with store.reading() as connection:
        by_state = dict(
            connection.execute(select(columns.state, func.sum(columns.spent)).group_by(columns.state)).all()
        )
    assert len(died) <= 2
    assert held == 0
    assert micros("0.099") < spent <= micros("0.10")
    assert spent == sum(by_state.values())
    assert by_state.get("lapsed", 0) == 700 * len(died)
    if not died:
        assert spent == bought
