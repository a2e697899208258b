"""What we knew about somebody, as of a moment: declared once, compiled for every engine.

``grammar`` holds the words of a declaration (also here: ``features.count(...)``), ``shipped.CATALOGUE`` declarations,
``plan.Plan`` what a service needs (NumPy and the standard library only), ``offline.build`` the many people and moments
of a training table, ``adhoc.feature`` a declaration tried out.
"""

from importlib import import_module

_WORDS = frozenset({
    "active_days", "among_last", "count", "distinct", "first", "last", "mean", "mean_gap", "median_gap", "minutes",
    "on", "recency", "sessions", "share", "tenure", "top", "total", "trait", "trend",
})  # fmt: skip


def __getattr__(name: str):
    if name in _WORDS:
        return getattr(import_module("growthbench.features.grammar"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
