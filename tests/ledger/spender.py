"""A process that spends until the limit refuses: URL, name and (optionally) the number of the purchase it dies in."""

import os
import signal
import sys

from growthbench.ledger import BudgetError, Ledger
from growthbench.store.engine import open_store


def main(url: str, name: str, dies_at: int) -> None:
    bought = 0
    with open_store(url) as store:
        ledger = Ledger(store)
        try:
            for number in range(1000):
                held = ledger.reserve("shop", {"agent": name}, 700, f"{name}-{number}", lease_s=2, if_lost="book")
                if number == dies_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                if number % 4 == 3:
                    ledger.release(held)
                    continue
                ledger.commit(held, 531)
                bought += 531
        except BudgetError:
            print(bought)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
