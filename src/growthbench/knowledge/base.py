"""The knowledge base: documents in, passages out, one tenant never sees another's."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import BadInputError
from growthbench.knowledge import kept
from growthbench.knowledge.completing import complete
from growthbench.knowledge.corpora import Corpora, steadily
from growthbench.knowledge.corpus import View
from growthbench.knowledge.documents import Document
from growthbench.knowledge.filters import Filters, read_filters
from growthbench.knowledge.fusion import best
from growthbench.knowledge.ingesting import RULES, Cut, Ingest, Ingested, sources_of
from growthbench.knowledge.mmr import FETCH, varied
from growthbench.knowledge.passages import Passage, cut
from growthbench.knowledge.questions import Read, read_question
from growthbench.knowledge.rerank import max_sim, order
from growthbench.knowledge.search import Hit, Search, Weights, admitted, facts_of, hits_of, score
from growthbench.store.engine import Store
from growthbench.text.encoder import Embedder, EmbeddersOfTenants, Encoder, TokenVectors

if TYPE_CHECKING:
    from growthbench.knowledge.evaluation.params import RagParams

LONGEST_QUESTION = 4_000
MOST_HITS = 200
_TOKENS_KEPT = 256

WITHOUT_ENCODER = "words alone: no encoder is installed"
WITHOUT_VECTORS = "words alone: some passages have no vector of this encoder yet; ingest them again"


class KnowledgeBase:
    """What the documents say. Safe to use from several threads.

    Parameters
    ----------
    store : Store
    encoder : Encoder, Embedder or EmbeddersOfTenants, optional
        Who makes the vectors of passages and questions. Without one, words alone are searched, and every result says
        so. Another one than last time embeds at the next ingest; what was embedded with the old one stays beside it.
    reader : Encoder, optional
        Who reads tokens: a provider's model (`language.Embeddings`) tells none. Default: ``encoder``, if it can.
    weights : Weights, optional
    served : callable, optional
        From a tenant to the parameters that its questions are answered with, see `served.ServedParams`; they go before
        ``weights``.
    cutting : callable, optional
        From a document to its passages, such as `llama.pipeline_cut`; with ``rules``, a name that changes when it does.

    Examples
    --------
    >>> from growthbench.store.engine import open_store
    >>> base = KnowledgeBase(open_store("sqlite://"))
    >>> note = Document("prices", "product_docs", "Prices", "The Pro plan costs EUR 199 a month.")
    >>> base.ingest([note], "local", progress=False).new
    1
    >>> base.search("What does Pro cost?", tenant="local").hits[0].passage.text
    'The Pro plan costs EUR 199 a month.'
    """

    def __init__(
        self,
        store: Store,
        encoder: Embedder | EmbeddersOfTenants | None = None,
        *,
        reader: Encoder | None = None,
        weights: Weights | None = None,
        served: Callable[[str], "RagParams"] | None = None,
        cutting: Cut = cut,
        rules: str = RULES,
    ):
        self._served = served
        self.store, self.encoder, self.weights = store, encoder, weights or Weights()
        self.reader = encoder if reader is None and isinstance(encoder, Encoder) else reader
        self.cutting, self.rules = cutting, rules
        self._corpora = Corpora(store, self.encoder_of)
        self._tokens: OrderedDict[str, TokenVectors] = OrderedDict()
        self._lock = threading.Lock()

    def ingest(
        self,
        documents: Iterable[Document] | str | os.PathLike,
        tenant: str,
        *,
        progress: bool = True,
        collection: str | None = None,
    ) -> Ingested:
        """Bring documents in: new and changed ones are cut and embedded, one transaction each.

        Parameters
        ----------
        documents : documents, or path of a file or folder
            A folder is taken as a whole: what it no longer holds is removed.
        tenant : str
        progress : bool, default True
            Draw a progress bar.
        collection : str, optional
            For files that do not say to which one they belong.

        Returns
        -------
        Ingested
        """
        sources, origin = sources_of(documents, collection)
        encoder = self.encoder_of(tenant)
        return Ingest(self.store, encoder, tenant, self.cutting, self.rules).run(sources, origin, progress)

    def complete(self, tenant: str, *, progress: bool = True) -> Ingested:
        """Embed what is in the store and has no vector of this encoder: after a provider was away, or another is set.

        Returns
        -------
        Ingested
            ``embedded``, and ``fault`` if it could not be done.
        """
        return complete(self.store, self.encoder_of(tenant), tenant, progress)

    def encoder_of(self, tenant: str) -> Embedder | None:
        """Who makes vectors for a tenant."""
        if not isinstance(self.encoder, EmbeddersOfTenants):
            return self.encoder
        bound = self.encoder.of(tenant)
        if bound.dims is None:
            with self.store.reading() as connection:
                if (dims := kept.dims_of(connection, tenant, bound.name)) is not None:
                    bound.remember(dims)
        return bound

    def remove(self, tenant: str, document_id: str) -> int:
        """Take a document out; returns the new version."""
        return kept.remove(self.store, tenant, document_id)

    def version(self, tenant: str) -> int:
        """Moves with every change of a tenant's documents."""
        with self.store.reading() as connection:
            return kept.version_of(connection, tenant)

    def document(self, tenant: str, document_id: str) -> Document:
        """One document, whoever may read it: the caller checks `Document.roles`.

        Raises
        ------
        NotFoundError
        """
        with self.store.reading() as connection:
            return kept.load_document(connection, tenant, document_id)

    def documents(self, tenant: str, role: str | None = None) -> list[Document]:
        """Documents that a role may see, by id."""
        return list(self.view(tenant, role).documents)

    def parent(self, tenant: str, passage: Passage) -> Document:
        """The whole document of a passage."""
        return self.document(tenant, passage.document_id)

    def weights_of(self, tenant: str) -> Weights:
        """What a tenant's documents are searched with."""
        return self.weights if self._served is None else self._served(tenant).weights

    def threshold_of(self, tenant: str) -> float | None:
        """Probability below which a tenant's questions are not answered; None: the calibrated one."""
        return None if self._served is None else self._served(tenant).threshold

    def search(
        self,
        question: str,
        *,
        tenant: str,
        role: str | None = None,
        collections: Sequence[str] | None = None,
        filters: Filters | Mapping[str, Any] | None = None,
        k: int = 10,
        variety: bool = False,
        rerank: int = 0,
        self_query: bool = False,
        today: date | None = None,
    ) -> Search:
        """Passages that may answer a question, the best first.

        Parameters
        ----------
        question : str
        tenant : str
        role : str, optional
            Who asks. Documents with roles are seen by these roles only; without a role, none of them is.
        collections : sequence of str, optional
            As in `filters`.
        filters : Filters or object, optional
            ``collections since until`` and metadata names; they choose among what the caller may see.
        k : int, default 10
        variety : bool, default False
            Choose k unlike passages of the best 50 (MMR): for showing, not for ranking.
        rerank : int, default 0
            Look at so many of the best again, token by token; about 10 ms for each that was not looked at lately.
        self_query : bool, default False
            Read filters out of the question itself: "pricing pages since March 2026".
        today : datetime.date, optional
            For ``self_query``.

        Returns
        -------
        Search
        """
        _check(question, k)
        chosen = Filters.of(filters, collections)

        def once() -> Search:
            view = self.view(tenant, role)
            if self_query and not chosen:
                return self._search(view, tenant, *read_filters(question, view.subjects, today), k, variety, rerank)
            return self._search(view, tenant, question, chosen, k, variety, rerank)

        return steadily(once)

    def _search(
        self, view: View, tenant: str, question: str, chosen: Filters, k: int, variety: bool, rerank: int
    ) -> Search:
        read = self._read(view, question, tenant)
        scores, places = score(view, question, read.vector, self.weights_of(tenant)), admitted(view, chosen)
        taken = places[best(scores.passage[places], max(k, rerank, FETCH if variety else 0))]
        if rerank > 1 and read.tokens is not None:
            taken = self._reranked(read.tokens, view, scores.passage, taken, rerank)
        if variety and view.vectors is not None:
            taken = taken[varied(scores.passage[taken], view.vectors.rows(taken), k)]
        return Search(
            question=question,
            method=scores.method,
            hits=hits_of(view, scores, taken[:k]),
            facts=facts_of(view, scores, places),
            filters=chosen,
            version=view.version,
            note=read.note or self._note(view),
            tokens=read.tokens,
        )

    def rank_documents(
        self, question: str, *, tenant: str, role: str | None = None, k: int = 10
    ) -> list[tuple[str, float]]:
        """Ids and scores of the best documents, the best first."""
        _check(question, k)

        def once() -> list[tuple[str, float]]:
            view = self.view(tenant, role)
            found = score(view, question, self._read(view, question, tenant).vector, self.weights_of(tenant)).document
            return [(view.documents[i].document_id, float(found[i])) for i in best(found, k)]

        return steadily(once)

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Contextual token vectors of texts; those of the last few hundred are remembered.

        Raises
        ------
        BadInputError
            There is no encoder that reads tokens.
        """
        if self.reader is None:
            raise BadInputError(f"no token vectors: {WITHOUT_ENCODER}", field="encoder")
        with self._lock:
            known = {text: self._tokens[text] for text in texts if text in self._tokens}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known |= dict(zip(new, self.reader.token_vectors(new))) if new else {}
        with self._lock:
            for text in known:
                self._tokens[text] = known[text]
                self._tokens.move_to_end(text)
            while len(self._tokens) > _TOKENS_KEPT:
                self._tokens.popitem(last=False)
        return [known[text] for text in texts]

    def view(self, tenant: str, role: str | None = None) -> View:
        """What a role of a tenant may see, at the newest version."""
        return self._corpora.of(tenant).view(role)

    def _read(self, view: View, question: str, tenant: str) -> Read:
        if self.encoder is None or view.vectors is None:
            return Read()
        return read_question(self.encoder_of(tenant), self.reader, question)

    def _note(self, view: View) -> str:
        if self.encoder is None:
            return WITHOUT_ENCODER
        return "" if view.vectors is not None or not view.passages else WITHOUT_VECTORS

    def _reranked(
        self, asked: TokenVectors, view: View, scores: np.ndarray, taken: np.ndarray, count: int
    ) -> np.ndarray:
        some = taken[:count]
        texts = self.token_vectors([view.passages[i].indexed for i in some])
        similar = [max_sim(asked.vectors @ text.vectors.T) for text in texts]
        return np.concatenate([some[order(scores[some], similar)], taken[count:]])


def _check(question: str, k: int) -> None:
    if not isinstance(question, str) or not 0 < len(question.strip()) <= LONGEST_QUESTION:
        raise BadInputError(f"question must be a text of 1 to {LONGEST_QUESTION:,} characters", field="question")
    if not isinstance(k, int) or not 1 <= k <= MOST_HITS:
        raise BadInputError(f"k must be 1 to {MOST_HITS}, found {k!r}", field="k")


__all__ = ["Hit", "KnowledgeBase"]
