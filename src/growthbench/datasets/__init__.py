"""Public data by name: ``load("telco-churn")``, ``load_log("online-retail")``, ``load_collection("cisi")``.

Nothing heavy is imported until one of these is used.
"""

from importlib import import_module

_PUBLIC = {
    "Collection": "collections",
    "Table": "table",
    "load": "loading",
    "load_log": "loading",
    "load_collection": "collections",
    "describe": "registry",
    "names": "registry",
    "entry": "registry",
}

__all__ = ["Collection", "Table", "describe", "entry", "load", "load_collection", "load_log", "names"]


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
