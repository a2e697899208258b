"""DSPy as we use it: imported late, without its own caches; caching, retries and money are ours."""

from functools import cache
from types import ModuleType


@cache
def dspy_ready() -> ModuleType:
    """DSPy, imported (2 s the first time) with its disk and memory cache off.

    DSPy's cache knows no tenants, no age and no price; ours does.
    """
    import dspy

    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    return dspy
