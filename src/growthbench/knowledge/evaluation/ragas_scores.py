"""The only module that imports Ragas: its metrics without a model always, its judged ones when a judge is given.

What Ragas could not measure is None here ("not measured"), is counted in the coverage, and is in no mean.
"""

import asyncio
import math
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from growthbench.base.statistics import estimate, mean_of

Values = list[float | None]


@dataclass(frozen=True)
class Sample:
    """One question as Ragas sees it; ``contexts`` and ``wanted`` are texts, the ids those of their documents."""

    question: str
    answer: str
    reference: str
    contexts: tuple[str, ...]
    wanted: tuple[str, ...]
    context_ids: tuple[str, ...]
    wanted_ids: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """A metric over questions: ``coverage`` is the share that was measured; mean and interval are of these alone."""

    name: str
    values: tuple[float | None, ...]
    mean: float | None
    lo: float | None
    hi: float | None

    @property
    def coverage(self) -> float:
        """Share of the questions that were measured."""
        return sum(v is not None for v in self.values) / max(len(self.values), 1)

    def row(self) -> dict[str, Any]:
        """One line of a table."""
        measured = sum(v is not None for v in self.values)
        return {
            "metric": self.name,
            "mean": self.mean,
            "lo": self.lo,
            "hi": self.hi,
            "coverage": self.coverage,
            "measured": measured,
            "not_measured": len(self.values) - measured,
        }


def scores(samples: Sequence[Sample], judge: Any = None, seed: int = 0) -> dict[str, Measured]:
    """Ragas' metrics of answered questions with labels.

    Parameters
    ----------
    samples : sequence of Sample
    judge : object, optional
        A language model as ``ragas.llms.llm_factory`` makes it; with one, ``ragas_faithfulness`` is judged too.
    seed : int
        Of the bootstrap.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ragas deprecates the only place where these metrics are
        with ThreadPoolExecutor(1) as own:  # in a notebook this thread has a loop that runs
            found = own.submit(asyncio.run, _all(samples, judge)).result()
    rng = np.random.default_rng(seed)
    return {name: _measured(name, values, rng) for name, values in found.items()}


async def _all(samples: Sequence[Sample], judge: Any) -> dict[str, Values]:
    from ragas.metrics import IDBasedContextPrecision, IDBasedContextRecall, NonLLMContextRecall, NonLLMStringSimilarity

    metrics = {
        "ragas_id_precision": IDBasedContextPrecision(),
        "ragas_id_recall": IDBasedContextRecall(),
        "ragas_context_recall": NonLLMContextRecall(),
        "ragas_similarity": NonLLMStringSimilarity(),
    }
    found = {name: [await _one(metric, s) for s in samples] for name, metric in metrics.items()}
    if judge is not None:
        found["ragas_faithfulness"] = [await _faithful(judge, s) for s in samples]
    return found


async def _one(metric: Any, sample: Sample) -> float | None:
    from ragas.dataset_schema import SingleTurnSample

    told = SingleTurnSample(
        user_input=sample.question,
        response=sample.answer,
        reference=sample.reference,
        retrieved_contexts=list(sample.contexts),
        reference_contexts=list(sample.wanted),
        retrieved_context_ids=list(sample.context_ids),
        reference_context_ids=list(sample.wanted_ids),
    )
    return _number(await metric.single_turn_ascore(told))


async def _faithful(judge: Any, sample: Sample) -> float | None:
    from ragas.metrics.collections import Faithfulness

    try:
        found = await Faithfulness(llm=judge).ascore(
            user_input=sample.question, response=sample.answer, retrieved_contexts=list(sample.contexts)
        )
    except Exception:  # whatever a judge does wrong, the question was not measured
        return None
    return _number(found.value)


def _number(value: Any) -> float | None:
    return None if value is None or math.isnan(float(value)) else float(value)


def _measured(name: str, values: Values, rng: np.random.Generator) -> Measured:
    there = np.array([v for v in values if v is not None], float)
    if not len(there):
        return Measured(name, tuple(values), None, None, None)
    found = estimate({name: mean_of(there)}, len(there), 1000, rng)[name]
    return Measured(name, tuple(values), found.value, found.lo, found.hi)


def as_rows(measured: Mapping[str, Measured]) -> list[dict[str, Any]]:
    """The table of a run."""
    return [one.row() for one in measured.values()]
