"""Features of people as of now, from the store's log, as a pandas frame."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from growthbench.base.clock import now_us, to_us
from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.events.checks import checked_text
from growthbench.events.heads import Head, read_head
from growthbench.people.directory import Directory, called
from growthbench.predictions.people import known_people

if TYPE_CHECKING:
    import pandas as pd


def features_now(
    directory: Directory, catalogue, people: Sequence[str], moment: int | str | datetime | None = None
) -> "pd.DataFrame":
    """Features of people, one row each in the order asked, index ``person``; ``moment`` defaults to now.

    Parameters
    ----------
    directory : Directory
    people : sequence of str
        User ids, ``anonymous:ID``, or people of a log without ids.

    Raises
    ------
    NotFoundError
        The log has no event of somebody: nothing known is no feature of 0.
    """
    import pandas as pd

    names = [checked_text(p, f"people[{i}]") for i, p in enumerate(people_list(people))]
    plan, moment, tenant = catalogue.plan(), moment_us(moment), directory.tenant
    with directory.store.reading() as connection:
        head = read_head(connection, tenant) or Head()
        directory.check(head.people_version)
        persons = called(directory, names, connection)
        ever = known_people(connection, tenant, persons, _EVER, head.seq)
        if unknown := list(dict.fromkeys(name for name, p in zip(names, persons) if p not in ever)):
            more = f" and {len(unknown) - 1} more" * (len(unknown) > 1)
            raise NotFoundError(f"nothing is known of {unknown[0]!r}{more}")
        raw = plan.fetch(connection, tenant, persons, moment, head.seq)
    return pd.DataFrame(plan.finish(raw), index=pd.Index(names, name="person"))


_EVER = 2**62
"""A moment after everything."""


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
