"""Sends what webhooks wait for: from the topics into deliveries, and each delivery until it is taken or given up.

Both steps are transactions in the store, so any number of workers may do them and any may die: a place moves with the
deliveries made up to it, and a delivery that is under way is lent for a while, not taken out.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from growthbench.base.clock import SECOND_US, now_us
from growthbench.base.errors import GrowthbenchError
from growthbench.serving.bus import Heads
from growthbench.serving.channel import message_told, names_of, read_events
from growthbench.serving.webhook_post import Answered, DeliveryError, post, private_allowed, signature
from growthbench.serving.webhook_spread import spread
from growthbench.serving.webhooks import DELIVERED, GIVEN_UP, WAITING, Webhook, Webhooks
from growthbench.store.breaker import Breaker, BreakerOpenError
from growthbench.store.message_tables import webhook_deliveries

if TYPE_CHECKING:
    from growthbench.serving.state import State

MOST_ATTEMPTS = 10
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 4 * 3600.0
LEND_S = 60.0
"""How long a delivery under way is lent to a worker; longer than one attempt can take."""

_SENDERS, _PER_WEBHOOK = 8, 2
_LOOK_S, _LIST_S, _PRUNE_S = 1.0, 2.0, 600.0
_log = logging.getLogger("growthbench.serving")


def wait_s(attempts: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait after a failed attempt: 5 s, 20 s, 80 s ... at most 4 h, each up to a fifth shorter or longer."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 4.0 ** (attempts - 1)) * (0.8 + 0.4 * chance())


class Dispatcher:
    """The sending of one worker.

    Parameters
    ----------
    state : State
    kept : Webhooks
    """

    def __init__(self, state: "State", kept: Webhooks):
        self._state, self._kept, self._store = state, kept, state.store
        self._hooks: list[Webhook] = []
        self._heads: dict[str, Heads] = {}
        self._under_way: dict[str, int] = {}
        self._breakers: dict[str, Breaker] = {}
        self._lock = threading.Lock()
        self._wake, self._changed, self._closed = threading.Event(), True, False
        self._pool = ThreadPoolExecutor(_SENDERS, "growthbench-webhook")
        self._thread = threading.Thread(target=self._run, name="growthbench-webhooks", daemon=True)
        self._followed: set[str] = set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once: a webhook changed, or a delivery is to be made again."""
        self._heads.clear()
        self._changed = True
        self._wake.set()

    def close(self) -> None:
        """Finish the attempts under way and stop; what waits is sent after the next start, or by other workers."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)
        for tenant in self._followed:
            self._kept.bus.leave(tenant, self._stirred)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def breakers(self) -> dict[str, str]:
        """State of the circuit to each receiver that failed lately, by webhook id."""
        urls = {h.url: h.webhook_id for h in self._hooks}
        with self._lock:
            return {urls.get(u, "deleted"): b.state.value for u, b in self._breakers.items() if b.retry_after > 0}

    def _run(self) -> None:
        listed = pruned = float("-inf")
        while not self._closed:
            try:
                now = time.monotonic()
                if self._changed or now - listed >= _LIST_S:
                    self._changed = False
                    self._list()
                    listed = now
                more = self.spread()
                more = self.send_due() > 0 or more
                if now - pruned >= _PRUNE_S:
                    self._kept.prune()
                    pruned = now
            except (SQLAlchemyError, GrowthbenchError) as exc:
                _log.warning("webhooks wait: %s", str(exc).splitlines()[0])
                more = False
            self._wake.wait(0.02 if more else _LOOK_S if self._hooks else _LIST_S)
            self._wake.clear()

    def _list(self) -> None:
        """Learn which webhooks there are, and follow their tenants."""
        self._hooks = [h for h in self._kept.of() if h.disabled_at is None]
        for hook in self._hooks:
            if "scores" in hook.topics:
                self._kept.bus.want(hook.tenant_id, "scores")
        tenants = {h.tenant_id for h in self._hooks}
        for tenant in tenants - self._followed:
            self._kept.bus.follow(tenant, self._stirred)
        for tenant in self._followed - tenants:
            self._kept.bus.leave(tenant, self._stirred)
        self._followed = tenants
        urls = {h.url for h in self._hooks}
        with self._lock:
            self._breakers = {url: breaker for url, breaker in self._breakers.items() if url in urls}

    def _stirred(self, tenant: str, heads: Heads) -> None:
        self._wake.set()

    def spread(self) -> bool:
        """Make deliveries of what happened; whether there is more."""
        tenants = {h.tenant_id for h in self._hooks}
        if not tenants:
            return False
        heads, more = self._kept.bus.heads(tenants), False
        for tenant in tenants:
            if heads[tenant] != self._heads.get(tenant):
                mine = [h for h in self._hooks if h.tenant_id == tenant]
                rest = [spread(self._store, hook, stream, heads[tenant]) for hook in mine for stream in hook.streams]
                more = more or any(rest)
                if not any(rest):
                    self._heads[tenant] = heads[tenant]
        return more

    def send_due(self) -> int:
        """Begin what is due; how many attempts were begun."""
        begun = 0
        for row in self._due():
            if self._begin(row):
                begun += 1
                self._pool.submit(self._attempt, row)
        return begun

    def _due(self) -> list[dict[str, Any]]:
        """As many as there are free senders, few of each webhook: a slow receiver must not keep the others waiting."""
        with self._lock:
            room = dict(self._under_way)
        free = _SENDERS - sum(room.values())
        if free <= 0:
            return []
        full = [hook for hook, n in room.items() if n >= _PER_WEBHOOK]
        c, chosen = webhook_deliveries.c, []
        due = select(webhook_deliveries).where(c.state == WAITING, c.next_at <= now_us())
        due = due.where(c.webhook_id.not_in(full)) if full else due
        with self._store.reading() as connection:
            for row in connection.execute(due.order_by(c.next_at).limit(10 * _SENDERS)).mappings():
                if len(chosen) < free and room.get(row["webhook_id"], 0) < _PER_WEBHOOK:
                    room[row["webhook_id"]] = room.get(row["webhook_id"], 0) + 1
                    chosen.append(dict(row))
        return chosen

    def _begin(self, row: dict[str, Any]) -> bool:
        """Borrow a delivery; False if another worker has it."""
        c = webhook_deliveries.c
        lent = {"next_at": now_us() + int(LEND_S * SECOND_US), "attempts": row["attempts"] + 1}
        mine = (*_this(row), c.state == WAITING, c.next_at == row["next_at"])
        with self._store.writing() as connection:
            if not connection.execute(update(webhook_deliveries).where(*mine).values(**lent)).rowcount:
                return False
        row["attempts"] += 1
        with self._lock:
            self._under_way[row["webhook_id"]] = self._under_way.get(row["webhook_id"], 0) + 1
        return True

    def _attempt(self, row: dict[str, Any]) -> None:
        try:
            self._end(row, *self.attempt(row))
        except (SQLAlchemyError, GrowthbenchError) as exc:  # lent: it comes again by itself
            _log.warning("delivery %s: %s", row["delivery_id"], str(exc).splitlines()[0])
        except Exception:
            _log.exception("delivery %s", row["delivery_id"])
        finally:
            with self._lock:
                self._under_way[row["webhook_id"]] -= 1
                if not self._under_way[row["webhook_id"]]:
                    del self._under_way[row["webhook_id"]]
            self._wake.set()

    def attempt(self, row: dict[str, Any]) -> tuple[str, float, str | None]:
        """Try one delivery: its state after it, seconds until the next attempt, what went wrong."""
        hook = next((h for h in self._kept.of(row["tenant_id"]) if h.webhook_id == row["webhook_id"]), None)
        if hook is None or hook.disabled_at is not None:
            return GIVEN_UP, 0, "the webhook is disabled"
        body = self._body(row)
        if body is None:
            return GIVEN_UP, 0, "what it told was erased"
        timestamp = now_us() // SECOND_US
        headers = {
            "content-type": "application/json",
            "user-agent": "growthbench-webhooks",
            "webhook-id": row["delivery_id"],
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._kept.secrets(hook), row["delivery_id"], timestamp, body),
        }
        try:
            with self._breaker(hook.url):
                answered = post(hook.url, headers, body, private_allowed())
                if answered.status >= 500:
                    raise _ServerError(answered)
        except BreakerOpenError as exc:
            row["attempts"] -= 1  # it was not tried
            return WAITING, exc.retry_after + random.random(), row["last_error"]
        except _ServerError as exc:
            answered = exc.answered
        except DeliveryError as exc:
            return self._again(row, str(exc), None)
        if 200 <= answered.status < 300:
            return DELIVERED, 0, None
        if answered.status == 410:
            self._kept.change(row["tenant_id"], row["webhook_id"], enabled=False, actor="service")
            return GIVEN_UP, 0, "the receiver answered 410: the webhook is disabled"
        return self._again(row, f"the receiver answered {answered.status}", answered.retry_after)

    @staticmethod
    def _again(row: dict[str, Any], why: str, asked_s: float | None) -> tuple[str, float, str]:
        if row["attempts"] >= MOST_ATTEMPTS:
            return GIVEN_UP, 0, why
        return WAITING, max(wait_s(row["attempts"]), min(asked_s or 0, LONGEST_WAIT_S)), why

    def _end(self, row: dict[str, Any], state: str, wait: float, why: str | None) -> None:
        next_at = now_us() + int(wait * SECOND_US)
        values = {"state": state, "attempts": row["attempts"], "next_at": next_at, "last_error": why}
        with self._store.writing() as connection:
            connection.execute(update(webhook_deliveries).where(*_this(row)).values(**values))
        outcome = "retried" if state == WAITING else state
        self._state.metrics.count("growthbench_webhook_deliveries_total", outcome)
        if state == GIVEN_UP:
            _log.warning("webhook %s: delivery %s is given up: %s", row["webhook_id"], row["delivery_id"], why)

    def _breaker(self, url: str) -> Breaker:
        with self._lock:
            if url not in self._breakers:
                self._breakers[url] = Breaker("the receiver of the webhook", (DeliveryError, _ServerError))
            return self._breakers[url]

    def _body(self, row: dict[str, Any]) -> bytes | None:
        """What is sent, ids looked up now: the same for every attempt unless the person was erased or merged."""
        kept = msgspec.json.decode(row["body"])
        directory = self._state.directory(row["tenant_id"])
        with self._store.reading() as connection:
            if row["topic"] == "events":
                told = read_events(connection, directory, kept["seq"] - 1, 1, True, until=kept["seq"])
                if not told:
                    return None
                (message,) = told
            else:
                names = names_of(connection, directory, [row["person"]] if row["person"] else [])
                content = msgspec.json.encode(kept["body"]).decode()
                message = message_told(row["topic"], kept["seq"], kept["at"], content, row["person"], names)
        return msgspec.json.encode(
            {"type": _type(message), "timestamp": message["at"], "topic": message["topic"], "seq": message["seq"],
             "data": message["body"]}
        )  # fmt: skip


class _ServerError(Exception):
    def __init__(self, answered: Answered):
        super().__init__(answered.status)
        self.answered = answered


_TYPES = {"events": "event.tracked", "scores": "score.given", "campaigns": "campaign", "alerts": "alert"}


def _type(message: dict[str, Any]) -> str:
    kind = message["body"].get("kind")
    name = _TYPES[message["topic"]]
    return f"{name}.{kind}" if "." not in name and kind else name


def _this(row: dict[str, Any]) -> tuple:
    c = webhook_deliveries.c
    return c.tenant_id == row["tenant_id"], c.delivery_id == row["delivery_id"]
