import pytest

pytest.importorskip("llama_index.core")

from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter

from growthbench.base.errors import BadInputError
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.knowledge.llama import PassageParser, Retriever, from_llama, pipeline_cut, to_llama
from growthbench.knowledge.passages import cut
from growthbench.store.engine import open_store
from tests.knowledge.letters import Letters

TEXT = (
    "# Plans\n\n" + "The Pro plan costs EUR 199 a month. " * 30 + "\n\n## Free\n\n" + "Free costs nothing at all. " * 20
)
DOCUMENT = Document("plans", "product_docs", "Plans", TEXT, "a", "2026-01-01", ("lead",), {"subject": "pricing"})


def test_a_document_goes_there_and_back():
    assert from_llama(to_llama(DOCUMENT)) == DOCUMENT
    with pytest.raises(BadInputError, match="unknown collection"):
        from_llama(type(to_llama(DOCUMENT))(id_="x", text="y"))


def test_our_cut_is_a_transformation_of_their_pipeline():
    nodes = IngestionPipeline(transformations=[PassageParser()], disable_cache=True).run(documents=[to_llama(DOCUMENT)])
    assert [(n.id_, n.text, n.start_char_idx) for n in nodes] == [
        (p.passage_id, p.text, p.start) for p in cut(DOCUMENT)
    ]


def test_their_splitter_cuts_for_us_and_our_search_is_their_retriever():
    splitter = SentenceSplitter(
        chunk_size=60,
        chunk_overlap=0,
        chunking_tokenizer_fn=lambda text: text.splitlines(keepends=True),
        tokenizer=str.split,
        include_metadata=False,
    )
    with open_store("sqlite://") as store:
        base = KnowledgeBase(store, Letters(), cutting=pipeline_cut([splitter]), rules="llama-60")
        base.ingest([DOCUMENT], "t", progress=False)
        nodes = Retriever(base, "t", role="lead", k=2).retrieve("What is free?")
        assert len(nodes) == 2
        assert all(n.node.text == TEXT[n.node.start_char_idx : n.node.end_char_idx] for n in nodes)
        assert nodes[0].node.metadata["document_id"] == "plans"
        assert Retriever(base, "t").retrieve("What is free?") == []
