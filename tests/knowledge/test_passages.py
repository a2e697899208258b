import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.knowledge.documents import Document
from growthbench.knowledge.passages import LONGEST_SENTENCE_WORDS, TARGET_WORDS, cut

SENTENCE = "The planner sends twelve words to every customer of the house today. "


def document(text, **fields):
    return Document("d", "product_docs", "Title", text, **fields)


@given(st.text(alphabet="ab .!?\n#-|`é。", min_size=1, max_size=400).filter(str.strip))
def test_every_passage_is_its_span_and_spans_do_not_overlap(text):
    passages = cut(document(text))
    assert passages
    at = 0
    for passage in passages:
        assert passage.text == text[passage.start : passage.end]
        assert at <= passage.start < passage.end
        at = passage.end


def test_passages_keep_whole_sentences_and_near_the_target():
    passages = cut(document(SENTENCE * 60))
    assert all(p.text.startswith("The planner") and p.text.endswith("today.") for p in passages)
    assert all(40 <= len(p.text.split()) <= TARGET_WORDS for p in passages)
    assert sum(len(p.text.split()) for p in passages) == 60 * 12


def test_a_passage_knows_the_headings_it_stands_under():
    text = "\n\n".join(f"{heading}\n\n{SENTENCE * 5}" for heading in ("# Plans", "## Pro", "### Price", "## Free"))
    paths = [p.metadata["headings"] for p in cut(document(text))]
    assert paths == [["Plans"], ["Plans", "Pro"], ["Plans", "Pro", "Price"], ["Plans", "Free"]]


def test_a_hash_inside_a_fence_is_no_heading():
    text = f"# Real\n\n{SENTENCE * 4}\n\n```\n# only a comment\n{SENTENCE * 4}```\n"
    assert {tuple(p.metadata["headings"]) for p in cut(document(text))} == {("Real",)}


def test_short_sections_join_and_their_headings_stay_in_the_text():
    (passage,) = cut(document("# A\n\nOne line.\n\n# B\n\nAnother line."))
    assert passage.text == "One line.\n\n# B\n\nAnother line."


def test_a_text_without_capitals_is_still_cut():
    passages = cut(document("the wing was tested in a slipstream . " * 60))
    assert len(passages) > 3
    assert max(len(p.text.split()) for p in passages) <= LONGEST_SENTENCE_WORDS


def test_a_text_without_spaces_is_still_cut():
    assert max(len(p.text) for p in cut(document("漢" * 9_000))) <= LONGEST_SENTENCE_WORDS * 12


def test_ids_depend_on_the_document_and_not_on_the_run():
    first, second = (cut(document(f"# A\n\n{SENTENCE * 30}")) for _ in range(2))
    assert [p.passage_id for p in first] == [p.passage_id for p in second]
    assert len({p.passage_id for p in first}) == len(first) > 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": " \n "}, "holds no text"),
        ({"date": "March"}, "a day like"),
        ({"date": "2026-3-1"}, "a day like"),
        ({"roles": "lead"}, "a list of names"),
        ({"metadata": {"x": {1, 2}}}, "JSON values"),
        ({"text": "a\x00b"}, "NUL"),
    ],
)
def test_a_document_that_cannot_be_says_why(fields, message):
    with pytest.raises(BadInputError, match=message):
        Document(**({"document_id": "d", "collection": "product_docs", "title": "T", "text": "x"} | fields))


def test_a_collection_is_one_of_six():
    with pytest.raises(UnknownNameError, match="did you mean 'product_docs'"):
        Document("d", "product_doc", "T", "x")
