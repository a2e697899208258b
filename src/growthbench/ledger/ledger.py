"""The ledger: money is reserved before it is spent and booked after, so that no limit is passed, whoever dies.

Everything about one tenant's purse happens behind one row lock (its account ``tenant``), in one transaction: check the
limits, hold the amount. So a limit holds exactly, over any number of processes. A holder that dies leaves its
reservation open until its lease is over; the next one who reserves finds it lapsed. What a lapse means was said when
the money was reserved: ``release`` gives it back (nothing was bought), ``book`` counts it as spent (it may have been
bought: a hard limit can only believe the worst). Whoever finishes late puts it right by committing the true amount.
"""

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from growthbench.base.clock import SECOND_US, now_us
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.ledger.limits import MODELS, check_in
from growthbench.ledger.reservation import Balance, Lapsed, Reservation
from growthbench.ledger.scopes import TENANT, account, accounts, owners
from growthbench.store.engine import Store
from growthbench.store.ledger_tables import ledger_accounts, ledger_reservations

RELEASE, BOOK = "release", "book"


class Ledger:
    """Accounts of one store.

    Parameters
    ----------
    store : Store
    purse : str, default "models"
        One currency, one set of limits.

    Examples
    --------
    ::

        ledger = Ledger(store)
        held = ledger.reserve("local", {"agent": "writer"}, micros("0.02"), key="call-1")
        ledger.commit(held, micros("0.013"))
    """

    def __init__(self, store: Store, purse: str = MODELS):
        self.store, self.purse = store, purse
        self._insert = (postgresql if store.dialect == "postgresql" else sqlite).insert

    def reserve(
        self,
        tenant: str,
        scopes: Mapping[str, str | None] | None,
        amount: int,
        key: str,
        *,
        lease_s: float = 120.0,
        if_lost: str = RELEASE,
    ) -> Reservation:
        """Hold an amount.

        Parameters
        ----------
        tenant : str
        scopes : mapping
            Who spends, such as ``{"agent": "writer", "run": "42"}``; tenant, month and day count by themselves.
        amount : int
            Micro-units: an upper bound of what may be spent.
        key : str
            Idempotency key. A key that is known is not reserved again: an open one gets a new lease, another one comes
            back as it ended.
        lease_s : float, default 120
            Seconds after which the reservation lapses unless it is settled.
        if_lost : {"release", "book"}
            What a lapse does.

        Raises
        ------
        BudgetError
            A limit does not leave that much; nothing is held.
        """
        with self.store.writing() as connection:
            return self.reserve_in(connection, tenant, scopes, amount, key, lease_s=lease_s, if_lost=if_lost)

    def reserve_in(
        self,
        connection: Connection,
        tenant: str,
        scopes: Mapping[str, str | None] | None,
        amount: int,
        key: str,
        *,
        lease_s: float = 120.0,
        if_lost: str = RELEASE,
    ) -> Reservation:
        """The same inside a write transaction, so that a trace can be written with it."""
        _check(amount, if_lost, lease_s)
        owned = owners(scopes)
        self._lock(connection, tenant)
        at = now_us()
        lapsed = self._lapse(connection, tenant, at)
        expires_at = at + round(lease_s * SECOND_US)
        if (known := self._find(connection, tenant, key)) is not None:
            if known.state == "open":
                self._settle(connection, known, expires_at=expires_at)
                known = known._replace(expires_at=expires_at)
            return known._replace(lapsed=lapsed)
        check_in(connection, tenant, self.purse, owned, amount, at)
        touched = accounts(scopes, at)
        self._move(connection, tenant, touched, held=amount)
        row = {
            "tenant_id": tenant,
            "purse": self.purse,
            "reservation_key": key,
            "state": "open",
            "held": amount,
            "spent": 0,
            "scopes": json.dumps(owned),
            "accounts": json.dumps(touched),
            "if_lost": if_lost,
            "created_at": at,
            "expires_at": expires_at,
        }
        connection.execute(self._insert(ledger_reservations).values(**row))
        return Reservation(tenant, self.purse, key, amount, "open", 0, expires_at, True, lapsed)

    def commit(self, reservation: Reservation, amount: int) -> Reservation:
        """Book what was really spent, also if the reservation lapsed meanwhile or more was spent than held.

        Raises
        ------
        ConflictError
            Another amount was committed before.
        """
        with self.store.writing() as connection:
            return self.commit_in(connection, reservation, amount)

    def commit_in(self, connection: Connection, reservation: Reservation, amount: int) -> Reservation:
        """The same inside a write transaction."""
        _check(amount)
        self._lock(connection, reservation.tenant)
        now = self._found(connection, reservation)
        if now.state == "committed":
            if now.spent != amount:
                raise ConflictError(f"{now.key} was committed with {now.spent} micro-units, now {amount} are said")
            return now
        return self._close(connection, now, "committed", amount)

    def release(self, reservation: Reservation) -> Reservation:
        """Give back what is held: nothing was spent.

        Raises
        ------
        ConflictError
            It was committed.
        """
        with self.store.writing() as connection:
            return self.release_in(connection, reservation)

    def release_in(self, connection: Connection, reservation: Reservation) -> Reservation:
        """The same inside a write transaction."""
        self._lock(connection, reservation.tenant)
        now = self._found(connection, reservation)
        if now.state == "committed":
            raise ConflictError(f"{now.key} was committed with {now.spent} micro-units and cannot be released")
        return now if now.state == "released" else self._close(connection, now, "released", 0)

    def lapse(self, tenant: str) -> tuple[Lapsed, ...]:
        """Settle what is past its lease; `reserve` does so by itself."""
        with self.store.writing() as connection:
            return self.lapse_in(connection, tenant)

    def lapse_in(self, connection: Connection, tenant: str) -> tuple[Lapsed, ...]:
        """The same inside a write transaction."""
        self._lock(connection, tenant)
        return self._lapse(connection, tenant, now_us())

    def _lapse(self, connection: Connection, tenant: str, at: int) -> tuple[Lapsed, ...]:
        columns = ledger_reservations.c
        query = select(columns.reservation_key, columns.if_lost, columns.held).where(
            *self._mine(columns, tenant), columns.state == "open", columns.expires_at <= at
        )
        lapsed = []
        for key, if_lost, held in connection.execute(query).all():
            booked = held if if_lost == BOOK else 0
            self._close(connection, self._find(connection, tenant, key), "lapsed", booked)
            lapsed.append(Lapsed(key, booked))
        return tuple(lapsed)

    def balance(self, tenant: str, owner: str = TENANT, period: str = "total", at: int | None = None) -> Balance:
        """What an owner (``tenant``, ``agent:NAME``, ``run:NAME``) holds and has spent in a period."""
        name = account(owner, period, now_us() if at is None else at)
        columns = ledger_accounts.c
        query = select(columns.held, columns.spent).where(*self._mine(columns, tenant), columns.account == name)
        with self.store.reading() as connection:
            found = connection.execute(query).one_or_none()
        return Balance(*found) if found else Balance(0, 0)

    def _mine(self, columns, tenant: str) -> tuple:
        return columns.tenant_id == tenant, columns.purse == self.purse

    def _lock(self, connection: Connection, tenant: str) -> None:
        # an update that changes nothing takes the row's lock in PostgreSQL; SQLite has one writer anyway
        self._move(connection, tenant, [TENANT])

    def _move(self, connection: Connection, tenant: str, names: Iterable[str], held: int = 0, spent: int = 0) -> None:
        rows = [{"tenant": tenant, "purse": self.purse, "account": n, "held": held, "spent": spent} for n in names]
        connection.execute(_MOVE, rows)

    def _find(self, connection: Connection, tenant: str, key: str) -> Reservation | None:
        columns = ledger_reservations.c
        query = select(columns.held, columns.state, columns.spent, columns.expires_at).where(
            *self._mine(columns, tenant), columns.reservation_key == key
        )
        found = connection.execute(query).one_or_none()
        return Reservation(tenant, self.purse, key, *found, new=False) if found else None

    def _found(self, connection: Connection, reservation: Reservation) -> Reservation:
        now = self._find(connection, reservation.tenant, reservation.key)
        if now is None:
            raise NotFoundError(f"no reservation {reservation.key!r} in the purse {self.purse} of {reservation.tenant}")
        return now

    def _close(self, connection: Connection, now: Reservation, state: str, spent: int) -> Reservation:
        columns = ledger_reservations.c
        touched = connection.execute(
            select(columns.accounts).where(*self._mine(columns, now.tenant), columns.reservation_key == now.key)
        ).scalar_one()
        held = -now.amount if now.state == "open" else 0
        self._move(connection, now.tenant, json.loads(touched), held, spent - now.spent)
        self._settle(connection, now, state=state, spent=spent, settled_at=now_us())
        return now._replace(state=state, spent=spent)

    def _settle(self, connection: Connection, now: Reservation, **values) -> None:
        columns = ledger_reservations.c
        mine = (*self._mine(columns, now.tenant), columns.reservation_key == now.key)
        connection.execute(update(ledger_reservations).where(*mine).values(**values))


_MOVE = text(
    "INSERT INTO ledger_accounts (tenant_id, purse, account, held, spent) "
    "VALUES (:tenant, :purse, :account, :held, :spent) ON CONFLICT (tenant_id, purse, account) "
    "DO UPDATE SET held = ledger_accounts.held + excluded.held, spent = ledger_accounts.spent + excluded.spent"
)


def _check(amount: int, if_lost: str = RELEASE, lease_s: float = 1.0) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount < 2**53:
        raise BadInputError(f"amount must be a whole number of micro-units, 0 or more, found {amount!r}", "amount")
    if if_lost not in (RELEASE, BOOK):
        raise BadInputError(f"if_lost must be {RELEASE} or {BOOK}, found {if_lost!r}", field="if_lost")
    if not lease_s > 0:
        raise BadInputError(f"lease_s must be positive, found {lease_s!r}", field="lease_s")
