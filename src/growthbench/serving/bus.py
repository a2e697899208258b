"""What happens is told here: numbered messages in the store, and whoever follows them woken at once.

The store is the channel: a message is a row of ``channel_messages`` whose number is given inside the transaction that
commits it, so nobody who follows the numbers misses one; the topic ``events`` is the log itself. Waking only says that
there is more to read: by this process, by other workers through polling, or sooner through Redis.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.clock import DAY_US, now_us
from growthbench.events.tables import log_heads
from growthbench.serving.feeds import Feeds
from growthbench.serving.score_alerts import ScoreWatch
from growthbench.store.engine import Store
from growthbench.store.message_tables import channel_messages, tail_heads
from growthbench.store.messages import HEAD, Message, set_reader, write_messages

if TYPE_CHECKING:
    from growthbench.serving.webhook_dispatch import Dispatcher
    from growthbench.store.group_commit import GroupCommit

KEPT_DAYS = 7
"""How long messages stay, and how long after the last one who asked scores are still told."""

_WANT = "want:"
_NOTICE_S, _PRUNE_S = 2.0, 600.0
_WANTED_AGAIN_S = 3600.0
_log = logging.getLogger("growthbench.serving")


class Heads(NamedTuple):
    """Number of the last event of a tenant's log, and of the last message of its channel."""

    events: int = 0
    channel: int = 0


Follower = Callable[[str, Heads], None]
"""Told (tenant, heads) in the bus's own thread when there is more."""


