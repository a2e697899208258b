"""Mentions of an erased person in rows about others: texts of the log are masked, messages and given rows go."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, tuple_, update

from growthbench.events.tables import event_values, events
from growthbench.operations.holders import PREDICTIONS
from growthbench.people.subject import Subject, telling
from growthbench.people.tables import consents
from growthbench.predictions.tables import predictions
from growthbench.store.engine import Store
from growthbench.store.message_tables import channel_messages, webhook_deliveries

_PAGE = 500


@dataclass(frozen=True)
class _Texts:
    """Columns of a table that may mention somebody, and what limits the search to the time before the erasure."""

    table: Table
    plain: tuple[str, ...]
    json: tuple[str, ...]
    by: str  # the column, and the attribute of the subject, that it is limited by
    upto: str
    masked: bool

    def before(self, subject: Subject) -> tuple[ColumnElement[bool], ...]:
        return (self.table.c.tenant_id == subject.tenant, self.table.c[self.by] <= getattr(subject, self.upto))


_EVENT_TEXTS = ("name", "session_id", "item_id", "category", "campaign", "channel", "currency")
_SEARCHED = (
    _Texts(events, _EVENT_TEXTS, ("properties",), "seq", "horizon", True),
    _Texts(event_values, ("text_value",), (), "seq", "horizon", True),
    _Texts(consents, ("source", "detail"), (), "received_at", "until", True),
    _Texts(predictions, (), ("given",), "created_at", "until", False),
    _Texts(channel_messages, (), ("body",), "created_at", "until", False),
    _Texts(webhook_deliveries, (), ("body",), "created_at", "until", False),
)


class Mentions:
    """Mentions in the store's own texts.

    Parameters
    ----------
    store : Store
    receipt_id : str
        For the tombstones of predictions about rows that mention the person.
    deep : bool, default True
        When ids are known by digest only: search every JSON text too, which takes about 15 s a million events.
    """

    name = "mentions"

    def __init__(self, store: Store, receipt_id: str, deep: bool = True):
        self.store, self.receipt_id, self.deep = store, receipt_id, deep

    def erase(self, subject: Subject) -> int:
        """Mask or delete them; returns the number of rows."""
        return sum(self._cleaned(texts, subject) for texts in _SEARCHED)

    def find(self, subject: Subject) -> int:
        """Count rows (by digests: different texts) that mention the subject."""
        with self.store.reading() as connection:
            if subject.needles:
                return sum(len(list(_hits(connection, texts, subject))) for texts in _SEARCHED)
            return self._keys(connection, subject) + sum(
                self._by_digest(connection, texts, subject) for texts in _SEARCHED
            )

    def _cleaned(self, texts: _Texts, subject: Subject) -> int:
        key = tuple_(*texts.table.primary_key.columns)
        with self.store.reading() as connection:
            found = list(_hits(connection, texts, subject))
        for start in range(0, len(found), _PAGE):
            some = found[start : start + _PAGE]
            with self.store.writing() as connection:
                if not texts.masked:
                    condition = key.in_([primary for primary, _ in some])
                    if texts.table is predictions:
                        PREDICTIONS.bury(connection, subject, self.receipt_id, condition)
                    else:
                        connection.execute(delete(texts.table).where(condition))
                    continue
                for primary, row in some:
                    told = {name: subject.masked(text) for name, text in row.items() if subject.mentions(text)}
                    connection.execute(update(texts.table).where(key == tuple_(*primary)).values(**told))
        return len(found)

    def _keys(self, connection: Connection, subject: Subject) -> int:
        """Ids that serve as person keys, in logs from before there were any."""
        plain = (events.c.tenant_id == subject.tenant, events.c.person.not_like("per\\_%", escape="\\"))
        query = select(events.c.person).distinct().where(*plain, events.c.seq <= subject.horizon)
        return sum(("user", subject.digest("user", p)) in subject.lookups for p in connection.execute(query).scalars())

    def _by_digest(self, connection: Connection, texts: _Texts, subject: Subject) -> int:
        return sum(
            subject.mentions(text)
            for name in (*texts.plain, *(texts.json if self.deep or texts.table is not events else ()))
            for text in connection.execution_options(yield_per=10_000)
            .execute(select(texts.table.c[name]).distinct().where(*texts.before(subject)))
            .scalars()
        )


def _hits(connection: Connection, texts: _Texts, subject: Subject) -> Iterator[tuple[tuple, dict[str, Any]]]:
    """Primary key and texts of the rows that mention the subject; where ids are known in plain, the database looks
    first, roughly."""
    position = func.instr if connection.dialect.name == "sqlite" else func.strpos
    roughly = [
        position(func.lower(texts.table.c[name]), form) > 0
        for names, forms in ((texts.plain, _forms(subject.needles, False)), (texts.json, _forms(subject.needles, True)))
        for name in names
        for form in forms
    ]
    if not roughly and subject.needles:
        return
    key = list(texts.table.primary_key.columns)
    columns = [texts.table.c[name] for name in (*texts.plain, *texts.json)]
    query = select(*key, *columns).where(*texts.before(subject), *([or_(*roughly)] if roughly else []))
    for row in connection.execution_options(yield_per=10_000).execute(query):
        told = dict(zip((*texts.plain, *texts.json), row[len(key) :]))
        if any(subject.mentions(text) for text in told.values()):
            yield tuple(row[: len(key)]), told


def _forms(needles: tuple[str, ...], quoted: bool) -> list[str]:
    """How ids may be written, in lower case; those that may mean anything only between the quotes of JSON."""
    forms: set[str] = set()
    for needle in needles:
        escaped = {json.dumps(needle)[1:-1], json.dumps(needle, ensure_ascii=False)[1:-1]}
        if telling(needle):
            forms |= {needle, quote(needle, safe=""), *escaped}
        elif quoted:
            forms |= {f'"{form}"' for form in escaped}
    return sorted({form.translate(_LOWER) for form in forms})


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
"""As both databases do it: ASCII only."""
