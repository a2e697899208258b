"""Ask every labelled question and note what came of it: one row a question."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from growthbench.base.errors import NotReadyError
from growthbench.knowledge.answers import answer, shelf_of
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.citations import Answer
from growthbench.knowledge.evaluation.questions import ANSWERABLE, LabelledQuestion, spans_of
from growthbench.knowledge.evaluation.retrieval import ndcg, overlap, recall, reciprocal_rank
from growthbench.knowledge.evidence import gather
from growthbench.knowledge.passages import Passage

ANSWERED, REFUSED = "answered", "refused"


@dataclass(frozen=True)
class Asked:
    """One question with its answer, what was ranked for it and how long it took."""

    question: LabelledQuestion
    answer: Answer
    ranked: tuple[Passage, ...]
    golds: tuple[tuple[str, int, int], ...]
    latency_ms: float
    verbatim: bool

    @property
    def right(self) -> bool:
        """A citation overlaps a labelled passage; or there is none, and nothing was answered."""
        if self.question.kind != ANSWERABLE:
            return not self.answer.answered
        return self.answer.answered and bool(overlap(self._cited, self.golds))

    @property
    def _cited(self) -> list[tuple[str, int, int]]:
        return [(c.document_id, c.start, c.end) for c in self.answer.citations]

    def row(self) -> dict[str, Any]:
        """A line of ``evaluation.parquet``; the first columns are those that every run has."""
        answerable = self.question.kind == ANSWERABLE
        sure = self.answer.confidence if self.answer.answered else 1.0 - self.answer.answerable
        pages = list(dict.fromkeys(p.document_id for p in self.ranked))
        wanted = {page for page, _, _ in self.golds}
        touched = [i for i, p in enumerate(self.ranked, 1) if overlap([(p.document_id, p.start, p.end)], self.golds)]
        return {
            "key": self.question.key,
            "fold": self.question.split or "all",
            "label": ANSWERED if answerable else REFUSED,
            "predicted": ANSWERED if self.answer.answered else REFUSED,
            "hit": self.right,
            "score": self.answer.answerable,
            "calibrated": sure,
            "label_probability": sure if self.right else 1.0 - sure,
            "label_rank": touched[0] if touched else len(self.ranked) + 1,
            "refused": not self.answer.answered,
            "out_of_scope": not answerable,
            "slice_kind": self.question.kind,
            "question": self.question.question,
            "answer": self.answer.text,
            "recall_at_5": recall(pages, wanted, 5),
            "passage_recall_at_5": self._passages_found(5),
            "ndcg_at_10": ndcg(pages, wanted, 10),
            "mrr": reciprocal_rank(pages, wanted),
            "span_overlap": overlap(self._cited, self.golds) if answerable and self.answer.answered else float("nan"),
            "first_overlap": (
                overlap(self._cited[:1], self.golds) if answerable and self.answer.answered else float("nan")
            ),
            "verbatim": self.verbatim,
            "citations": len(self.answer.citations),
            "stale_citations": sum(bool(c.stale) for c in self.answer.citations),
            "dropped_claims": len(self.answer.dropped),
            "latency_ms": self.latency_ms,
            "written_by": self.answer.written_by,
        }

    def _passages_found(self, k: int) -> float:
        if not self.golds:
            return float("nan")
        spans = [(p.document_id, p.start, p.end) for p in self.ranked[:k]]
        return float(all(overlap(spans, [gold]) for gold in self.golds))


def ask_all(
    base: KnowledgeBase,
    questions: Sequence[LabelledQuestion],
    *,
    tenant: str,
    role: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    **options: Any,
) -> list[Asked]:
    """Ask every question; ``options`` as of `answers.answer`.

    Raises
    ------
    NotReadyError
        There is an encoder, and a question was searched without it.
    """
    shelf = shelf_of(base, tenant)
    if shelf is not None:
        shelf.prepare(base.view(tenant, role).passages, progress)
    texts = {d.document_id: d.text for d in base.view(tenant, role).documents}
    found = []
    for place, question in enumerate(questions):
        if progress:
            progress("questions", place, len(questions))
        started = time.perf_counter()
        evidence = gather(base, question.question, tenant=tenant, role=role, shelf=shelf)
        if base.encoder is not None and evidence.search.note:
            raise NotReadyError(f"answers by words alone cannot be measured as others: {evidence.search.note}")
        given = answer(base, question.question, tenant=tenant, role=role, evidence=evidence, **options)
        took, ranked = (time.perf_counter() - started) * 1000, evidence.ranked
        verbatim = all(texts[c.document_id][c.start : c.end] == c.quote for c in given.citations)
        golds = tuple(spans_of(question.golds, texts))
        found.append(Asked(question, given, ranked, golds, took, verbatim))
    return found
