"""Features of people as of now, from the store's log, as a pandas frame."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from growthbench.base.clock import now_us
from growthbench.events.horizon import read_horizon
from growthbench.events.log import EventLog

if TYPE_CHECKING:
    import pandas as pd


def features_now(log: EventLog, catalogue, people: Sequence[str], moment: int | None = None) -> "pd.DataFrame":
    """Features of people, one row each in the order asked, index ``person``; ``moment`` defaults to now (UTC µs)."""
    import pandas as pd

    plan = catalogue.plan()
    moment = now_us() if moment is None else moment
    with log.store.reading() as connection:
        raw = plan.fetch(connection, log.tenant, list(people), moment, read_horizon(connection, log.tenant))
    return pd.DataFrame(plan.finish(raw), index=pd.Index(people, name="person"))
