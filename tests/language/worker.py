"""A process with several workers that ask until the money is used up.

Arguments: store URL, server URL, name, threads, seconds of a time-out.
"""

import json
import sys
import threading

import dspy

from growthbench.language import LanguageSettings, Patience, attempts, speaking
from growthbench.language.errors import ModelsUnavailableError
from growthbench.ledger import BudgetError
from growthbench.store.engine import open_store

attempts.LEASE_MARGIN_S = 2.0


class Reply(dspy.Signature):
    """Answer the question."""

    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


def ask_on(store, settings: LanguageSettings, name: str, told: list[int]) -> None:
    number = 0
    while True:
        number += 1
        try:
            with speaking(settings, store, agent=name, cache_s=0) as speech:
                dspy.Predict(Reply)(question=f"{name} asks {number}")
        except BudgetError:
            return
        except ModelsUnavailableError:
            pass
        finally:
            told.append(speech.cost)


def main(store_url: str, url: str, name: str, threads: int, timeout_s: float) -> None:
    patience = Patience(timeout_s, 60.0, 2)
    settings = LanguageSettings(
        ("openai/tiny",), url, {"openai": "k"}, (1_000_000, 2_000_000), None, patience, patience
    )
    told: list[int] = []
    with open_store(store_url) as store:
        workers = [threading.Thread(target=ask_on, args=(store, settings, f"{name}.{n}", told)) for n in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    print(json.dumps({"spent": sum(told), "blocks": len(told)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
