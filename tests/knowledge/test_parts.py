"""Words, fusion, variety and filters by themselves."""

import math
from datetime import date

import numpy as np
import pytest

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.knowledge.best_sentence import met
from growthbench.knowledge.bm25 import K1, B, WordIndex
from growthbench.knowledge.dense import best_of, document_vectors
from growthbench.knowledge.filters import Filters, read_filters
from growthbench.knowledge.fusion import best, fused, smoothed, z_scores
from growthbench.knowledge.mmr import varied
from growthbench.knowledge.rerank import max_sim
from growthbench.knowledge.token_vectors import Tokens
from growthbench.text.encoder import TokenVectors

TEXTS = [["pro", "plan", "plan"], ["free", "plan"], ["board"], ["card", "board", "column", "row"]]


def test_bm25_is_the_formula_written_by_hand():
    index, query = WordIndex(TEXTS), ["plan", "board", "zebra"]
    mean = sum(map(len, TEXTS)) / len(TEXTS)

    def idf(word):
        count = sum(word in text for text in TEXTS)
        return math.log(1 + (len(TEXTS) - count + 0.5) / (count + 0.5))

    expected = [
        sum(idf(w) * t.count(w) / (t.count(w) + K1 * (1 - B + B * len(t) / mean)) for w in query) for t in TEXTS
    ]
    np.testing.assert_allclose(index.scores(query), expected, rtol=1e-5)
    assert index.ceiling(query) == pytest.approx(sum(map(idf, query)))
    assert index.scores(["zebra"]).tolist() == [0, 0, 0, 0]
    assert WordIndex([]).scores(["plan"]).shape == (0,)


def test_z_scores_and_their_fusion():
    assert z_scores(np.array([2.0, 2.0])).tolist() == [0, 0]
    words, dense = np.array([1.0, 0, 0, 0]), np.array([0, 1.0, 0, 0])
    assert best(fused(words, dense, 0.7), 2).tolist() == [1, 0]
    assert best(fused(words, dense, 0.3), 2).tolist() == [0, 1]


def test_smoothing_lifts_what_stands_among_good_ones_and_keeps_the_rest_below():
    vectors = np.zeros((30, 20), np.float32)
    vectors[:5, 0] = 1
    vectors[5:10, 1] = 1
    vectors[10:, 2] = 1
    scores = np.r_[[3.0, 2.9, 2.9, 2.9, 1.95], [2.0], np.linspace(1.0, 0, 24)]
    moved = smoothed(scores, vectors, share=0.5, neighbours=4, depth=10)
    assert moved[4] > moved[5]
    assert set(best(moved, 10)) == set(range(10))
    assert np.array_equal(smoothed(scores, vectors, share=0), scores)


def test_best_breaks_ties_in_order():
    assert best(np.zeros(9), 4).tolist() == [0, 1, 2, 3]
    assert best(np.array([1.0, 2.0]), 5).tolist() == [1, 0]


def test_a_document_is_the_mean_of_its_passages_and_scores_as_its_best():
    passages, owner = np.eye(3, dtype=np.float32), np.array([0, 0, 1])
    np.testing.assert_allclose(document_vectors(passages, owner, 2)[0], [0.5**0.5, 0.5**0.5, 0])
    assert best_of(np.array([0.1, 0.4, 0.2], np.float32), owner, 2).tolist() == pytest.approx([0.4, 0.2])


def test_variety_passes_over_the_twin():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    scores = np.array([1.0, 0.9, 0.0])
    assert varied(scores, vectors, 2, relevance=0.4) == [0, 2]
    assert varied(scores, vectors, 3, relevance=1.0) == [0, 1, 2]
    assert varied(np.zeros(0), np.zeros((0, 2)), 3) == []


def test_max_sim_is_the_mean_of_the_nearest():
    eye = np.eye(3, dtype=np.float32)
    assert max_sim(eye[:2] @ eye[1:].T) == pytest.approx(0.5)
    assert max_sim(eye[:2] @ eye[:0].T) == 0


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What do the pricing pages since March 2026 say?", Filters((), "2026-03-01", None, {"subject": "pricing"})),
        ("refund rules in the product docs before 2025", Filters(("product_docs",), None, "2024-12-31")),
        ("campaign reports from Q1 2026 to Q2 2026: best?", Filters(("campaign_history",), "2026-01-01", "2026-06-30")),
        ("What did documents of the last 2 weeks say about churn?", Filters((), "2026-11-07")),
        ("documents after 2026-02-28 on churn", Filters((), "2026-03-01")),
    ],
)  # fmt: skip
def test_filters_are_read_out_of_plain_wordings(question, expected):
    rest, found = read_filters(question, ["pricing", "refunds"], today=date(2026, 11, 21))
    assert found == expected
    assert "since" not in rest
    assert rest.strip()


@pytest.mark.parametrize(
    "question",
    [
        "How many workspaces used automation in 2026?",
        "Has the price of Pro changed since March 2026?",
        "What does the pricing say about yearly contracts?",
        "Which campaign had the most signups before the summer?",
    ],
)
def test_what_is_part_of_the_question_stays_part_of_it(question):
    assert read_filters(question, ["pricing"]) == (question, Filters())


def test_filters_that_cannot_be_say_why():
    with pytest.raises(UnknownNameError, match="collection"):
        Filters(("docs",))
    with pytest.raises(BadInputError, match="a day like"):
        Filters.of({"since": "March"})
    with pytest.raises(BadInputError, match="must be an object"):
        Filters.of("product_docs")


def test_what_a_question_meets_in_each_of_several_texts():
    def tokens(*rows):
        rounded = (np.array(rows) * 127).astype(np.int8)
        return Tokens(rounded, np.full((len(rows), 1), np.float32(1 / 127)), np.zeros((len(rows), 2), np.int32))

    asked = TokenVectors(np.array([[1, 0], [0, 1]], np.float32), ((0, 1), (2, 3)))
    similar = met(asked, [tokens([1, 0]), tokens([0, 1], [1, 0], [0, 1])])
    assert [one.shape for one in similar] == [(2, 1), (2, 3)]
    assert [max_sim(one) for one in similar] == pytest.approx([0.5, 1.0], abs=0.01)
