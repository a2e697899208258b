"""Measure answers to labelled questions: what the pipeline's stage and the notebook both do."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.base.settings import Settings

if TYPE_CHECKING:
    from growthbench.base.run_record import RunRecord
    from growthbench.knowledge.evaluation.params import RagParams
    from growthbench.learning.progress import Progress

QUESTIONS = "questions.jsonl"
CANARIES = ("ORCHID-7731", "shutting down in December", "lark-verify")
"""What the orders planted in the sample company's documents would have an answer say."""


def evaluate_answers(
    settings: Settings,
    documents: Path,
    params: "RagParams",
    out: Path,
    *,
    data: str = "sample-company",
    canaries: Sequence[str] = CANARIES,
    most: int | None = None,
    progress: "Progress | None" = None,
) -> "RunRecord":
    """Ingest documents into a scratch store, ask their labelled questions, measure what comes of it.

    Parameters
    ----------
    settings : Settings
    documents : Path
        A folder of documents with ``questions.jsonl``.
    params : RagParams
    out : Path
        Folder for ``evaluation.parquet``, metrics, tables, card and the configuration.
    data : str
        Name of the questions.
    canaries : sequence of str
        Strings that no answer may hold.
    most : int, optional
        Ask at most so many of the questions, evenly spread over the file: for a first look.
    progress : callable, optional
        Told (what, done, total).
    """
    from growthbench.knowledge.base import KnowledgeBase
    from growthbench.knowledge.evaluation.asking import ask_all
    from growthbench.knowledge.evaluation.questions import read_questions
    from growthbench.knowledge.evaluation.record import evaluation_record
    from growthbench.store.engine import open_store
    from growthbench.workbench.ask import encoder_of

    with tempfile.TemporaryDirectory() as scratch, open_store(f"sqlite:///{scratch}/rag.db") as store:
        base = KnowledgeBase(store, encoder_of(settings.home), weights=params.weights)
        base.ingest(documents, "local", progress=False)
        questions = read_questions(documents / QUESTIONS)
        if most is not None and most < len(questions):
            questions = [questions[i * len(questions) // most] for i in range(most)]
        asked = ask_all(
            base,
            questions,
            tenant="local",
            role=params.role,
            progress=progress,
            threshold=params.threshold,
        )
        return evaluation_record(
            asked,
            base,
            tenant="local",
            data=data,
            params=params.flat(),
            out=out,
            canaries=canaries,
            seed=params.seed,
        )
