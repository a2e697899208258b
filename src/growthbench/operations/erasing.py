"""Erase a person from everything there is, and prove it later.

First, in one transaction: all rows that the person's keys lead to, their key and ids, and a receipt; from then on
nobody is answered about them. Then, at leisure and again after a crash: mentions in rows about others, refused events,
lakes and files of the home, keys in the vaults of backups; at last what deleting leaves behind in the database's files.
"""

import base64
import fcntl
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from sqlalchemy import Connection, func, select

from growthbench.base.clock import now_us
from growthbench.base.errors import ArtifactError, NotFoundError, NotReadyError
from growthbench.base.ids import new_id
from growthbench.events.heads import Head, lock_head, move_head
from growthbench.events.tables import events
from growthbench.operations import vault_file
from growthbench.operations.compaction import compact
from growthbench.operations.freed_numbers import freed, numbers_of
from growthbench.operations.holders import HOLDERS, PREDICTIONS
from growthbench.operations.home_files import HomeFiles
from growthbench.operations.lakes import Lakes
from growthbench.operations.mentions import Mentions
from growthbench.operations.quarantined import Quarantined
from growthbench.operations.receipts import Receipt, read_receipt, receipts, write_receipt
from growthbench.operations.refused_entries import RefusedEntries
from growthbench.operations.runs_touched import Note, note
from growthbench.operations.whom import whom
from growthbench.people.directory import Directory, Ident
from growthbench.people.links import lock_profiles
from growthbench.people.subject import Subject
from growthbench.store.audit import Audit
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring
from growthbench.store.tables import metadata

if TYPE_CHECKING:
    from growthbench.store.group_commit import GroupCommit

_log = logging.getLogger("growthbench.operations")
_ABOUT = "erasure/{}/{}"


@dataclass(frozen=True)
class Verified:
    """What searching again found.

    Attributes
    ----------
    receipt : Receipt
    found : dict of str to int
        Rows, lines or keys about the person, by store; all 0 when the erasure holds.
    """

    receipt: Receipt
    found: dict[str, int]

    @property
    def holds(self) -> bool:
        """Nothing is found, and the receipt is what was written."""
        return self.receipt.whole and not any(self.found.values())

    def told(self) -> dict[str, Any]:
        """As a caller gets it."""
        return {
            "receipt_id": self.receipt.receipt_id,
            "holds": self.holds,
            "receipt_unchanged": self.receipt.whole,
            "stores": [{"store": name, "found": n} for name, n in self.found.items()],
        }


class Sweep(Protocol):
    """A store that the person's keys do not lead through: it is searched from end to end."""

    name: str

    def erase(self, subject: Subject) -> int:
        """Remove what is held about the subject; returns how much."""
        ...

    def find(self, subject: Subject) -> int:
        """Count what is held about the subject."""
        ...


