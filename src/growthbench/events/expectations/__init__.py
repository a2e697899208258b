"""What data must be like before a model may learn from it; the only importer of great_expectations.

``check_events(log)`` and ``check_table(frame, label)`` give an `ExpectationReport`.
"""

from importlib import import_module

_PUBLIC = {
    "check_events": "events",
    "check_table": "tables",
    "EventLimits": "events",
    "ExpectationReport": "report",
    "Finding": "report",
}

__all__ = ["EventLimits", "ExpectationReport", "Finding", "check_events", "check_table"]


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
