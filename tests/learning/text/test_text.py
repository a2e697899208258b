"""The light TF-IDF is scikit-learn's, n-gram by n-gram and number by number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.learning.text import TermBlock, TextVectors, blocks_from, char_ngrams, word_ngrams

ODD = [
    "", " ", "\t\n", "a", "I",
    "a b c", "İstanbul ǅ ß SS ﬁ", "naïve café — “quoted”", "漢字 かな 한국어", "emoji 🎉🎉 ok?",
    "x\u00a0y\u2003z\u0085w", "under_score don't e-mail 3.14 2026-01-01", "repeat repeat repeat " * 40,
    "e\u0301 vs é", "\u200bzero\u200bwidth", "ÅÄÖ åäö", "a" * 300, "!!! ??? ...",
]  # fmt: skip

ANALYZERS = [("word", 1, 2), ("word", 2, 3), ("char_wb", 2, 5), ("char_wb", 1, 3), ("char_wb", 5, 5)]


@pytest.mark.parametrize(("analyzer", "shortest", "longest"), ANALYZERS)
@given(text=st.text(max_size=60) | st.sampled_from(ODD))
def test_ngrams_equal_scikit_learn(analyzer, shortest, longest, text):
    expected = TfidfVectorizer(analyzer=analyzer, ngram_range=(shortest, longest)).build_analyzer()(text)
    ours = {"word": word_ngrams, "char_wb": char_ngrams}[analyzer](text.lower(), shortest, longest)
    assert sorted(ours) == sorted(expected)


@pytest.mark.parametrize(("analyzer", "shortest", "longest"), ANALYZERS)
def test_rows_equal_scikit_learn(analyzer, shortest, longest, texts):
    counter = TfidfVectorizer(analyzer=analyzer, ngram_range=(shortest, longest), min_df=2, sublinear_tf=True)
    counter.fit(texts["text"].tolist()[:1200] + ODD * 2)
    block = TermBlock(analyzer, shortest, longest, tuple(counter.get_feature_names_out().tolist()), counter.idf_)
    asked = texts["text"].tolist()[1200:1500] + ODD
    expected = counter.transform(asked).toarray()
    for text, row in zip(asked, expected):
        found = np.zeros(len(block.terms))
        at, values = block.vector(text)
        found[at] = values
        np.testing.assert_allclose(found, row, rtol=0, atol=1e-12)


def test_shares_of_origin_sum_to_one_and_name_words():
    words = TermBlock("word", 1, 2, ("card", "my card"), np.ones(2))
    chars = TermBlock("char_wb", 2, 3, (" c", "ca", "ar", "at"), np.ones(4))
    shares = TextVectors([words, chars]).origins("My card? cat")
    assert shares == {
        0: {"card": 1.0}, 1: {"my card": 1.0},
        2: {"card": 0.5, "cat": 0.5}, 3: {"card": 0.5, "cat": 0.5}, 4: {"card": 1.0}, 5: {"cat": 1.0},
    }  # fmt: skip


def test_blocks_stand_side_by_side():
    words = TermBlock("word", 1, 1, ("card", "lost"), np.array([1.0, 2.0]))
    chars = TermBlock("char_wb", 2, 2, ("lo",), np.array([3.0]))
    vectors = TextVectors([words, chars])
    at, values = vectors.row("lost")
    assert (vectors.size, at.tolist(), values.tolist()) == (3, [1, 2], [1.0, 1.0])
    assert vectors.row("nothing known")[0].tolist() == []


def test_what_is_no_vocabulary_is_refused():
    with pytest.raises(BadInputError):
        TermBlock("bytes", 1, 1, ("a",), np.ones(1))
    with pytest.raises(BadInputError):
        TermBlock("word", 1, 1, ("a",), np.ones(2))
    with pytest.raises(ArtifactError):
        blocks_from([{"analyzer": "word"}], [["a"]], [np.ones(1)])