class Eraser:
    """Erases people of one tenant.

    Parameters
    ----------
    store : Store
    home : Path
    keyring : Keyring
    tenant : str
    commits : GroupCommit, optional
        Whose waiting writes are to be in the store first.
    redis_url : str, optional
        Where intake streams keep what they refused.
    """

    def __init__(
        self,
        store: Store,
        home: Path,
        keyring: Keyring,
        tenant: str = "local",
        commits: "GroupCommit | None" = None,
        redis_url: str | None = None,
    ):
        self.store, self.home, self.keyring, self.tenant = store, Path(home), keyring, tenant
        self.commits, self.redis_url = commits, redis_url

    def erase(self, ident: Ident, actor: str = "operator") -> Receipt:
        """Erase whoever has an id, with everybody merged into them, to the end.

        Raises
        ------
        NotFoundError
            Nothing is known of them.
        GoneError
            They were erased before and have not come back.
        NotReadyError
            The rows are gone, but their space cannot be overwritten now; `finish` does it later.
        """
        return self.finish(self.begin(ident, actor).receipt_id)

    def begin(self, ident: Ident, actor: str = "operator") -> Receipt:
        """The first half: after it nothing answers about the person any more."""
        if self.commits is not None:
            self.commits.flush()
        with self.store.writing() as connection:
            if self.store.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            head = lock_head(connection, self.tenant)
            lock_profiles(connection, self.tenant)
            persons, ids = whom(connection, Directory(self.store, self.keyring, self.tenant), ident)
            receipt = self._opened(connection, persons, ids, head)
            subject = self._subject(receipt)
            numbers = numbers_of(connection, subject)
            stores = {h.name: self._removed(h, connection, subject, receipt.receipt_id) for h in HOLDERS}
            receipt = replace(receipt, stores=stores, numbers=freed(connection, self.tenant, numbers))
            # Whoever remembers people asks again from now on.
            move_head(connection, self.tenant, head.seq, head.received_at, people_changed=True)
            write_receipt(connection, receipt)
            self._audit(connection, actor, "person.erased", receipt, {"rows": sum(stores.values())})
        return receipt

    def finish(self, receipt_id: str) -> Receipt:
        """The second half; does nothing where it is done already."""
        receipt = self.sweep(receipt_id)
        if receipt.done:
            return receipt
        compact(self.store, touched(receipt))
        return self.close_off(receipt_id)

    def sweep(self, receipt_id: str) -> Receipt:
        """Remove everything that the person's keys do not lead to, if that is still to do."""
        with self._alone():
            receipt = self.receipt(receipt_id)
            return receipt if receipt.sealed is None else self._swept(receipt)

    def close_off(self, receipt_id: str) -> Receipt:
        """Finish the receipt, when what was deleted has been overwritten (`compaction.compact`)."""
        with self._alone():
            receipt = self.receipt(receipt_id)
            if receipt.done:
                return receipt
            receipt = receipt.sealed_off(now_us())
            with self.store.writing() as connection:
                write_receipt(connection, receipt)
                self._audit(connection, "service", "person.erased.done", receipt, {"digest": receipt.digest})
            for vault in self._vaults():
                with suppress(ArtifactError):  # a damaged one is told in the receipt
                    vault_file.prune(vault, receipt)
            return receipt

    def unfinished(self) -> list[str]:
        """Ids of receipts whose second half is still to do."""
        with self.store.reading() as connection:
            return [r.receipt_id for r in receipts(connection, self.tenant, unfinished=True)]

    def receipt(self, receipt_id: str) -> Receipt:
        """A receipt; NotFoundError if there is none of this id."""
        with self.store.reading() as connection:
            return read_receipt(connection, self.tenant, receipt_id)

    def verify(self, receipt_id: str, ids: Sequence[str] = (), deep: bool = True) -> Verified:
        """Search everything again.

        Parameters
        ----------
        ids : sequence of str, optional
            Ids and addresses of the person in plain, of which the receipt holds digests only: with them every byte of
            the home's files is compared, too.
        deep : bool, default True
            See `Mentions`.
        """
        receipt = self.receipt(receipt_id)
        subject = receipt.subject(self.keyring.lookup, tuple(ids))
        with self.store.reading() as connection:
            found = {holder.name: holder.find(connection, subject) for holder in HOLDERS}
        found |= {sweep.name: sweep.find(subject) for sweep in self._sweeps(receipt_id, deep)}
        found["vaults"] = sum(vault_file.holds(v, self.tenant, receipt.persons) for v in self._vaults())
        return Verified(receipt, found)

    def _opened(self, connection: Connection, persons: list[str], ids: set[tuple[str, str]], head: Head) -> Receipt:
        receipt_id = new_id("erasure")
        needles = sorted({value for _, value in ids})
        plain = [
            p for p in persons if p in needles and not p.startswith("per_")
        ]  # an id that served as key must not stay in the receipt
        about = _ABOUT.format(self.tenant, receipt_id).encode()
        sealed = self.keyring.seal(msgspec.json.encode([needles, plain]), about)
        first = select(func.min(events.c.received_at)).where(
            events.c.tenant_id == self.tenant, events.c.person.in_(persons)
        )
        return Receipt(
            tenant=self.tenant,
            receipt_id=receipt_id,
            persons=tuple(p for p in persons if p not in plain),
            lookups=tuple(sorted((kind, self._lookup(kind, value)) for kind, value in ids)),
            stores={},
            numbers=0,
            horizon=head.seq,
            requested_at=now_us(),
            sealed=base64.b64encode(sealed).decode(),
            first_received=connection.execute(first).scalar() or 0,
        )

    def _subject(self, receipt: Receipt) -> Subject:
        """The subject with its ids in plain, while the receipt still holds them sealed."""
        about = _ABOUT.format(self.tenant, receipt.receipt_id).encode()
        needles, plain = msgspec.json.decode(self.keyring.unseal(base64.b64decode(receipt.sealed or ""), about))
        return receipt.subject(self.keyring.lookup, tuple(needles), tuple(plain))

    def _removed(self, holder, connection: Connection, subject: Subject, receipt_id: str) -> int:
        if holder is PREDICTIONS:
            return PREDICTIONS.bury(connection, subject, receipt_id)
        return holder.erase(connection, subject)

    def _swept(self, receipt: Receipt) -> Receipt:
        """Everything but the rows that keys lead to; those once more, for what was under way meanwhile."""
        subject, stores, left = self._subject(receipt), dict(receipt.stores), list(receipt.left)
        sweeps = self._sweeps(receipt.receipt_id)
        for sweep in sweeps:
            stores[sweep.name] = stores.get(sweep.name, 0) + sweep.erase(subject)
        (lakes,) = (s for s in sweeps if isinstance(s, Lakes))
        (files,) = (s for s in sweeps if isinstance(s, HomeFiles))
        stores["vaults"] = 0
        for vault in vault_file.known_vaults(self.home):
            try:
                stores["vaults"] += vault_file.prune(vault, replace(receipt, sealed=None))
            except (NotFoundError, ArtifactError) as exc:
                left.append(f"{exc}; the next backup beside it prunes it")
        stores["caches"] = 0  # counted by nobody: people_version makes every worker forget
        sources = [*(["store"] if stores["events"] else []), *lakes.touched]
        told = Note(receipt.receipt_id, self.tenant, receipt.requested_at, receipt.first_received,
                    tuple(dict.fromkeys(sources)), tuple(files.runs))  # fmt: skip
        note(self.home, told)
        with self.store.writing() as connection:
            for holder in HOLDERS:
                stores[holder.name] += self._removed(holder, connection, subject, receipt.receipt_id)
            swept = replace(receipt, stores=stores, left=(*left, *files.left), sealed=None)
            write_receipt(connection, swept)
        return swept

    def _sweeps(self, receipt_id: str, deep: bool = True) -> tuple[Sweep, ...]:
        here = (Mentions(self.store, receipt_id, deep), Quarantined(self.store, self.keyring))
        redis = (RefusedEntries(self.redis_url),) if self.redis_url else ()
        return (*here, *redis, Lakes(self.home), HomeFiles(self.home))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Other processes wait: two of them must not finish the same erasure."""
        self.home.mkdir(parents=True, exist_ok=True)
        with open(self.home / ".erasing.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _vaults(self) -> Iterator[Path]:
        return (vault for vault in vault_file.known_vaults(self.home) if vault.exists())

    def _lookup(self, kind: str, value: str) -> str:
        return self.keyring.lookup(self.tenant, kind, value)

    def _audit(self, connection: Connection, actor: str, action: str, receipt: Receipt, detail: dict) -> None:
        Audit(self.store).write(self.tenant, actor, action, receipt.receipt_id, detail, connection)


def touched(receipt: Receipt) -> list[str]:
    """Tables that lost rows or texts by an erasure."""
    named = [name for name, n in receipt.stores.items() if n and name in metadata.tables]
    return [*named, "erasures", "log_heads", *(_TEXTS if receipt.stores.get("mentions") else ())]


_TEXTS = ("events", "event_values", "consents", "predictions", "channel_messages", "webhook_deliveries")


def finish_all(eraser: Eraser) -> int:
    """Finish what a crash or a busy store left unfinished; returns how many erasures are done now."""
    done = 0
    for receipt_id in eraser.unfinished():
        try:
            eraser.finish(receipt_id)
            done += 1
        except NotReadyError as exc:
            _log.warning("erasure %s is not finished yet: %s", receipt_id, exc)
    return done
