"""Vectors of what is in the store already: no file is read again for them."""

from growthbench.knowledge import kept
from growthbench.knowledge.corpus import passage_at
from growthbench.knowledge.embedding import Asking
from growthbench.knowledge.ingesting import Ingested
from growthbench.store.engine import Store
from growthbench.text.encoder import Embedder

_TOGETHER = 256


def complete(store: Store, encoder: Embedder | None, tenant: str, progress: bool) -> Ingested:
    """Embed every passage that has no vector of this encoder; some hundred passages are one transaction."""
    told = Ingested()
    if encoder is None:
        return told
    with store.reading() as connection:
        bare = kept.without_vectors(connection, tenant, encoder.digest)
        if not bare:
            return told
        documents = {d.document_id: d for d in kept.load_documents(connection, tenant)}
        spans = [span for span in kept.load_spans(connection, tenant) if span.document_id in bare]
        missing = kept.missing_vectors(connection, tenant, encoder.digest, (span.content for span in spans))
    texts = {s.content: passage_at(documents[s.document_id], s).indexed for s in spans if s.content in missing}
    asking, wanted = Asking(encoder), sorted(texts)
    step = getattr(encoder, "batch_texts", _TOGETHER)
    for at in _watched(range(0, len(wanted), step), progress):
        made = asking.vectors({content: texts[content] for content in wanted[at : at + step]})
        if made:
            kept.keep_vectors(store, tenant, encoder.digest, made)
            told.embedded += len(made)
    with store.reading() as connection:
        told.without_vectors = len(kept.without_vectors(connection, tenant, encoder.digest))
    told.fault = asking.fault
    return told


def _watched(steps: range, progress: bool):
    from tqdm.auto import tqdm

    return tqdm(steps, desc="embed", unit="batch", leave=False, disable=not progress)
