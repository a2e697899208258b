"""Measure answers to labelled questions: what the pipeline's stage and the notebook both do."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.base.errors import NotReadyError
from growthbench.base.settings import Settings

if TYPE_CHECKING:
    from growthbench.base.run_record import RunRecord
    from growthbench.knowledge.evaluation.params import RagParams
    from growthbench.learning.progress import Progress

QUESTIONS = "questions.jsonl"
TENANT = "local"
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
    from growthbench.knowledge.evaluation.asking import ask_all
    from growthbench.knowledge.evaluation.questions import read_questions
    from growthbench.knowledge.evaluation.record import evaluation_record
    from growthbench.knowledge.opening import open_knowledge
    from growthbench.language.embedding_settings import EmbeddingSettings
    from growthbench.store.engine import open_store
    from growthbench.workbench.ask import encoder_of

    with ExitStack() as open_now:
        scratch = open_now.enter_context(tempfile.TemporaryDirectory())
        store = open_now.enter_context(open_store(f"sqlite:///{scratch}/rag.db"))
        embeddings = EmbeddingSettings.read()
        # the documents lie in a scratch store, but what a provider costs is held against the home's limits
        purse = open_now.enter_context(open_store(settings.database_url)) if embeddings.model else None
        reader, weights = encoder_of(settings.home), params.weights
        base = open_knowledge(store, reader, settings=embeddings, purse=purse, weights=weights)
        done = base.ingest(documents, TENANT, progress=False)
        if done.fault:
            raise NotReadyError(f"answers cannot be measured without the vectors of the documents: {done.fault}")
        questions = read_questions(documents / QUESTIONS)
        if most is not None and most < len(questions):
            questions = [questions[i * len(questions) // most] for i in range(most)]
        asked = ask_all(
            base,
            questions,
            tenant=TENANT,
            role=params.role,
            progress=progress,
            threshold=params.threshold,
        )
        return evaluation_record(
            asked,
            base,
            tenant=TENANT,
            data=data,
            params=params.flat(),
            out=out,
            canaries=canaries,
            seed=params.seed,
        )