class Bus:
    """Tells and wakes.

    Parameters
    ----------
    store : Store
    redis_url : str, optional
        Workers wake each other through this Redis; without it they look every ``poll_s``.
    poll_s : float, default 0.25
        How often to look for what other workers told, while somebody follows.

    Attributes
    ----------
    feeds : Feeds
        The newest messages, for the live channel's connections.
    scores : ScoreWatch
        Watches scores, and tells those that cross a threshold.
    dispatcher : Dispatcher or None
        Sends what webhooks wait for, once `messengers.start_messengers` started it.
    """

    def __init__(self, store: Store, redis_url: str | None = None, poll_s: float = 0.25):
        self.store, self.commits = store, None
        self.dispatcher: Dispatcher | None = None
        self._poll_s = poll_s
        self._followers: dict[str, set[Follower]] = {}
        self._known: dict[str, Heads] = {}
        self._wanted: frozenset[tuple[str, str]] = frozenset()
        self._said: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._wake, self._closed = threading.Event(), False
        self._stirred: set[str] = set()
        self._thread: threading.Thread | None = None
        self.feeds, self.scores = Feeds(), ScoreWatch(self)
        self._remote = None
        if redis_url:
            from growthbench.serving.bus_redis import RemoteWaking

            self._remote = RemoteWaking(redis_url, self._wake.set)

    def start(self, commits: "GroupCommit | None" = None) -> None:
        """Begin to look; ``commits`` has `write` as its writer ``channel``."""
        self.commits = commits
        self._notice()
        self._thread = threading.Thread(target=self._run, name="growthbench-bus", daemon=True)
        self._thread.start()
        if self._remote is not None:
            self._remote.start()

    def close(self) -> None:
        """Stop."""
        self._closed = True
        self._wake.set()
        if self._remote is not None:
            self._remote.close()
        if self._thread is not None:
            self._thread.join(5)

    def publish(
        self, topic: str, tenant: str, body: dict, person: str | None = None, connection: Connection | None = None
    ) -> int:
        """Tell something, now or with the caller's transaction; returns its number."""
        message = Message(topic, tenant, body, person)
        if connection is not None:
            return self.write(connection, [message])[0]
        with self.store.writing() as own:
            (seq,) = self.write(own, [message])
        self.wake(tenant)
        return seq

    def later(self, topic: str, tenant: str, body: dict, person: str | None = None) -> None:
        """Tell something with the next group commit."""
        self.commits.later("channel", Message(topic, tenant, body, person))

    def write(self, connection: Connection, messages: Sequence[Message]) -> list[int]:
        """Write messages inside a transaction: a `Writer` of the group commit; returns their numbers."""
        seqs = write_messages(connection, messages)
        self._stirred.update(m.tenant for m in messages)
        self._wake.set()  # it looks a little later, when the transaction has most likely ended; else at the next poll
        return seqs

    def wake(self, tenant: str) -> None:
        """Say that something of a tenant was committed; costs nothing where nobody follows."""
        if tenant in self._followers or self._remote is not None:
            self._stirred.add(tenant)
            self._wake.set()

    def follow(self, tenant: str, follower: Follower) -> None:
        """Be told when there is more of a tenant."""
        with self._lock:
            self._followers.setdefault(tenant, set()).add(follower)
        self._wake.set()

    def leave(self, tenant: str, follower: Follower) -> None:
        """Be told no more."""
        with self._lock:
            kept = self._followers.get(tenant, set())
            kept.discard(follower)
            if not kept:
                self._followers.pop(tenant, None)
                self._known.pop(tenant, None)

    def followers(self, tenant: str | None = None) -> int:
        """How many follow a tenant, or any."""
        with self._lock:
            return sum(len(f) for t, f in self._followers.items() if tenant in (None, t))

    def want(self, tenant: str, topic: str) -> None:
        """Ask that a costly topic (scores) be told for the next days; all workers know within two seconds."""
        now = time.monotonic()
        if now - self._said.get((tenant, topic), -_WANTED_AGAIN_S) < _WANTED_AGAIN_S:
            return
        with self.store.writing() as connection:
            set_reader(connection, tenant, _WANT + topic, now_us())
        self._said[tenant, topic] = now
        self._wanted |= {(tenant, topic)}

    def wanted(self, tenant: str, topic: str) -> bool:
        """Whether anybody wants a costly topic."""
        return (tenant, topic) in self._wanted

    @property
    def anything_wanted(self) -> bool:
        """Whether any tenant wants any costly topic."""
        return bool(self._wanted)

    def heads(self, tenants: Iterable[str], connection: Connection | None = None) -> dict[str, Heads]:
        """Heads of tenants."""
        tenants = list(tenants)
        if connection is None:
            with self.store.reading() as own:
                return self.heads(tenants, own)
        logs = select(log_heads.c.tenant_id, log_heads.c.seq).where(log_heads.c.tenant_id.in_(tenants))
        channels = select(tail_heads.c.tenant_id, tail_heads.c.seq).where(
            tail_heads.c.tenant_id.in_(tenants), tail_heads.c.reader == HEAD
        )
        events, channel = dict(connection.execute(logs).all()), dict(connection.execute(channels).all())
        return {t: Heads(events.get(t, 0), channel.get(t, 0)) for t in tenants}

    def _run(self) -> None:
        noticed = pruned = time.monotonic()
        while not self._closed:
            following = self._followers or self._remote is not None
            woken = self._wake.wait(self._poll_s if following else _NOTICE_S)
            self._wake.clear()
            if woken:
                time.sleep(0.01)  # together with what follows at once
            try:
                self._look()
                now = time.monotonic()
                if now - noticed >= _NOTICE_S:
                    self._notice()
                    noticed = now
                if now - pruned >= _PRUNE_S:
                    self.prune()
                    pruned = now
            except SQLAlchemyError as exc:
                _log.warning("the live channel cannot read the store: %s", str(exc).splitlines()[0])
                time.sleep(1.0)

    def _look(self) -> None:
        stirred, self._stirred = self._stirred, set()
        if self._remote is not None and stirred:
            self._remote.tell(list(stirred))
        with self._lock:
            followed = {tenant: list(followers) for tenant, followers in self._followers.items()}
        if not followed:
            return
        for tenant, heads in self.heads(followed).items():
            if heads != self._known.get(tenant):
                self._known[tenant] = heads
                for follower in followed[tenant]:
                    with contextlib.suppress(RuntimeError):  # its event loop is closed
                        follower(tenant, heads)

    def _notice(self) -> None:
        """Learn what is wanted, in this and in other workers, and at which scores to alert."""
        recent = now_us() - KEPT_DAYS * DAY_US
        query = select(tail_heads.c.tenant_id, tail_heads.c.reader).where(
            tail_heads.c.reader.startswith(_WANT, autoescape=True), tail_heads.c.seq > recent
        )
        with self.store.reading() as connection:
            self._wanted = frozenset((t, reader.removeprefix(_WANT)) for t, reader in connection.execute(query))
            self.scores.notice(connection)

    def prune(self, before: int | None = None) -> int:
        """Delete messages told before a moment, by default a week ago."""
        before = now_us() - KEPT_DAYS * DAY_US if before is None else before
        with self.store.writing() as connection:
            return connection.execute(
                delete(channel_messages).where(channel_messages.c.created_at < before)
            ).rowcount  # fmt: skip
