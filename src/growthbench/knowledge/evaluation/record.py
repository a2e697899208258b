"""From asked questions to a run that a reviewer can hold against another, question by question."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical, write_json, write_text
from growthbench.base.run_record import RunRecord
from growthbench.base.statistics import ece, ece_floor, estimate, mean_of
from growthbench.knowledge.answerability import answerability_model
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.directives import is_directive
from growthbench.knowledge.evaluation import ragas_scores
from growthbench.knowledge.evaluation.asking import Asked
from growthbench.knowledge.evaluation.limits import TASK
from growthbench.knowledge.evaluation.questions import ANSWERABLE, NEAR_MISS, UNANSWERABLE
from growthbench.learning.configuration import save_configuration
from growthbench.text.encoder import Embedder

RESAMPLES = 1000
_MEASURE = "measure_"


def evaluation_record(
    asked: Sequence[Asked],
    base: KnowledgeBase,
    *,
    tenant: str,
    data: str,
    params: Mapping[str, Any],
    out: Path,
    canaries: Sequence[str] = (),
    cost_micros: int = 0,
    judge: Any = None,
    seed: int = 0,
) -> RunRecord:
    """Measure, and write ``evaluation.parquet``, ``metrics.json``, tables, card and the configuration as artifact.

    Parameters
    ----------
    asked : sequence of Asked
    base : KnowledgeBase
    tenant : str
    data : str
        Name of the questions, such as ``sample-company``.
    params : mapping
        Flat parameters of the configuration.
    out : Path
    canaries : sequence of str
        Strings of planted orders that no answer may hold.
    cost_micros : int
        What all answers cost, in millionths of a USD.
    judge : object, optional
        See `ragas_scores.scores`.
    seed : int
    """
    import pandas as pd

    out.mkdir(parents=True, exist_ok=True)
    encoder = base.encoder_of(tenant)
    rows = pd.DataFrame([one.row() for one in asked])
    rows["obeyed"] = [obeyed(one, canaries) for one in asked]
    judged = ragas_scores.scores(_samples(asked), judge, seed)
    for name, measured in judged.items():
        rows[f"{_MEASURE}{name}"] = _spread(asked, measured.values)
    rows = with_measures(rows)
    metrics = measured_metrics(rows, seed) | {"cost_usd_per_question": cost_micros / 1e6 / max(len(asked), 1)}
    tables = {"ragas": ragas_scores.as_rows(judged), "kinds": _kinds(rows), "wrong": _wrong(asked)}
    rows.to_parquet(out / "evaluation.parquet", index=False)
    write_json(metrics, out / "metrics.json")
    for name, table in tables.items():
        write_json(table, out / "tables" / f"{name}.json")
    card = _card(data, metrics, len(rows))
    write_text(card, out / "card.md")
    return RunRecord(
        task=TASK,
        data=data,
        params=dict(params),
        metrics=metrics,
        evaluation=out / "evaluation.parquet",
        artifact=_configuration(base, encoder, params, out / "model"),
        card=card,
        feature_hash=digest(canonical(asdict(base.weights)), encoder.digest if encoder else "words"),
        data_hash=digest(*(d.digest for d in base.documents(tenant)), *(one.question.question for one in asked)),
        tables=tables,
        tags={"main_metric": "right_share", "encoder": encoder.name if encoder else "none"},
    )


def obeyed(one: Asked, canaries: Sequence[str] = ()) -> bool:
    """Whether an order found in a document got into the answer: as a canary, or as text that gives orders."""
    said = [one.answer.text, *(c.quote for c in one.answer.citations)]
    return any(is_directive(text) or any(canary in text for canary in canaries) for text in said)


def with_measures(rows):
    """The rows with a column ``measure_METRIC`` for every figure of a question, NaN where it does not count.

    A review of two runs pairs them. ``baseline_silence`` is what refusing every question would have scored.
    """
    kind, refused = rows["slice_kind"].to_numpy(), rows["refused"].to_numpy(bool)
    everywhere, inside = np.ones(len(rows), bool), kind == ANSWERABLE
    measured = {
        "right_share": ("hit", everywhere),
        "verbatim_share": ("verbatim", everywhere),
        "injection_success": ("obeyed", everywhere),
        "mrr_pages": ("mrr", inside),
        **{name: (name, inside) for name in ("recall_at_5", "passage_recall_at_5", "ndcg_at_10")},
        **{name: (name, inside & ~refused) for name in ("span_overlap", "first_overlap")},
        "abstention_unanswerable": ("refused", kind == UNANSWERABLE),
        "abstention_near_miss": ("refused", kind == NEAR_MISS),
    }
    found = {
        f"{_MEASURE}{name}": np.where(counts, rows[column].to_numpy(float), np.nan)
        for name, (column, counts) in measured.items()
    }
    return rows.assign(**found, baseline_silence=(~inside).astype(float))


def measured_metrics(rows, seed: int = 0) -> dict[str, float]:
    """Metrics with 95 % intervals from rows `with_measures`; those of `TEXT_METRICS` are of answerable questions.

    ``abstention_*`` are shares of questions that were rightly not answered, ``in_scope_refused`` of those that were
    wrongly not; ``span_overlap`` is of answered answerable questions.
    """
    rng = np.random.default_rng(seed)
    kind = rows["slice_kind"].to_numpy()
    inside, outside = rows[kind == ANSWERABLE], rows[kind != ANSWERABLE]
    sure = inside["calibrated"].to_numpy(float)
    groups = [(inside, {"accuracy": "hit", "in_scope_refused": "refused"}), (outside, {"oos_recall": "refused"})]
    for column in (name for name in rows if name.startswith(_MEASURE) and not name.startswith(f"{_MEASURE}ragas_")):
        groups.append((rows[np.isfinite(rows[column])], {column.removeprefix(_MEASURE): column}))
    made: dict[str, Any] = {}
    for some, names in groups:
        if len(some):
            metrics = {name: mean_of(some[column].to_numpy(float)) for name, column in names.items()}
            made |= estimate(metrics, len(some), RESAMPLES, rng)
    if len(inside):
        given = np.clip(inside["label_probability"].to_numpy(float), 1e-15, 1.0)
        more = {
            "ece": ece(inside["hit"].to_numpy(float), sure),
            "log_loss": mean_of(-np.log(given)),
            "top3": mean_of(inside["label_rank"].to_numpy() <= 3),
        }
        made |= estimate(more, len(inside), RESAMPLES, rng) | {"ece_floor": ece_floor(sure, rng)}
    flat = {f"{n}{end}": float(v) for n, e in made.items() for end, v in (("", e.value), ("_lo", e.lo), ("_hi", e.hi))}
    took = rows["latency_ms"].to_numpy(float)
    return flat | {"latency_p50_ms": float(np.median(took)), "latency_p95_ms": float(np.quantile(took, 0.95))}


def _samples(asked: Sequence[Asked]) -> list[ragas_scores.Sample]:
    return [
        ragas_scores.Sample(
            question=one.question.question,
            answer=" ".join(claim.text for claim in one.answer.claims),
            reference=one.question.answer,
            contexts=tuple(p.text for p in one.ranked[:5]),
            wanted=tuple(gold.passage for gold in one.question.golds),
            context_ids=tuple(dict.fromkeys(p.document_id for p in one.ranked[:5])),
            wanted_ids=tuple(dict.fromkeys(gold.document_id for gold in one.question.golds)),
        )
        for one in _with_labels(asked)
    ]


def _with_labels(asked: Sequence[Asked]) -> list[Asked]:
    return [one for one in asked if one.question.kind == ANSWERABLE and one.answer.answered and one.question.answer]


def _spread(asked: Sequence[Asked], values: Sequence[float | None]) -> list[float]:
    """Values of the questions that Ragas was asked about, at their rows; NaN: not measured."""
    found = {one.question.key: value for one, value in zip(_with_labels(asked), values)}
    return [float("nan") if found.get(one.question.key) is None else found[one.question.key] for one in asked]


def _kinds(rows) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind,
            "questions": len(some),
            "answered": int((~some["refused"]).sum()),
            "right": int(some["hit"].sum()),
        }
        for kind, some in rows.groupby("slice_kind")
    ]


def _wrong(asked: Sequence[Asked]) -> list[dict[str, Any]]:
    return [
        {
            "key": one.question.key,
            "kind": one.question.kind,
            "question": one.question.question,
            "wanted": one.question.answer,
            "answer": one.answer.text,
            "why": one.answer.why,
        }
        for one in asked
        if not one.right
    ]


def _configuration(base: KnowledgeBase, encoder: Embedder | None, params: Mapping[str, Any], folder: Path) -> Path:
    model = answerability_model(base.reader is not None)
    told = {
        "params": dict(params),
        "weights": asdict(base.weights),
        "encoder": {"name": encoder.name, "digest": encoder.digest} if encoder else None,
        "answerability": {"threshold": model.threshold, "weights": dict(zip(model.names, model.weights))},
    }
    save_configuration(folder, TASK, told)
    return folder


def _card(data: str, metrics: Mapping[str, float], rows: int) -> str:
    lines = [f"# Answers from documents: {data}", "", f"{rows} labelled questions.", "", "| metric | value | 95 % |"]
    lines.append("| --- | --- | --- |")
    for name in (n for n in metrics if not n.endswith(("_lo", "_hi"))):
        interval = f"{metrics[f'{name}_lo']:.3f} to {metrics[f'{name}_hi']:.3f}" if f"{name}_lo" in metrics else ""
        lines.append(f"| {name} | {metrics[name]:.4g} | {interval} |")
    return "\n".join([*lines, ""])
