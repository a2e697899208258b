"""The Desk: words. A process of its own beside the Door, which alone asks it; see ``docs/desk.md``.

``growthbench.serving.desk:Desk`` is the BentoML service. It is imported when somebody asks for it: the Door needs only
the table of routes and the way to pass requests on, and stays light.
"""

from importlib import import_module
from typing import Any

__all__ = ["Desk"]


def __getattr__(name: str) -> Any:
    if name == "Desk":
        return import_module("growthbench.serving.desk.service").Desk
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
