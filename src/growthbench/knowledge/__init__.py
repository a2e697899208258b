"""What the documents say: ingest, search, answers with citations that hold."""

from importlib import import_module

_PUBLIC = {
    "Answer": "citations",
    "COLLECTIONS": "documents",
    "Citation": "citations",
    "Claim": "citations",
    "Document": "documents",
    "Filters": "filters",
    "Hit": "search",
    "Ingested": "ingesting",
    "KnowledgeBase": "base",
    "Passage": "passages",
    "Search": "search",
    "SearchFacts": "search",
    "Weights": "search",
    "affected": "affected",
    "answer": "answers",
    "open_knowledge": "opening",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
