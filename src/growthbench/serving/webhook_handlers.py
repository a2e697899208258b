"""Webhooks over HTTP: what is said and what is answered."""

import msgspec

from growthbench.base.errors import BadInputError
from growthbench.serving.http import Call, Reply
from growthbench.serving.state import State
from growthbench.serving.webhooks import OLD_SECRET_S, Webhooks


class WebhookRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A new webhook: where to, and which topics (events, scores, campaigns, alerts)."""

    url: str
    topics: list[str]


class WebhookChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; what is absent stays."""

    url: str | None = None
    topics: list[str] | None = None
    enabled: bool | None = None


class WebhookAnswer(msgspec.Struct, omit_defaults=True):
    """A webhook. ``secret`` is given when it is made, and never again."""

    webhook_id: str
    url: str
    topics: list[str]
    created_at: str
    disabled_at: str | None
    secret: str | None = None


class WebhookList(msgspec.Struct):
    """All webhooks of the tenant."""

    webhooks: list[WebhookAnswer]


class SecretAnswer(msgspec.Struct):
    """A new secret; the one before counts for another day."""

    secret: str
    old_secret_counts_s: int


class Delivery(msgspec.Struct):
    """One delivery; ``state`` is waiting, delivered or given_up."""

    delivery_id: str
    topic: str
    seq: int
    state: str
    attempts: int
    next_at: str | None
    created_at: str
    last_error: str | None


class DeliveryList(msgspec.Struct):
    """Deliveries, the newest first."""

    deliveries: list[Delivery]


_request, _change = msgspec.json.Decoder(WebhookRequest), msgspec.json.Decoder(WebhookChange)


class WebhookRoutes:
    """Handlers of the webhooks."""

    def __init__(self, state: State):
        self.state, self.kept = state, Webhooks(state.store, state.keyring, state.bus)

    def create(self, call: Call) -> Reply:
        """Make one."""
        asked = call.read(_request)
        made, secret = self.kept.create(call.tenant, asked.url, asked.topics, call.caller.caller_id)
        self._stir()
        return Reply.of(made.to_dict() | {"secret": secret}, 201)

    def every(self, call: Call) -> Reply:
        """All."""
        return Reply.of({"webhooks": [hook.to_dict() for hook in self.kept.of(call.tenant)]})

    def get(self, call: Call) -> Reply:
        """One."""
        return Reply.of(self.kept.get(call.tenant, call.params["webhook_id"]).to_dict())

    def change(self, call: Call) -> Reply:
        """Change one."""
        asked = call.read(_change)
        changed = self.kept.change(
            call.tenant, call.params["webhook_id"], asked.url, asked.topics, asked.enabled, call.caller.caller_id
        )
        self._stir()
        return Reply.of(changed.to_dict())

    def delete(self, call: Call) -> Reply:
        """Delete one."""
        self.kept.delete(call.tenant, call.params["webhook_id"], call.caller.caller_id)
        self._stir()
        return Reply(b"", 204)

    def new_secret(self, call: Call) -> Reply:
        """Give one another secret."""
        secret = self.kept.new_secret(call.tenant, call.params["webhook_id"], call.caller.caller_id)
        return Reply.of({"secret": secret, "old_secret_counts_s": OLD_SECRET_S})

    def deliveries(self, call: Call) -> Reply:
        """What one was or is to be sent."""
        query = call.query
        text = query.get("limit", "100")
        if not (text.isascii() and text.isdecimal() and 0 < int(text) <= 1000):
            raise BadInputError(f"limit must be a whole number from 1 to 1000, found {text!r}", field="limit")
        found = self.kept.deliveries(
            call.tenant, call.params["webhook_id"], query.get("state"), int(text), query.get("after")
        )
        return Reply.of({"deliveries": found})

    def redeliver(self, call: Call) -> Reply:
        """Send one delivery again."""
        told = self.kept.redeliver(call.tenant, call.params["webhook_id"], call.params["delivery_id"])
        self._stir()
        return Reply.of(told)

    def _stir(self) -> None:
        if (dispatcher := self.state.bus.dispatcher) is not None:
            dispatcher.wake()
