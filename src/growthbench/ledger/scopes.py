"""Whose money it is: the accounts that one amount touches."""

import re
from collections.abc import Mapping

from growthbench.base.clock import DAY_US, to_iso, to_us
from growthbench.base.errors import BadInputError

PERIODS = ("total", "month", "day")
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_NAME = re.compile(r"[^\s/]+")
TENANT = "tenant"


def owners(scopes: Mapping[str, str | None] | None) -> list[str]:
    """Who answers for an amount: always the tenant, then every scope that is named.

    >>> owners({"agent": "writer", "run": None})
    ['tenant', 'agent:writer']
    """
    named = sorted((kind, name) for kind, name in (scopes or {}).items() if name is not None)
    return [TENANT, *(_owner(kind, name) for kind, name in named)]


def _owner(kind: str, name: str) -> str:
    if kind == TENANT or not _KIND.fullmatch(kind) or not _NAME.fullmatch(name):
        raise BadInputError(
            f"a scope is a word such as agent or run with a name without spaces and slashes, found {kind!r}: {name!r}",
            field="scopes",
        )
    return f"{kind}:{name}"


def account(owner: str, period: str, at: int) -> str:
    """The account of an owner in the period that a moment falls into.

    >>> account("tenant", "day", 0), account("run:7", "total", 0)
    ('tenant/1970-01-01', 'run:7')
    """
    length = {"total": 0, "month": 7, "day": 10}[period]
    return f"{owner}/{to_iso(at)[:length]}" if length else owner


def accounts(scopes: Mapping[str, str | None] | None, at: int) -> list[str]:
    """Every account that an amount touches; the tenant's first."""
    return [account(owner, period, at) for owner in owners(scopes) for period in PERIODS]


def seconds_left(period: str, at: int) -> float:
    """Seconds until a period is over; a limit in total never is: a day, to ask again at a sensible pace."""
    if period == "month":
        year, month = int(to_iso(at)[:4]), int(to_iso(at)[5:7])
        over = to_us(f"{year + month // 12}-{month % 12 + 1:02d}-01")
        return (over - at) / 1e6
    return (DAY_US - at % DAY_US) / 1e6 if period == "day" else DAY_US / 1e6
