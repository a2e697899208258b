"""Limits: how much a scope may spend in a period."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, LimitError
from growthbench.ledger.micros import dollars
from growthbench.ledger.scopes import PERIODS, TENANT, account, owners, seconds_left
from growthbench.store.engine import Store
from growthbench.store.ledger_tables import ledger_accounts, ledger_limits

MODELS = "models"
"""The purse of language models, in USD. Other purses (media) have limits and accounts of their own."""


class Limit(NamedTuple):
    """``amount`` micro-units for ``scope`` (tenant, agent, agent:NAME, run, run:NAME) per ``period``."""

    scope: str
    period: str
    amount: int


class BudgetError(LimitError):
    """A limit does not leave enough.

    Parameters
    ----------
    owner, limit : str, Limit
        Who would spend, and what forbids it.
    used, asked : int
        Micro-units spent or held already, and wanted now.
    """

    title = "Budget used up"

    def __init__(self, owner: str, limit: Limit, used: int, asked: int, retry_after: float):
        per = "" if limit.period == "total" else f" a {limit.period}"
        super().__init__(
            f"{owner} may spend {dollars(limit.amount)}{per} and has used {dollars(used)}: {dollars(asked)} more would "
            "pass it; raise the limit, choose a cheaper model, or wait",
            retry_after,
        )
        self.owner, self.limit, self.used, self.asked = owner, limit, used, asked


def set_limit(store: Store, tenant: str, scope: str, period: str, amount: int, purse: str = MODELS) -> Limit:
    """Set how much a scope may spend in a period; what was spent before counts.

    Parameters
    ----------
    store : Store
    tenant : str
    scope : str
        ``tenant``; ``agent`` or ``run`` (each of them); ``agent:NAME`` or ``run:NAME`` (this one, instead of each).
    period : {"total", "month", "day"}
        UTC.
    amount : int
        Micro-units, 0 or more.
    purse : str, default "models"
    """
    if period not in PERIODS:
        raise BadInputError(f"period must be one of {', '.join(PERIODS)}, found {period!r}", field="period")
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount < 2**53:
        raise BadInputError(f"amount must be a whole number of micro-units, 0 or more, found {amount!r}", "amount")
    kind, _, name = scope.partition(":")
    owners({kind: name or "each"} if kind != TENANT else None)  # refuses what is no scope
    if kind == TENANT and name:
        raise BadInputError(f"the scope tenant takes no name, found {scope!r}", field="scope")
    insert = (postgresql if store.dialect == "postgresql" else sqlite).insert(ledger_limits)
    key = {"tenant_id": tenant, "purse": purse, "scope": scope, "period": period}
    row = insert.values(**key, amount=amount, changed_at=now_us())
    said = {"amount": row.excluded.amount, "changed_at": row.excluded.changed_at}
    with store.writing() as connection:
        connection.execute(row.on_conflict_do_update(index_elements=list(key), set_=said))
    return Limit(scope, period, amount)


def clear_limit(store: Store, tenant: str, scope: str, period: str, purse: str = MODELS) -> bool:
    """Take a limit away; False if there was none."""
    columns = ledger_limits.c
    mine = (columns.tenant_id == tenant, columns.purse == purse, columns.scope == scope, columns.period == period)
    with store.writing() as connection:
        return connection.execute(delete(ledger_limits).where(*mine)).rowcount > 0


def limits_of(store: Store, tenant: str, purse: str = MODELS) -> list[Limit]:
    """All limits of a tenant."""
    with store.reading() as connection:
        return _limits(connection, tenant, purse, None)


def _limits(connection: Connection, tenant: str, purse: str, scopes: Iterable[str] | None) -> list[Limit]:
    columns = ledger_limits.c
    query = select(columns.scope, columns.period, columns.amount).where(
        columns.tenant_id == tenant, columns.purse == purse
    )
    if scopes is not None:
        query = query.where(columns.scope.in_(list(scopes)))
    return [Limit(*row) for row in connection.execute(query.order_by(columns.scope, columns.period))]


def applying(limits: Iterable[Limit], owner: str) -> dict[str, Limit]:
    """The limits of one owner by period: those with its name, else those of its kind.

    >>> applying([Limit("run", "day", 5), Limit("run:7", "day", 9), Limit("run", "total", 2)], "run:7")
    {'day': Limit(scope='run:7', period='day', amount=9), 'total': Limit(scope='run', period='total', amount=2)}
    """
    limits = list(limits)
    each = {limit.period: limit for limit in limits if limit.scope == owner.partition(":")[0]}
    return each | {limit.period: limit for limit in limits if limit.scope == owner}


def check_in(connection: Connection, tenant: str, purse: str, owned: list[str], amount: int, at: int) -> None:
    """Raise BudgetError if an amount more would pass a limit of one of the owners; the caller holds the lock."""
    kinds = {owner.partition(":")[0] for owner in owned}
    limits = _limits(connection, tenant, purse, {*owned, *kinds})
    found = [(owner, limit) for owner in owned for limit in applying(limits, owner).values()]
    if not found:
        return
    columns = ledger_accounts.c
    names = [account(owner, limit.period, at) for owner, limit in found]
    query = select(columns.account, columns.held + columns.spent).where(
        columns.tenant_id == tenant, columns.purse == purse, columns.account.in_(names)
    )
    used = dict(connection.execute(query).all())
    for (owner, limit), name in zip(found, names, strict=True):
        if used.get(name, 0) + amount > limit.amount:
            raise BudgetError(owner, limit, used.get(name, 0), amount, seconds_left(limit.period, at))
