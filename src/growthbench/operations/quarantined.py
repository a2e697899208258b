"""Refused events of an erased person: found by the digests kept beside them, and by their unsealed text."""

from collections.abc import Iterator

from sqlalchemy import delete

from growthbench.people.quarantine import Quarantine
from growthbench.people.subject import Subject
from growthbench.people.tables import quarantine
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring

_PAGE = 1_000


class Quarantined:
    """Rows of the quarantine."""

    name = "quarantine"

    def __init__(self, store: Store, keyring: Keyring):
        self.store, self.keyring = store, keyring

    def erase(self, subject: Subject) -> int:
        """Delete them; returns their number."""
        ids = list(self._about(subject))
        for start in range(0, len(ids), _PAGE):
            with self.store.writing() as connection:
                mine = quarantine.c.quarantine_id.in_(ids[start : start + _PAGE])
                connection.execute(delete(quarantine).where(quarantine.c.tenant_id == subject.tenant, mine))
        return len(ids)

    def find(self, subject: Subject) -> int:
        """Count them."""
        return len(list(self._about(subject)))

    def _about(self, subject: Subject) -> Iterator[str]:
        waiting, after = Quarantine(self.store, self.keyring, subject.tenant), ""
        while rows := list(waiting.raw(_PAGE, after)):
            for row, message in rows:
                if row["received_at"] <= subject.until and (
                    subject.digests & set(row["lookups"].split()) or subject.mentions(_text(message))
                ):
                    yield row["quarantine_id"]
            after = rows[-1][0]["quarantine_id"]


def _text(message) -> str:
    if isinstance(message, str):
        return message
    import msgspec

    return msgspec.json.encode(message).decode()
