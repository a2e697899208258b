"""The knowledge base of a home, with the encoder that the environment names."""

from typing import Any

from growthbench.knowledge.base import KnowledgeBase
from growthbench.language.embedding_settings import EmbeddingSettings
from growthbench.store.engine import Store
from growthbench.text.encoder import Encoder


def open_knowledge(
    store: Store,
    reader: Encoder | None,
    *,
    settings: EmbeddingSettings | None = None,
    purse: Store | None = None,
    **options: Any,
) -> KnowledgeBase:
    """Open the documents of a store.

    Parameters
    ----------
    store : Store
    reader : Encoder or None
        The encoder of this machine: it reads tokens, and makes the vectors, too, unless a provider is set.
    settings : EmbeddingSettings, optional
        By default from the environment.
    purse : Store, optional
        Where the tenants' limits and accounts are, if not in ``store``.
    **options
        Further arguments of `KnowledgeBase`.

    Raises
    ------
    SettingsError, UnpricedModelError
        The provider cannot be asked as it is set.
    """
    settings = EmbeddingSettings.read() if settings is None else settings
    if settings.model is None:
        return KnowledgeBase(store, reader, **options)
    from growthbench.language.embeddings import Embeddings

    return KnowledgeBase(store, Embeddings(settings, purse or store), reader=reader, **options)
