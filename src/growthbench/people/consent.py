"""The consent ledger: who agreed to what, on which channel, when; nothing in it is ever changed, only added to.

What holds is told by the newest entry that fits the purpose and the channel (``*`` fits every channel). Where there is
none, the stated default holds: no, except for `DEFAULTS`. One purpose beats everything: while ``do_not_sell`` is
granted (the person wishes it), nothing is allowed but what it `SPARES`, whatever else was granted, before or after.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from growthbench.base.clock import now_us, to_iso
from growthbench.base.errors import BadInputError
from growthbench.events.checks import TIME_RANGE_US, checked_int
from growthbench.people.cluster import cluster
from growthbench.people.tables import consents
from growthbench.store.engine import Store

PURPOSES = {
    "service": "messages the person asked for: receipts, answers, passwords",
    "marketing": "messages that want to sell something",
    "personalization": "content and offers chosen by what the person did",
    "analytics": "counting and modelling of what the person did",
    "advertising": "ads on other people's platforms, look-alike audiences",
    "sale": "handing personal data to others",
    "do_not_sell": "the wish that none of this happens; beats every grant",
}
"""Purposes with a meaning here; others may be named too."""

DO_NOT_SELL = "do_not_sell"
STATES = ("granted", "denied", "withdrawn")
EVERY = "*"
DEFAULTS = {"service": True}
"""What holds without an entry; of purposes that are not here: not allowed."""
SPARES = frozenset({"service"})
"""What ``do_not_sell`` leaves alone."""

_NAME = re.compile(r"[a-z0-9_.:-]{1,60}")


@dataclass(frozen=True)
class Entry:
    """One entry: ``at`` is when the person said so, ``received_at`` when we knew (UTC µs)."""

    purpose: str
    channel: str
    state: str
    source: str
    detail: str | None
    at: int
    received_at: int
    number: int
    person: str

    def told(self) -> dict[str, Any]:
        """As a caller gets it."""
        found = {name: getattr(self, name) for name in ("purpose", "channel", "state", "source", "detail")}
        return found | {"at": to_iso(self.at), "received_at": to_iso(self.received_at)}


@dataclass(frozen=True)
class Decision:
    """Whether something is allowed, and the entry that says so (None: the default)."""

    allowed: bool
    because: Entry | None

    @property
    def why(self) -> str:
        """The reason in a few words."""
        if self.because is None:
            return f"default: {'allowed' if self.allowed else 'not allowed'} until the person says otherwise"
        return f"{self.because.purpose} {self.because.state} for channel {self.because.channel}"


class ConsentLedger:
    """The consent ledger of all tenants of a store."""

    def __init__(self, store: Store):
        self.store = store

    def record(
        self,
        tenant: str,
        person: str,
        purpose: str,
        state: str,
        channel: str = EVERY,
        source: str = "api",
        detail: str | None = None,
        at: int | None = None,
        connection: Connection | None = None,
    ) -> Entry:
        """Add an entry.

        Parameters
        ----------
        person : str
            Person key.
        purpose : str
            One of `PURPOSES`, or a name of your own.
        state : {"granted", "denied", "withdrawn"}
        channel : str, default "*"
            Such as ``email``; ``*`` is every channel.
        source : str
            Where it was said, such as ``preference_page``.
        detail : str, optional
            Wording or version that the person agreed to; no ids.
        at : int, optional
            When it was said, UTC µs; default now, never later.
        connection : Connection, optional
            A write transaction to join.

        Raises
        ------
        BadInputError
            ``field`` names what is no purpose, channel, state, source or moment.
        """
        _check(purpose, channel, state, source, detail)
        now = now_us()
        if at is not None and checked_int(at, "at", TIME_RANGE_US) > now:
            raise BadInputError(f"consent cannot be given in the future: at is {to_iso(at)}", field="at")
        row = {"purpose": purpose, "channel": channel, "state": state, "source": source, "detail": detail,
               "at": now if at is None else at, "received_at": now, "person": person}  # fmt: skip
        if connection is not None:
            return _added(connection, tenant, row)
        with self.store.writing() as own:
            return _added(own, tenant, row)

    def history(self, tenant: str, person: str, connection: Connection | None = None) -> list[Entry]:
        """All entries about a person (of every key merged into one), the oldest first."""
        if connection is not None:
            return _entries(connection, tenant, cluster(connection, tenant, person))
        with self.store.reading() as own:
            return _entries(own, tenant, cluster(own, tenant, person))

    def decision(
        self, tenant: str, person: str, purpose: str, channel: str = EVERY, as_of: int | None = None
    ) -> Decision:
        """Whether a purpose is allowed on a channel, with the reason; ``as_of`` (UTC µs): by what was known then."""
        _check(purpose, channel)
        return decide(self.history(tenant, person), purpose, channel, as_of)

    def allowed(self, tenant: str, person: str, purpose: str, channel: str = EVERY, as_of: int | None = None) -> bool:
        """Whether a purpose is allowed on a channel."""
        return self.decision(tenant, person, purpose, channel, as_of).allowed


def decide(entries: Sequence[Entry], purpose: str, channel: str = EVERY, as_of: int | None = None) -> Decision:
    """What some entries say about a purpose and channel.

    The newest by (at, received_at, number) holds. Asked for every channel (``*``) at once, an entry for one channel
    grants nothing: only what was said for every channel does; but a refusal on one channel is no refusal of all.
    """
    known = [e for e in entries if as_of is None or (e.at <= as_of and e.received_at <= as_of)]
    wish = _newest([e for e in known if e.purpose == DO_NOT_SELL])
    if purpose == DO_NOT_SELL:
        return Decision(wish is not None and wish.state == "granted", wish)
    if wish is not None and wish.state == "granted" and purpose not in SPARES:
        return Decision(False, wish)
    found = _newest([e for e in known if e.purpose == purpose and e.channel in (EVERY, channel)])
    if found is None:
        return Decision(DEFAULTS.get(purpose, False), None)
    return Decision(found.state == "granted", found)


def _newest(entries: Sequence[Entry]) -> Entry | None:
    return max(entries, key=lambda e: (e.at, e.received_at, e.number), default=None)


def _check(purpose: str, channel: str, state: str = "granted", source: str = "api", detail: str | None = None) -> None:
    if not _NAME.fullmatch(purpose):
        raise BadInputError(f"purpose {purpose!r} is no name of letters a-z, digits and _.:-", field="purpose")
    if channel != EVERY and not _NAME.fullmatch(channel):
        raise BadInputError(f"channel {channel!r} is no name of letters a-z, digits and _.:-, nor *", field="channel")
    if purpose == DO_NOT_SELL and channel != EVERY:
        raise BadInputError("do_not_sell is for every channel: leave the channel out", field="channel")
    if state not in STATES:
        raise BadInputError(f"state must be one of {', '.join(STATES)}, found {state!r}", field="state")
    if not 0 < len(source) <= 100:
        raise BadInputError("source must have 1 to 100 characters", field="source")
    if detail is not None and len(detail) > 1_000:
        raise BadInputError("detail must have at most 1000 characters", field="detail")
    for name, value in (("source", source), ("detail", detail or "")):
        if "\0" in value:
            raise BadInputError(f"{name} must not hold U+0000", field=name)


def _added(connection: Connection, tenant: str, row: dict[str, Any]) -> Entry:
    # PostgreSQL: two entries of one person must not take the same number; SQLite has one writer anyway.
    if connection.dialect.name == "postgresql":
        key = {"key": f"{tenant}/{row['person']}"}
        connection.execute(text("SELECT pg_advisory_xact_lock(7276004, hashtext(:key))"), key)
    mine = (consents.c.tenant_id == tenant, consents.c.person == row["person"])
    last = connection.execute(select(func.max(consents.c.number)).where(*mine)).scalar()
    row = row | {"number": (last or 0) + 1}
    connection.execute(insert(consents).values(tenant_id=tenant, **row))
    return Entry(**row)


def _entries(connection: Connection, tenant: str, persons: Sequence[str]) -> list[Entry]:
    columns = [consents.c[name] for name in Entry.__dataclass_fields__]
    query = select(*columns).where(consents.c.tenant_id == tenant, consents.c.person.in_(persons))
    order = (consents.c.received_at, consents.c.person, consents.c.number)
    return [Entry(**row) for row in connection.execute(query.order_by(*order)).mappings()]
