"""What we write: drafts from facts, checked without a model, kept in versions; and prompts that prove themselves."""

from importlib import import_module

_PUBLIC = {
    "Asset": "asset",
    "approve": "library",
    "edit": "library",
    "get": "library",
    "keep": "library",
    "list_content": "library",
    "optimize": "optimizing",
    "rate": "library",
    "refuse": "library",
    "training_examples": "examples",
    "versions_of": "library",
    "Brand": "brand",
    "Brief": "brief",
    "Fact": "facts",
    "Finding": "findings",
    "KINDS": "brief",
    "Piece": "pieces",
    "Variant": "pieces",
    "read_brand": "brand",
    "write": "writing",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
