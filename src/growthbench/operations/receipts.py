"""Receipts of erasures: what was removed where, when, and the digests by which it can be searched for again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from growthbench.base.clock import to_iso
from growthbench.base.errors import NotFoundError
from growthbench.base.ids import digest
from growthbench.base.jsonio import canonical
from growthbench.people.subject import Subject
from growthbench.people.tables import erasures

NOT_SEARCHED = (
    "what other people's clients sent (properties, traits), sealed under those people's keys",
    "free texts of documents and of content, and for seven days the jobs that hold copies of them, sealed",
    "files outside of the home: results of `score --all --out`, exports of the log, data laid out for pipelines",
    "blocks that the file system or PostgreSQL's own journal no longer uses, and backups other than ours",
)
"""What no receipt vouches for."""


@dataclass(frozen=True)
class Receipt:
    """One erasure.

    Attributes
    ----------
    tenant, receipt_id : str
    persons : tuple of str
        Person keys that no longer mean anybody, the root first.
    lookups : tuple of (kind, digest)
        Keyed digests of the ids that were erased.
    stores : dict of str to int
        Every store that was searched, and how many rows, files or keys were removed from it.
    left : tuple of str
        What was found and could not be removed, with the reason.
    numbers : int
        Numbers of the log that nothing has any more.
    horizon : int
        The log's last ``seq`` when it was asked for.
    requested_at, done_at : int
        UTC µs; ``done_at`` 0 while it is under way.
    sealed : str or None
        While it is under way: the ids, sealed by the key ring, so that it can be finished after a crash.
    digest : str
        Of all the rest, once it is done.
    """

    tenant: str
    receipt_id: str
    persons: tuple[str, ...]
    lookups: tuple[tuple[str, str], ...]
    stores: dict[str, int]
    numbers: int
    horizon: int
    requested_at: int
    done_at: int = 0
    left: tuple[str, ...] = ()
    sealed: str | None = None
    digest: str = ""
    first_received: int = field(default=0)

    @property
    def done(self) -> bool:
        """Whether everything is removed, and the space it took overwritten."""
        return self.done_at > 0

    @property
    def whole(self) -> bool:
        """Whether the receipt is what was written when it was done."""
        return self.done and self.digest == self._digest()

    def sealed_off(self, done_at: int) -> "Receipt":
        """The finished receipt."""
        finished = replace(self, done_at=done_at, sealed=None)
        return replace(finished, digest=finished._digest())

    def subject(
        self, lookup: Callable[[str, str, str], str], needles: tuple[str, ...] = (), plain: tuple[str, ...] = ()
    ) -> Subject:
        """Whom to search for; ``lookup`` is the key ring's, ``plain`` are ids that served as person keys."""
        return Subject(
            self.tenant,
            (*self.persons, *plain),
            frozenset(self.lookups),
            needles,
            lambda kind, value: lookup(self.tenant, kind, value),
            self.requested_at,
            self.horizon,
        )

    def told(self) -> dict[str, Any]:
        """As a caller gets it."""
        return {
            "receipt_id": self.receipt_id,
            "state": "done" if self.done else "cleaning",
            "requested_at": to_iso(self.requested_at),
            "done_at": to_iso(self.done_at) if self.done else None,
            "stores": [{"store": name, "removed": n} for name, n in self.stores.items()],
            "left": list(self.left),
            "not_searched": list(NOT_SEARCHED),
            "digest": self.digest or None,
        }

    def _digest(self) -> str:
        content = (self.persons, self.lookups, self.stores, self.left, self.numbers, self.horizon, self.first_received)
        return digest(self.tenant, self.receipt_id, canonical(content), str(self.requested_at), str(self.done_at))


def write_receipt(connection: Connection, receipt: Receipt) -> None:
    """Write a receipt, or what it has become."""
    mine = (erasures.c.tenant_id == receipt.tenant, erasures.c.receipt_id == receipt.receipt_id)
    connection.execute(delete(erasures).where(*mine))
    connection.execute(insert(erasures).values(**row_of(receipt)))


def row_of(receipt: Receipt) -> dict[str, Any]:
    """The row of the table ``erasures``."""
    inside = ("persons", "stores", "left", "numbers", "horizon", "sealed", "first_received")
    return {
        "tenant_id": receipt.tenant,
        "receipt_id": receipt.receipt_id,
        "person": receipt.persons[0] if receipt.persons else "",
        "lookups": " ".join(f"{kind}:{digest}" for kind, digest in receipt.lookups),
        "stores": canonical({name: getattr(receipt, name) for name in inside}),
        "digest": receipt.digest,
        "requested_at": receipt.requested_at,
        "done_at": receipt.done_at,
    }


def receipt_of(row) -> Receipt:
    """The receipt of a row."""
    inside = json.loads(row["stores"])
    return Receipt(
        tenant=row["tenant_id"],
        receipt_id=row["receipt_id"],
        lookups=tuple(tuple(one.split(":", 1)) for one in row["lookups"].split()),
        digest=row["digest"],
        requested_at=row["requested_at"],
        done_at=row["done_at"],
        **inside | {"persons": tuple(inside["persons"]), "left": tuple(inside["left"])},
    )


def read_receipt(connection: Connection, tenant: str, receipt_id: str) -> Receipt:
    """One receipt; NotFoundError if the tenant has none of this id."""
    query = select(erasures).where(erasures.c.tenant_id == tenant, erasures.c.receipt_id == receipt_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no erasure {receipt_id!r}")
    return receipt_of(row)


def receipts(connection: Connection, tenant: str | None = None, unfinished: bool = False) -> Iterator[Receipt]:
    """Receipts of one tenant or of all, the oldest first; ``unfinished`` only those that are still under way."""
    query = select(erasures).order_by(erasures.c.requested_at, erasures.c.receipt_id)
    if unfinished:
        query = query.where(erasures.c.done_at == 0)
    if tenant is not None:
        query = query.where(erasures.c.tenant_id == tenant)
    return (receipt_of(row) for row in connection.execute(query).mappings().all())


def erased_before(connection: Connection, tenant: str, lookups: set[str]) -> Receipt | None:
    """The newest receipt of an id, by its keyed digests."""
    for digest_ in lookups:
        query = select(erasures).where(erasures.c.tenant_id == tenant, erasures.c.lookups.contains(digest_))
        rows = connection.execute(query.order_by(erasures.c.requested_at.desc()).limit(1)).mappings().all()
        if rows:
            return receipt_of(rows[0])
    return None
