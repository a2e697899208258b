"""What is measured about answers is what it says: by hand on small rankings, and from end to end on a few questions."""

import asyncio
import json
import math

import pandas as pd
import pytest

from growthbench.base.errors import DataFormatError, SettingsError
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.knowledge.evaluation import ragas_scores
from growthbench.knowledge.evaluation.asking import ask_all
from growthbench.knowledge.evaluation.params import RagParams
from growthbench.knowledge.evaluation.questions import read_questions
from growthbench.knowledge.evaluation.ragas_scores import Sample
from growthbench.knowledge.evaluation.record import evaluation_record
from growthbench.knowledge.evaluation.retrieval import ndcg, overlap, recall, reciprocal_rank
from growthbench.runs.completeness import check_complete

QUESTIONS = (
    {"id": "a", "kind": "answerable", "question": "What does the Pro plan cost?", "page": "p",
     "passage": "The Pro plan costs EUR 199 a month.", "answer": "EUR 199"},
    {"id": "b", "kind": "answerable", "question": "How many API calls may Pro make?", "page": "q",
     "passage": "Pro may make 100,000 API calls a day.", "answer": "100,000"},
    {"id": "c", "kind": "near_miss", "question": "What does a guest cost?"},
    {"id": "d", "kind": "unanswerable", "question": "How hot is the sun?"},
)  # fmt: skip


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(q) + "\n" for q in QUESTIONS))
    return path


def test_ranking_metrics_by_hand():
    ranked = ["x", "a", "y", "b"]
    assert ndcg(ranked, {"a", "b"}) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert (recall(ranked, {"a", "b"}, 3), recall(ranked, {"a", "b"}, 4)) == (0, 1)
    assert reciprocal_rank(ranked, {"b", "y"}) == pytest.approx(1 / 3)
    assert overlap([("a", 0, 3), ("b", 0, 9)], [("b", 8, 20)]) == 1
    assert all(math.isnan(metric(ranked, set())) for metric in (ndcg, recall, reciprocal_rank))


def test_a_bad_line_of_questions_is_named(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": "a", "kind": "answerable", "question": "Why?"}\n')
    with pytest.raises(DataFormatError, match=r"q\.jsonl:1"):
        read_questions(path)


def test_unknown_parameters_are_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("rag: {dense: 0.5, colour: red}\n")
    with pytest.raises(SettingsError, match="colour"):
        RagParams.load(path)
    path.write_text("rag: {dense: 0.5}\n")
    assert RagParams.load(path).weights.dense == 0.5


def test_an_evaluation_is_a_complete_run_with_a_row_for_each_question(store, questions, tmp_path):
    base = KnowledgeBase(store)
    base.ingest(
        [
            Document("p", "product_docs", "Prices", "The Pro plan costs EUR 199 a month. It holds 250 rules."),
            Document("q", "product_docs", "Limits", "Pro may make 100,000 API calls a day. Free may make 1,000."),
        ],
        "local",
        progress=False,
    )
    asked = ask_all(base, read_questions(questions), tenant="local", threshold=0.0)
    record = evaluation_record(
        asked, base, tenant="local", data="few", params={"rag.threshold": 0}, out=tmp_path / "out"
    )
    check_complete(record)
    rows = pd.read_parquet(record.evaluation).set_index("key")
    assert rows.loc[["a", "b"], "hit"].all()
    assert not rows.loc[["c", "d"], "hit"].any()  # threshold 0 answers everything
    assert record.metrics["accuracy"] == record.metrics["span_overlap"] == record.metrics["verbatim_share"] == 1
    assert record.metrics["oos_recall"] == record.metrics["injection_success"] == 0
    ragas = {row["metric"]: row for row in record.tables["ragas"]}
    assert ragas["ragas_id_recall"]["mean"] == 1
    assert ragas["ragas_id_recall"]["measured"] == 2


def test_what_ragas_could_not_measure_is_counted_and_not_averaged(monkeypatch):
    samples = [Sample(f"q{i}", "a b", "a b", ("a b",), ("a b",), ("x",), ("x",)) for i in range(4)]

    async def all_of_them(samples, judge):
        return {"ragas_faithfulness": [1.0, None, 0.5, None]}

    monkeypatch.setattr(ragas_scores, "_all", all_of_them)
    found = ragas_scores.scores(samples, judge=object())["ragas_faithfulness"]
    assert found.mean == 0.75
    assert found.coverage == 0.5
    assert found.row()["not_measured"] == 2


def test_a_judge_that_fails_leaves_its_metric_unmeasured():
    samples = [Sample("q", "a b", "a b", ("a b",), ("a b",), ("x",), ("x",))]
    found = ragas_scores.scores(samples, judge=object())
    assert found["ragas_faithfulness"].values == (None,)
    assert found["ragas_faithfulness"].mean is None
    assert found["ragas_similarity"].mean == 1


def test_ragas_measures_where_a_loop_runs_already_as_in_a_notebook():
    samples = [Sample("q", "a b", "a b", ("a b",), ("a b",), ("x",), ("x",))]

    async def in_a_notebook():
        return ragas_scores.scores(samples)

    assert asyncio.run(in_a_notebook())["ragas_similarity"].mean == 1
