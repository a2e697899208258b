"""The audit: what was done by whom, a chain in which no row can be changed, dropped or slipped in later."""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical
from growthbench.store.engine import Store
from growthbench.store.tenant_tables import audit
from growthbench.store.texts import is_plain

FIRST = "0" * 64
"""What stands in the place of the row before the first."""

_PAGE = 1_000


@dataclass(frozen=True)
class AuditRow:
    """One row of the chain.

    Attributes
    ----------
    number : int
        1 for the tenant's first, without gaps.
    at : int
        UTC µs.
    actor : str
        Key id or member id, or ``operator`` (the command line) or ``service`` (ourselves).
    action, target : str
        Such as ``key.revoked`` and the key's id.
    detail : dict
        Never personal data: nothing is erased from the chain.
    previous, digest : str
        Of the row before and of this one.
    """

    number: int
    at: int
    actor: str
    action: str
    target: str
    detail: dict[str, Any]
    previous: str
    digest: str


class Audit:
    """The chains of all tenants.

    Whoever can write to the database could cut rows off the end, or write a chain anew from some row on; both show when
    the `head` was noted somewhere else: give it to `verify`.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store):
        self.store = store

    def write(
        self,
        tenant: str,
        actor: str,
        action: str,
        target: str,
        detail: Mapping[str, Any],
        connection: Connection | None = None,
    ) -> int:
        """Add a row.

        Parameters
        ----------
        connection : Connection, optional
            A `Store.writing` transaction that the row is to share. Write last in it: other writers of the same tenant's
            audit wait until it ends.

        Returns
        -------
        int
            The row's number.
        """
        told = canonical(dict(detail))
        with nullcontext(connection) if connection is not None else self.store.writing() as connection:
            # SQLite has one writer anyway; PostgreSQL: held until the commit, so that nobody continues an older end.
            if self.store.dialect == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(7276005, hashtext(:tenant))")
                connection.execute(lock, {"tenant": tenant})
            last, previous = _head(connection, tenant)
            row = (last + 1, now_us(), actor, action, target, told, previous)
            named = dict(zip(("number", "at", "actor", "action", "target", "detail", "previous"), row))
            connection.execute(insert(audit).values(tenant_id=tenant, **named, digest=_digest(tenant, row)))
        return last + 1

    def head(self, tenant: str) -> tuple[int, str]:
        """Number and digest of the newest row; ``(0, FIRST)`` before the first."""
        with self.store.reading() as connection:
            return _head(connection, tenant)

    def verify(self, tenant: str, known: tuple[int, str] | None = None) -> int | None:
        """Number of the first row that is missing or not what it was; None if the chain is whole.

        Parameters
        ----------
        known : (int, str), optional
            A `head` that was noted earlier and must still be part of the chain.
        """
        number, previous = 0, FIRST
        with self.store.reading() as connection:
            query = select(*_COLUMNS).where(audit.c.tenant_id == tenant).order_by(audit.c.number)
            with connection.execution_options(yield_per=_PAGE).execute(query) as rows:
                for row in rows:
                    number += 1
                    *content, found = row
                    if row.number != number or row.previous != previous or _digest(tenant, content) != found:
                        return number
                    if known is not None and known[0] == number and known[1] != found:
                        return number
                    previous = found
        return number + 1 if known is not None and known[0] > number else None

    def rows(self, tenant: str, limit: int = 100, before: int | None = None, action: str = "") -> list[AuditRow]:
        """Newest rows first.

        Parameters
        ----------
        limit : int, default 100
        before : int, optional
            Only rows of smaller numbers: the next page.
        action : str, optional
            Only actions that begin so, such as ``key.``.
        """
        if not 0 < limit <= _PAGE:
            raise BadInputError(f"limit must be from 1 to {_PAGE}, found {limit}", field="limit")
        query = select(*_COLUMNS).where(audit.c.tenant_id == tenant).order_by(audit.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.number < before)
        if not is_plain(action):
            raise BadInputError("action must not hold control characters", field="action")
        if action:
            query = query.where(audit.c.action.startswith(action, autoescape=True))
        with self.store.reading() as connection:
            found = connection.execute(query).all()
        return [AuditRow(**{**r._mapping, "detail": json.loads(r.detail)}) for r in found]


_COLUMNS = (audit.c.number, audit.c.at, audit.c.actor, audit.c.action, audit.c.target, audit.c.detail,
            audit.c.previous, audit.c.digest)  # fmt: skip


def _head(connection: Connection, tenant: str) -> tuple[int, str]:
    query = select(audit.c.number, audit.c.digest).where(audit.c.tenant_id == tenant)
    row = connection.execute(query.order_by(audit.c.number.desc()).limit(1)).one_or_none()
    return (row.number, row.digest) if row is not None else (0, FIRST)


def _digest(tenant: str, content) -> str:
    return digest(tenant, *map(str, content))
