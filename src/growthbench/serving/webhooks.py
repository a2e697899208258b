"""Webhooks of a tenant and their deliveries: what is kept of them in the store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from growthbench.base.clock import DAY_US, now_us, to_iso
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.base.ids import new_id
from growthbench.serving.bus import Bus
from growthbench.serving.webhook_post import check_url, new_secret, private_allowed
from growthbench.store.audit import Audit
from growthbench.store.message_tables import tail_heads, webhook_deliveries, webhooks
from growthbench.store.messages import TOPICS, set_reader

if TYPE_CHECKING:
    from growthbench.store.engine import Store
    from growthbench.store.keyring import Keyring

MOST_WEBHOOKS = 20
OLD_SECRET_S = 24 * 3600
"""How long the secret before still signs, beside the new one."""

WAITING, DELIVERED, GIVEN_UP = "waiting", "delivered", "given_up"
STATES = (WAITING, DELIVERED, GIVEN_UP)
STREAMS = ("events", "channel")


@dataclass(frozen=True)
class Webhook:
    """One webhook.

    Attributes
    ----------
    tenant_id, webhook_id, url : str
    topics : tuple of str
    sealed : bytes
        Its secrets, sealed by the key ring.
    created_at : int
        UTC µs.
    disabled_at : int or None
        Nothing is sent since then.
    """

    tenant_id: str
    webhook_id: str
    url: str
    topics: tuple[str, ...]
    sealed: bytes
    created_at: int
    disabled_at: int | None

    @property
    def streams(self) -> tuple[str, ...]:
        """``events``, ``channel``, or both: what it reads."""
        return tuple(s for s in STREAMS if any((t == "events") == (s == "events") for t in self.topics))

    def to_dict(self) -> dict[str, Any]:
        """As its owner sees it."""
        return {
            "webhook_id": self.webhook_id,
            "url": self.url,
            "topics": list(self.topics),
            "created_at": to_iso(self.created_at),
            "disabled_at": None if self.disabled_at is None else to_iso(self.disabled_at),
        }


def about_secret(tenant: str, webhook_id: str) -> bytes:
    """What the sealed secret of a webhook is sealed about."""
    return f"webhook/{tenant}/{webhook_id}".encode()


def reader_of(webhook_id: str, stream: str) -> str:
    """Name of the row of ``tail_heads`` that says how far a webhook has been told."""
    return f"webhook:{webhook_id}:{stream}"


class Webhooks:
    """The webhooks of all tenants.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    bus : Bus
    """

    def __init__(self, store: "Store", keyring: "Keyring", bus: Bus):
        self.store, self.keyring, self.bus, self.audit = store, keyring, bus, Audit(store)

    def create(self, tenant: str, url: str, topics: Sequence[str], actor: str = "operator") -> tuple[Webhook, str]:
        """Make a webhook; its secret is given once. It is told what happens from now on.

        Raises
        ------
        BadInputError
            ``field`` names what is wrong with URL or topics.
        ConflictError
            There are too many.
        """
        check_url(url, private_allowed())
        topics, secret, webhook_id = checked_topics(topics), new_secret(), new_id("wh")
        sealed = self._seal(tenant, webhook_id, [{"secret": secret, "until": None}])
        made = Webhook(tenant, webhook_id, url, topics, sealed, now_us(), None)
        with self.store.writing() as connection:
            if len(_listed(connection, tenant)) >= MOST_WEBHOOKS:
                raise ConflictError(f"a tenant has at most {MOST_WEBHOOKS} webhooks")
            connection.execute(
                insert(webhooks).values(tenant_id=tenant, webhook_id=webhook_id, url=url, topics=" ".join(topics),
                                        secret=sealed, created_at=made.created_at)
            )  # fmt: skip
            self._from_now(connection, made)
            detail = {"topics": list(topics)}
            self.audit.write(tenant, actor, "webhook.created", webhook_id, detail, connection)
        if "scores" in topics:
            self.bus.want(tenant, "scores")
        return made, secret

    def of(self, tenant: str | None = None) -> list[Webhook]:
        """Webhooks of one tenant, or of all."""
        with self.store.reading() as connection:
            return _listed(connection, tenant)

    def get(self, tenant: str, webhook_id: str) -> Webhook:
        """One webhook; NotFoundError if the tenant has none of this id."""
        with self.store.reading() as connection:
            return _get(connection, tenant, webhook_id)

    def change(
        self,
        tenant: str,
        webhook_id: str,
        url: str | None = None,
        topics: Sequence[str] | None = None,
        enabled: bool | None = None,
        actor: str = "operator",
    ) -> Webhook:
        """Change what is given; one that is enabled again is told what happens from then on."""
        if url is not None:
            check_url(url, private_allowed())
        changes: dict[str, Any] = {} if url is None else {"url": url}
        if topics is not None:
            changes["topics"] = " ".join(checked_topics(topics))
        with self.store.writing() as connection:
            old = _get(connection, tenant, webhook_id)
            if enabled is not None:
                changes["disabled_at"] = None if enabled else old.disabled_at or now_us()
            if changes:
                connection.execute(update(webhooks).where(*_mine(tenant, webhook_id)).values(**changes))
            new = _get(connection, tenant, webhook_id)
            if old.disabled_at is not None and new.disabled_at is None:
                self._from_now(connection, new)
            else:
                self._from_now(connection, new, set(new.streams) - set(old.streams))
            told = {name: new.to_dict()[name] for name in ("topics", "disabled_at")}
            self.audit.write(tenant, actor, "webhook.changed", webhook_id, told, connection)
        if "scores" in new.topics:
            self.bus.want(tenant, "scores")
        return new

    def delete(self, tenant: str, webhook_id: str, actor: str = "operator") -> None:
        """Delete a webhook with its deliveries."""
        with self.store.writing() as connection:
            _get(connection, tenant, webhook_id)
            connection.execute(delete(webhooks).where(*_mine(tenant, webhook_id)))
            d, t = webhook_deliveries.c, tail_heads.c
            connection.execute(delete(webhook_deliveries).where(d.tenant_id == tenant, d.webhook_id == webhook_id))
            readers = [reader_of(webhook_id, stream) for stream in STREAMS]
            connection.execute(delete(tail_heads).where(t.tenant_id == tenant, t.reader.in_(readers)))
            self.audit.write(tenant, actor, "webhook.deleted", webhook_id, {}, connection)

    def new_secret(self, tenant: str, webhook_id: str, actor: str = "operator") -> str:
        """Another secret; for a day the one before signs too, so that receivers can change over."""
        secret, until = new_secret(), now_us() + OLD_SECRET_S * 1_000_000
        with self.store.writing() as connection:
            old = _get(connection, tenant, webhook_id)
            kept = [{**one, "until": one["until"] or until} for one in self._unseal(old)][:1]
            sealed = self._seal(tenant, webhook_id, [{"secret": secret, "until": None}, *kept])
            connection.execute(update(webhooks).where(*_mine(tenant, webhook_id)).values(secret=sealed))
            self.audit.write(tenant, actor, "webhook.new_secret", webhook_id, {}, connection)
        return secret

    def secrets(self, webhook: Webhook) -> list[str]:
        """Secrets that sign now."""
        now = now_us()
        return [one["secret"] for one in self._unseal(webhook) if one["until"] is None or one["until"] > now]

    def deliveries(
        self, tenant: str, webhook_id: str, state: str | None = None, limit: int = 100, after: str | None = None
    ) -> list[dict[str, Any]]:
        """Deliveries of a webhook, the newest first.

        Parameters
        ----------
        after : str, optional
            Id of the last one seen.
        """
        if state is not None and state not in STATES:
            raise BadInputError(f"state must be one of {', '.join(STATES)}, found {state!r}", field="state")
        c = webhook_deliveries.c
        query = select(webhook_deliveries).where(c.tenant_id == tenant, c.webhook_id == webhook_id)
        query = query if state is None else query.where(c.state == state)
        if after is not None:
            seen = select(c.created_at).where(c.tenant_id == tenant, c.delivery_id == after).scalar_subquery()
            query = query.where(or_(c.created_at < seen, and_(c.created_at == seen, c.delivery_id < after)))
        query = query.order_by(c.created_at.desc(), c.delivery_id.desc()).limit(limit)
        with self.store.reading() as connection:
            _get(connection, tenant, webhook_id)
            rows = connection.execute(query).mappings().all()
        return [_told(row) for row in rows]

    def redeliver(self, tenant: str, webhook_id: str, delivery_id: str) -> dict[str, Any]:
        """Send a delivery again, under its old id: a receiver that has it can tell."""
        c = webhook_deliveries.c
        mine = (c.tenant_id == tenant, c.webhook_id == webhook_id, c.delivery_id == delivery_id)
        with self.store.writing() as connection:
            if _get(connection, tenant, webhook_id).disabled_at is not None:
                raise ConflictError("the webhook is disabled: enable it first")
            again = {"state": WAITING, "attempts": 0, "next_at": now_us(), "last_error": None}
            connection.execute(update(webhook_deliveries).where(*mine).values(**again))
            row = connection.execute(select(webhook_deliveries).where(*mine)).mappings().one_or_none()
        if row is None:
            raise NotFoundError(f"there is no delivery {delivery_id!r}")
        return _told(row)

    def prune(self, before: int | None = None) -> int:
        """Delete finished deliveries made before a moment, by default a week ago."""
        before = now_us() - 7 * DAY_US if before is None else before
        c = webhook_deliveries.c
        with self.store.writing() as connection:
            old = delete(webhook_deliveries).where(c.state != WAITING, c.created_at < before)
            return connection.execute(old).rowcount

    def _from_now(self, connection: Connection, webhook: Webhook, streams: set[str] | None = None) -> None:
        heads = self.bus.heads([webhook.tenant_id], connection)[webhook.tenant_id]
        for stream in webhook.streams if streams is None else streams:
            set_reader(connection, webhook.tenant_id, reader_of(webhook.webhook_id, stream), getattr(heads, stream))

    def _seal(self, tenant: str, webhook_id: str, told: list[dict]) -> bytes:
        return self.keyring.seal(json.dumps(told).encode(), about_secret(tenant, webhook_id))

    def _unseal(self, webhook: Webhook) -> list[dict]:
        return json.loads(self.keyring.unseal(webhook.sealed, about_secret(webhook.tenant_id, webhook.webhook_id)))


def checked_topics(topics: Sequence[str]) -> tuple[str, ...]:
    """Topics in their own order, each once; BadInputError if there is none or an unknown one."""
    unknown = [t for t in topics if t not in TOPICS]
    if not topics or unknown:
        found = repr(unknown[0]) if unknown else "none"
        raise BadInputError(f"topics must be of {', '.join(TOPICS)}, found {found}", field="topics")
    return tuple(t for t in TOPICS if t in topics)


def _mine(tenant: str, webhook_id: str) -> tuple:
    return webhooks.c.tenant_id == tenant, webhooks.c.webhook_id == webhook_id


def _listed(connection: Connection, tenant: str | None) -> list[Webhook]:
    query = select(webhooks).order_by(webhooks.c.tenant_id, webhooks.c.webhook_id)
    query = query if tenant is None else query.where(webhooks.c.tenant_id == tenant)
    return [_webhook(row) for row in connection.execute(query).mappings()]


def _get(connection: Connection, tenant: str, webhook_id: str) -> Webhook:
    row = connection.execute(select(webhooks).where(*_mine(tenant, webhook_id))).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"there is no webhook {webhook_id!r}")
    return _webhook(row)


def _webhook(row: Mapping[str, Any]) -> Webhook:
    return Webhook(row["tenant_id"], row["webhook_id"], row["url"], tuple(row["topics"].split()),
                   bytes(row["secret"]), row["created_at"], row["disabled_at"])  # fmt: skip


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "delivery_id": row["delivery_id"],
        "topic": row["topic"],
        "seq": json.loads(row["body"])["seq"],
        "state": row["state"],
        "attempts": row["attempts"],
        "next_at": to_iso(row["next_at"]) if row["state"] == WAITING else None,
        "created_at": to_iso(row["created_at"]),
        "last_error": row["last_error"],
    }
