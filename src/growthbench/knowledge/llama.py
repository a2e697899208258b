"""LlamaIndex on both ends: its readers and node parsers bring documents in, its programs use our search.

Imported only by whoever wants it: llama_index takes two seconds to import.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import Document as LlamaDocument
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode, TransformComponent

from growthbench.base.errors import BadInputError
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.knowledge.passages import Passage, cut, passage_of


class Retriever(BaseRetriever):
    """Our search as a LlamaIndex retriever: query engines, routers and workflows take it as theirs.

    Parameters
    ----------
    base : KnowledgeBase
    tenant : str
    role : str, optional
    k : int, default 10
    **chosen
        Further arguments of `KnowledgeBase.search`: ``filters``, ``variety`` ...
    """

    def __init__(self, base: KnowledgeBase, tenant: str, role: str | None = None, k: int = 10, **chosen: Any):
        super().__init__()
        self.base, self.tenant, self.role, self.k, self.chosen = base, tenant, role, k, chosen

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self.base.search(query_bundle.query_str, tenant=self.tenant, role=self.role, k=self.k, **self.chosen)
        return [NodeWithScore(node=node_of(hit.passage), score=hit.score) for hit in found.hits]


class PassageParser(TransformComponent):
    """Our way to cut documents, as a transformation of an `IngestionPipeline`."""

    def __call__(self, nodes: Sequence[LlamaDocument], **kwargs: Any) -> list[TextNode]:
        return [node_of(passage) for node in nodes for passage in cut(from_llama(node))]


def pipeline_cut(transformations: Sequence[TransformComponent]) -> Callable[[Document], list[Passage]]:
    """A way to cut documents for `KnowledgeBase` made of LlamaIndex transformations, such as a node parser.

    Every node must be a span of its document (``start_char_idx``, ``end_char_idx``): citations are held against it.

    Raises
    ------
    BadInputError
        While cutting: a node is no span of its document.
    """
    pipeline = IngestionPipeline(transformations=list(transformations), disable_cache=True)

    def cutting(document: Document) -> list[Passage]:
        nodes = pipeline.run(documents=[to_llama(document)], show_progress=False)
        return [_passage(document, node) for node in nodes if node.get_content().strip()]

    return cutting


def node_of(passage: Passage) -> TextNode:
    """A passage as a node; its document's id and everything a citation needs are in the metadata."""
    told = {"document_id": passage.document_id, "title": passage.title, "collection": passage.collection}
    told |= {"date": passage.date, "roles": list(passage.roles)} | passage.metadata
    return TextNode(
        id_=passage.passage_id,
        text=passage.text,
        start_char_idx=passage.start,
        end_char_idx=passage.end,
        metadata=told,
        excluded_embed_metadata_keys=list(told),
        excluded_llm_metadata_keys=[key for key in told if key not in ("title", "date")],
    )


def to_llama(document: Document) -> LlamaDocument:
    """A document as LlamaIndex has it."""
    told = {name: getattr(document, name) for name in ("collection", "title", "source", "date")}
    told |= {"roles": list(document.roles), "metadata": document.metadata}
    return LlamaDocument(
        id_=document.document_id,
        text=document.text,
        metadata=told,
        excluded_embed_metadata_keys=list(told),
        excluded_llm_metadata_keys=list(told),
    )


def from_llama(found: LlamaDocument, collection: str | None = None) -> Document:
    """What any LlamaIndex reader made, as a document; its metadata may name ``collection title date roles source``.

    Raises
    ------
    BadInputError
        It belongs to no collection, or its metadata cannot be kept.
    """
    told = dict(found.metadata)
    own = {name: told.pop(name, None) for name in ("collection", "title", "source", "date", "roles", "metadata")}
    return Document(
        document_id=found.id_,
        collection=own["collection"] or collection or "",
        title=str(own["title"] or told.get("file_name") or found.id_),
        text=found.text,
        source=str(own["source"] or told.get("file_path") or ""),
        date=own["date"],
        roles=tuple(own["roles"] or ()),
        metadata=told | (own["metadata"] or {}),
    )


def _passage(document: Document, node: TextNode) -> Passage:
    start, end = node.start_char_idx, node.end_char_idx
    if start is None or end is None or document.text[start:end] != node.text:
        raise BadInputError(
            f"a node of {document.document_id!r} is no span of its text ({start} to {end}): "
            "use a node parser that keeps start_char_idx and end_char_idx and does not change the text",
            field="transformations",
        )
    return passage_of(document, start, end, tuple(node.metadata.get("headings", ())))
