"""Events that were refused, kept sealed until somebody mends what was wrong and lets them in again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from growthbench.base.clock import now_us, to_iso
from growthbench.base.ids import new_id
from growthbench.people.tables import quarantine
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring

_ABOUT = b"quarantine"
_IDS = {"userId": "user", "anonymousId": "anonymous", "previousId": "anonymous", "user_id": "user",
        "anonymous_id": "anonymous"}  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """A refused message, ready to be written: why, and its sealed text."""

    quarantine_id: str
    reason: str
    field: str | None
    source: str
    lookups: str
    raw: bytes
    received_at: int


def refused(
    keyring: Keyring, tenant: str, raw: bytes, reason: str, field: str | None, source: str, received_at: int
) -> Refused:
    """A refused message.

    Parameters
    ----------
    source : str
        Kind of message the route took it for, ``batch`` for the message's own ``type``.
    """
    found = sorted({keyring.lookup(tenant, kind, value) for kind, value in _ids(raw)})
    sealed = keyring.seal(bytes(raw), _ABOUT)
    return Refused(new_id("quar"), reason[:500], field, source, " ".join(found), sealed, received_at)


def keep(connection: Connection, tenant: str, some: Sequence[Refused]) -> None:
    """Write refused messages inside the caller's transaction."""
    rows = [{name: getattr(r, name) for name in r.__dataclass_fields__} | {"tenant_id": tenant} for r in some]
    connection.execute(insert(quarantine), rows)


class Quarantine:
    """One tenant's refused events."""

    def __init__(self, store: Store, keyring: Keyring, tenant: str):
        self.store, self.keyring, self.tenant = store, keyring, tenant

    def count(self) -> int:
        """How many wait."""
        query = select(func.count()).select_from(quarantine).where(*self._waiting())
        with self.store.reading() as connection:
            return connection.execute(query).scalar_one()

    def listing(self, limit: int = 100, after: str = "") -> list[dict[str, Any]]:
        """What waits, oldest first: id, reason, field, source, time and the message; page with the last id."""
        return [
            {
                "quarantine_id": row["quarantine_id"],
                "reason": row["reason"],
                "field": row["field"],
                "source": row["source"],
                "received_at": to_iso(row["received_at"]),
                "message": text,
            }
            for row, text in self.raw(limit, after)
        ]

    def raw(self, limit: int | None = None, after: str = "") -> Iterator[tuple[dict[str, Any], Any]]:
        """Rows that wait with their messages: JSON values, or text where it is no JSON."""
        query = (
            select(quarantine)
            .where(*self._waiting(), quarantine.c.quarantine_id > after)
            .order_by(quarantine.c.quarantine_id)
            .limit(limit)
        )
        with self.store.reading() as connection:
            rows = [dict(r) for r in connection.execute(query).mappings()]
        for row in rows:
            text = self.keyring.unseal(row["raw"], _ABOUT)
            yield row, _readable(text)

    def replay(self, take: Callable[[bytes, str, int], str | None], limit: int = 1_000) -> dict[str, int]:
        """Try waiting messages again.

        Parameters
        ----------
        take : callable
            Gets (raw message, source, received_at); returns None when the log has the event now, or why not.

        Returns
        -------
        dict
            ``replayed`` and ``refused`` counts. A message without an id of its own was given one when it was refused,
            so that replaying twice cannot make two events of it.
        """
        done = left = 0
        query = select(quarantine).where(*self._waiting()).order_by(quarantine.c.quarantine_id).limit(limit)
        with self.store.reading() as connection:
            rows = [dict(r) for r in connection.execute(query).mappings()]
        for row in rows:
            mine = (quarantine.c.tenant_id == self.tenant, quarantine.c.quarantine_id == row["quarantine_id"])
            raw = _with_id(self.keyring.unseal(row["raw"], _ABOUT), row["quarantine_id"])
            why = take(raw, row["source"], row["received_at"])
            with self.store.writing() as connection:
                if why is None:
                    connection.execute(delete(quarantine).where(*mine))
                else:
                    connection.execute(update(quarantine).where(*mine).values(reason=why[:500], replayed_at=now_us()))
            done, left = done + (why is None), left + (why is not None)
        return {"replayed": done, "refused": left}

    def _waiting(self) -> tuple:
        return (quarantine.c.tenant_id == self.tenant,)


def _with_id(raw: bytes, quarantine_id: str) -> bytes:
    message = _readable(raw)
    if not isinstance(message, dict) or message.get("messageId"):
        return raw
    return msgspec.json.encode(message | {"messageId": quarantine_id})


def _readable(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw.decode("utf-8", "replace")


def _ids(raw: bytes) -> set[tuple[str, str]]:
    message = _readable(raw)
    if not isinstance(message, dict):
        return set()
    return {(kind, str(message[name])) for name, kind in _IDS.items() if message.get(name) not in (None, "")}
