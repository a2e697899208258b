import pytest

from growthbench.base.errors import BadInputError
from growthbench.datasets import load, load_collection
from growthbench.datasets.collections import _smart
from growthbench.datasets.registry import Entry

READ = {"format": "smart", "documents": "d", "questions": "q", "judgements": "j"}


def test_records_of_the_smart_system():
    contents = {
        "d": b".I 1\r\n.T\r\nbig wings\r\n.W\r\nbig\r\nwings\r\n  they fly .\r\n"
        b".I 2\n.T\n.W\n.I 3\n.T \nnoise\n.W\nloud\n",
        "q": b".I 007\n.W\nwhat flies\n.I 009\n.W\nnot judged\n",
        "j": b"1 1 2\n1 3 -1\n",
    }
    pages, questions = _smart(Entry("x", "retrieval", "a", "o", "l", 1, 1, read=READ), contents)
    assert [(p.page_id, p.title, p.text) for p in pages] == [("1", "big wings", "they fly ."), ("3", "noise", "loud")]
    assert [(q.question_id, q.text, set(q.relevant)) for q in questions] == [("1", "what flies", {"1"})]


def test_a_collection_is_no_table_nor_the_other_way_round(tmp_path):
    with pytest.raises(BadInputError, match="load_collection"):
        load("cranfield", tmp_path)
    with pytest.raises(BadInputError, match="not a retrieval collection"):
        load_collection("telco-churn", tmp_path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "pages", "questions", "judged"),
    [("cranfield", 1_398, 225, 1_612), ("cisi", 1_460, 76, 3_114), ("docs-mautic", 128, 125, 104)],
)
def test_collections_have_the_published_counts(data_home, name, pages, questions, judged):
    found = load_collection(name, data_home)
    assert (len(found.pages), len(found.questions)) == (pages, questions)
    assert sum(len(q.relevant) for q in found.questions) == judged
    texts = {p.page_id: p.text for p in found.pages}
    assert all(passage in texts[page] for q in found.questions for page, passage in q.passages)
    missing = {page for q in found.questions for page in q.relevant} - set(texts)
    assert missing <= {"471", "995"}  # judged relevant, yet without a text: nobody can find them
