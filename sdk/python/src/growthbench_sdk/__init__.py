"""Send events to growthbench and read scores, without ever raising into the host or blocking it."""

from growthbench_sdk.async_client import AsyncMarketingClient
from growthbench_sdk.client import MarketingClient
from growthbench_sdk.counts import Counts
from growthbench_sdk.problem import Problem
from growthbench_sdk.results import NotAvailable, Recommendations, Score
from growthbench_sdk.version import VERSION

__version__ = VERSION

__all__ = [
    "AsyncMarketingClient",
    "Counts",
    "MarketingClient",
    "NotAvailable",
    "Problem",
    "Recommendations",
    "Score",
    "__version__",
]
