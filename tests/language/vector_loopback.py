"""An OpenAI-compatible server of embeddings on this machine: vectors of letter triples, faults, its own account."""

import time
from dataclasses import dataclass

from tests.knowledge.letters import vector_of
from tests.language.loopback import Handler, Loopback

FAULTS = ("malformed", "wrong_schema", "cut", "wrong_count", "wrong_dims", "nan", "zero", "ragged", "words")
"""Answers that are billed and cannot be used; ``wrong_dims`` where the dimensions are known."""


@dataclass
class VectorLoopback(Loopback):
    """Faults besides those of `Loopback`: `FAULTS`, shuffled, unplaced.

    Attributes
    ----------
    dims : int
    """

    dims: int = 64

    @property
    def handler(self) -> type:
        """Who answers."""
        return VectorHandler

    @property
    def texts(self) -> list[str]:
        """Every text that was received."""
        return [text for body in self.requests for text in body["input"]]


class VectorHandler(Handler):
    state: VectorLoopback

    def answer(self, body: dict, fault: str) -> None:
        """Answer a request as it shall go."""
        if not self.path.endswith("/v1/embeddings"):
            return self._send(404, {"error": {"message": f"no {self.path}"}})
        if fault in ("429", "500", "400", "401"):
            return self._send(int(fault), {"error": {"message": f"scripted {fault}"}})
        rows = [[3 * x for x in vector_of(text, self.state.dims)] for text in body["input"]]
        tokens = sum(len(text.encode()) for text in body["input"]) // 4 + 1
        with self.state.lock:
            self.state.billed.append((tokens, 0))
        if fault == "slow":
            time.sleep(self.state.slow_s)
        if fault == "malformed":
            return self._send(200, '{"data": [not json')
        if fault == "wrong_schema":
            return self._send(200, {"object": "chat.completion", "choices": []})
        data = [{"index": place, "embedding": row} for place, row in enumerate(_spoilt(rows, fault))]
        if fault == "shuffled":
            data.reverse()
        if fault == "unplaced":
            data = [{"embedding": row["embedding"]} for row in data]
        reply = {"object": "list", "data": data, "model": body["model"]}
        if fault != "no_usage":
            reply["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
        return self._send(200, reply, cut=fault == "cut")


def _spoilt(rows: list[list[float]], fault: str) -> list[list[float]]:
    return {
        "wrong_count": rows[:-1],
        "wrong_dims": [row[:-1] for row in rows],
        "nan": [[float("nan"), *row[1:]] for row in rows],
        "zero": [[0.0] * len(row) for row in rows],
        "ragged": [rows[0][:-1], *rows[1:]],
        "words": [["many"] * len(row) for row in rows],
    }.get(fault, rows)
