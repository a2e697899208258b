"""Plans: what a tenant may use up."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from growthbench.base.errors import BadInputError
from growthbench.store.texts import UnknownChoiceError


@dataclass(frozen=True)
class Plan:
    """Limits; None is no limit.

    Attributes
    ----------
    calls_a_day : int or None
        API calls in a UTC day; a batch of events is one call.
    events_a_day : int or None
        Events in a UTC day.
    burst_per_s : int or None
        API calls in a second.
    """

    calls_a_day: int | None = None
    events_a_day: int | None = None
    burst_per_s: int | None = None

    def a_day(self, kind: str) -> int | None:
        """Daily limit of a kind of quota, ``calls`` or ``events``."""
        return self.calls_a_day if kind == "calls" else self.events_a_day

    def to_dict(self) -> dict[str, int | None]:
        """Limits by name."""
        return asdict(self)


LOCAL = "local"
"""The plan without limits; who is on it is never counted."""

PLANS = {
    LOCAL: Plan(),
    "free": Plan(calls_a_day=1_000, events_a_day=100_000, burst_per_s=10),
    "pro": Plan(calls_a_day=100_000, events_a_day=10_000_000, burst_per_s=200),
}
KINDS = ("calls", "events")
_NAMES = tuple(f.name for f in fields(Plan))


def limits_of(plan: str, overrides: Mapping[str, Any] | None = None) -> Plan:
    """The limits of a plan, some of them overridden.

    Raises
    ------
    UnknownChoiceError
        No such plan, or no such limit.
    BadInputError
        A limit is no whole number from 0 on, nor None; or a limit is set on the plan that has none.

    Examples
    --------
    >>> limits_of("free", {"calls_a_day": 5_000}).calls_a_day
    5000
    """
    if plan not in PLANS:
        raise UnknownChoiceError("plan", plan, PLANS, field="plan")
    for name, value in (overrides or {}).items():
        if name not in _NAMES:
            raise UnknownChoiceError("limit", name, _NAMES, field="limits")
        if value is not None and (type(value) is not int or not 0 <= value < 2**53):
            raise BadInputError(f"{name} must be a whole number from 0 on, or nothing; found {value!r}", field="limits")
    if overrides and plan == LOCAL:
        raise BadInputError(f"the plan {LOCAL!r} has no limits to override: choose another plan", field="limits")
    return replace(PLANS[plan], **(overrides or {}))
