"""Public data by name: ``load("telco-churn")``, ``load_log("online-retail")``, ``describe()``.

Nothing heavy is imported until one of these is used.
"""

from importlib import import_module

_PUBLIC = {
    "Table": "table",
    "load": "loading",
    "load_log": "loading",
    "describe": "registry",
    "names": "registry",
    "entry": "registry",
}

__all__ = ["Table", "describe", "entry", "load", "load_log", "names"]


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
