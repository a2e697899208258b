"""Features of people as of now, from the store's log, as a pandas frame."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from growthbench.base.clock import now_us, to_us
from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.events.checks import checked_text
from growthbench.events.horizon import read_horizon
from growthbench.events.log import EventLog

if TYPE_CHECKING:
    import pandas as pd


def features_now(
    log: EventLog, catalogue, people: Sequence[str], moment: int | str | datetime | None = None
) -> "pd.DataFrame":
    """Features of people, one row each in the order asked, index ``person``; ``moment`` defaults to now.

    Raises
    ------
    NotFoundError
        The log has no event of somebody: nothing known is no feature of 0.
    """
    import pandas as pd

    people = [checked_text(p, f"people[{i}]") for i, p in enumerate(people_list(people))]
    if unknown := [p for p in dict.fromkeys(people) if not log.person(p, 1)]:
        raise NotFoundError(
            f"nothing is known of {unknown[0]!r}" + (f" and {len(unknown) - 1} more" * (len(unknown) > 1))
        )
    plan, moment = catalogue.plan(), moment_us(moment)
    with log.store.reading() as connection:
        raw = plan.fetch(connection, log.tenant, people, moment, read_horizon(connection, log.tenant))
    return pd.DataFrame(plan.finish(raw), index=pd.Index(people, name="person"))


def people_list(people: str | Sequence[str]) -> list[str]:
    """Ids as a list; one id alone is a list of one, not of its letters."""
    return [people] if isinstance(people, str) else list(people)


def moment_us(moment: int | str | datetime | None) -> int:
    """UTC µs of a moment: now for None, ISO 8601 text, a datetime or pandas Timestamp, or µs already."""
    if moment is None:
        return now_us()
    if isinstance(moment, bool) or not isinstance(moment, int | str | datetime):
        raise BadInputError(f"moment must be UTC µs, ISO 8601 text or a datetime, found {moment!r}", field="moment")
    if isinstance(moment, int):
        return moment
    try:
        return to_us(moment if isinstance(moment, str) else moment.isoformat())
    except ValueError as exc:
        raise BadInputError(f"moment {moment!r} is not ISO 8601", field="moment") from exc
