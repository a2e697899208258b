"""How long a search and an offline answer take over 10,000 passages; writes ``benchmarks/results/knowledge.json``.

python -m benchmarks.knowledge                       10,000 passages of real text, 5 rounds of 40 questions
python -m benchmarks.knowledge --library FOLDER      the same, with documents that an earlier run left there
"""

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.knowledge.library import real_documents, real_questions
from growthbench.base.clock import now_us, to_iso
from growthbench.base.jsonio import read_json, write_json
from growthbench.knowledge.answers import answer, shelf_of
from growthbench.knowledge.base import KnowledgeBase
from growthbench.store.engine import open_store
from growthbench.text import open_encoder

RESULTS = Path(__file__).parents[1] / "results" / "knowledge.json"
WARM_UP = 10


def main(argv=None) -> dict:
    """Measure, write, print; returns what was written."""
    args = _arguments(argv)
    with tempfile.TemporaryDirectory(prefix="growthbench-bench-") as folder:
        result = _measured(args, args.library or Path(folder))
    known = read_json(args.results) if args.results.exists() else {}
    result = known.get(str(args.passages), {}) | result  # an old library's building was timed when it was built
    write_json(known | {str(args.passages): result}, args.results)
    _tell(result, args.results)
    return result


def _arguments(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.knowledge", description=__doc__.partition("\n")[0])
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=40, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--library", type=Path, help="folder to keep the ingested documents in; default: a new one")
    return parser.parse_args(argv)


def _measured(args: argparse.Namespace, folder: Path) -> dict:
    encoder = open_encoder(folder, threads=2)
    if encoder is None:
        raise SystemExit("the encoder's weights are not installed: there is no hybrid search to measure")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{args.passages}.db"
    is_new = not path.exists()
    with open_store(f"sqlite:///{path}") as store:
        base, seconds = KnowledgeBase(store, encoder), {}
        with _Timed(seconds if is_new else {}, "ingest_s"):
            base.ingest(real_documents(args.passages), "bench")
        with _Timed(seconds, "load_and_index_s"):
            passages = base.view("bench").passages
        shelf = shelf_of(base, "bench")
        with _Timed(seconds if is_new else {}, "token_shelf_s"):
            shelf.prepare(passages)
        with _Timed(seconds, "second_ingest_s"):
            again = base.ingest(real_documents(args.passages), "bench").embedded
        calls = {
            "search": lambda q: base.search(q, tenant="bench"),
            "variety": lambda q: base.search(q, tenant="bench", variety=True),
            "answer": lambda q: answer(base, q, tenant="bench", shelf=shelf),
            "encode": lambda q: encoder.encode([q]),
        }
        times, answered = _rounds(args, calls)
    return {
        "measured_at": to_iso(now_us()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "passages": len(passages),
        "questions": args.questions * args.rounds,
        "answered_share": round(float(np.mean(answered)), 3),
        "p50_ms": _ms(times["search"], 50),
        "p99_ms": _ms(times["search"], 99),
        "answer_p50_ms": _ms(times["answer"], 50),
        "answer_p99_ms": _ms(times["answer"], 99),
        "rounds": {name: [_ms(one, 50) for one in times[name]] for name in calls},
        "with_variety_p50_ms": _ms(times["variety"], 50),
        "of_it_encoding_p50_ms": _ms(times["encode"], 50),
        "embedded_by_second_ingest": again,
        **seconds,
    }


class _Timed:
    """Notes how many seconds its block took."""

    def __init__(self, seconds: dict[str, float], name: str):
        self.seconds, self.name = seconds, name

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_) -> None:
        self.seconds[self.name] = round(time.perf_counter() - self.started, 2)


def _rounds(args: argparse.Namespace, calls: dict) -> tuple[dict[str, list[list[float]]], list[bool]]:
    """Milliseconds of each call, round by round: within a round every call is asked the same new questions."""
    questions = real_questions(WARM_UP + args.questions * args.rounds)
    for question in questions[:WARM_UP]:
        for call in calls.values():
            call(question)
    times, answered = {name: [] for name in calls}, []
    for number in range(args.rounds):
        at = WARM_UP + number * args.questions
        some = questions[at : at + args.questions]
        for name, call in calls.items():
            told = [_timed(call, question) for question in some]
            times[name].append([seconds for seconds, _ in told])
            answered += [given.answered for _, given in told] if name == "answer" else []
    return times, answered


def _timed(call, question: str) -> tuple[float, object]:
    started = time.perf_counter()
    given = call(question)
    return time.perf_counter() - started, given


def _ms(times: list, percentile: float) -> float:
    return round(float(np.percentile(np.concatenate([np.ravel(one) for one in times]), percentile)) * 1000, 3)


def _tell(result: dict, path: Path) -> None:
    print(
        f"over {result['passages']:,} passages: search p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms, of it "
        f"encoding the question {result['of_it_encoding_p50_ms']} ms; offline answer p50 {result['answer_p50_ms']} ms, "
        f"p99 {result['answer_p99_ms']} ms"
    )
    named = {"ingest_s": "ingest", "token_shelf_s": "token vectors", "load_and_index_s": "loading and indexing"}
    seconds = ", ".join(f"{said} {result[name]} s" for name, said in named.items() if name in result)
    print(f"{seconds}; written to {path}")


if __name__ == "__main__":
    main()
