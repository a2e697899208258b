"""What holds rows about a person, and how they are taken out: the protocol, and the tables of people themselves."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select

from growthbench.people.subject import Subject
from growthbench.people.tables import consents, identities, links, people, profile_traits, profiles
from growthbench.people.vault import PersonKey

_TOLD_IN = {"email": re.compile(r"[^\s@]+@[^\s@]+"), "phone": re.compile(r"\+?[\d ()/.-]{7,}")}
"""Traits that are addresses: searched for like the ids themselves."""


class Holder(Protocol):
    """Rows that a person's keys lead to. Both methods work inside the caller's transaction."""

    name: str

    def erase(self, connection: Connection, subject: Subject) -> int:
        """Delete what is held about the subject; returns the number of rows."""
        ...

    def find(self, connection: Connection, subject: Subject) -> int:
        """Count what is held about the subject."""
        ...


@dataclass(frozen=True)
class Rows:
    """Rows of one table, found by the columns that hold person keys."""

    name: str
    table: Table
    columns: tuple[str, ...] = ("person",)

    def erase(self, connection: Connection, subject: Subject) -> int:
        """Delete them."""
        return connection.execute(delete(self.table).where(*self.where(subject))).rowcount

    def find(self, connection: Connection, subject: Subject) -> int:
        """Count them."""
        query = select(func.count()).select_from(self.table).where(*self.where(subject))
        return connection.execute(query).scalar_one()

    def where(self, subject: Subject) -> tuple[ColumnElement[bool], ...]:
        """Which rows are meant."""
        named = [self.table.c[name].in_(subject.persons) for name in self.columns]
        return (self.table.c.tenant_id == subject.tenant, or_(*named))


class _Identities(Rows):
    """Ids: of the person's keys, or the same ids under a key that was forgotten; ids of somebody who came back stay."""

    def where(self, subject: Subject) -> tuple[ColumnElement[bool], ...]:
        known = [digest for kind, digest in subject.lookups if kind in ("user", "anonymous")]
        again = identities.c.lookup.in_(known) & (identities.c.created_at <= subject.until)
        return (identities.c.tenant_id == subject.tenant, identities.c.person.in_(subject.persons) | again)


PEOPLE_HOLDERS: tuple[Holder, ...] = (
    _Identities("identities", identities),
    Rows("links", links, ("person", "member")),
    Rows("profiles", profiles),
    Rows("profile_traits", profile_traits),
    Rows("consents", consents),
    Rows("people", people),
)
"""The tables of people; the person's key goes last."""


def ids_of(connection: Connection, tenant: str, persons: Sequence[str], keys: dict[str, PersonKey]) -> set[tuple]:
    """``(kind, id)`` of everything that identities and traits say people are called.

    Parameters
    ----------
    keys : dict of str to PersonKey
        Of those people; what has no key any more is not read.
    """
    query = select(identities.c.person, identities.c.kind, identities.c.sealed)
    rows = connection.execute(query.where(identities.c.tenant_id == tenant, identities.c.person.in_(persons)))
    found = {(kind, keys[p].unseal(sealed).decode()) for p, kind, sealed in rows if p in keys}
    traits = select(profile_traits.c.person, profile_traits.c.trait, profile_traits.c.value).where(
        profile_traits.c.tenant_id == tenant, profile_traits.c.person.in_(persons), profile_traits.c.trait.in_(_TOLD_IN)
    )
    told = [(trait, keys[p].unseal(value)) for p, trait, value in connection.execute(traits) if p in keys]
    return found | set(ids_told({trait: _value(raw)} for trait, raw in told))


def ids_told(traits: Iterable[dict]) -> Iterator[tuple[str, str]]:
    """``(kind, address)`` of traits that are e-mail addresses or phone numbers."""
    for told in traits:
        for kind, form in _TOLD_IN.items():
            value = told.get(kind)
            if isinstance(value, str | int) and form.fullmatch(str(value).strip()):
                yield kind, str(value).strip()


def _value(raw: bytes):
    import msgspec

    return msgspec.json.decode(raw)
