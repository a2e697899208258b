"""The service about itself: status, health, documentation; and the webhooks."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import msgspec

from growthbench.base.errors import NotReadyError
from growthbench.base.version import __version__
from growthbench.serving.docs_page import docs_page
from growthbench.serving.handlers import Handlers
from growthbench.serving.health import DOWN, OK, Health
from growthbench.serving.http import Call, Reply, Route
from growthbench.serving.metrics_text import CONTENT_TYPE
from growthbench.serving.openapi import document
from growthbench.serving.pages import html_reply
from growthbench.serving.problems import MEDIA_TYPE, Problem
from growthbench.serving.settings import is_loopback
from growthbench.serving.state import State
from growthbench.serving.status_page import status_page
from growthbench.serving.webhook_handlers import (
    Delivery,
    DeliveryList,
    SecretAnswer,
    WebhookAnswer,
    WebhookChange,
    WebhookList,
    WebhookRequest,
    WebhookRoutes,
)
from growthbench.serving.webhooks import STATES


class Status(msgspec.Struct, omit_defaults=True):
    """What is served."""

    service: str
    version: str
    openapi: str
    docs: str
    tasks: dict[str, str] = {}


class HealthAnswer(msgspec.Struct):
    """Outcome of all checks; ``status`` is ok, degraded or down."""

    status: str
    service: str
    version: str
    checks: dict[str, dict[str, Any]]


class ServiceRoutes:
    """Handlers about the service itself; health has threads of its own, so that it answers when the others are busy."""

    def __init__(self, state: State):
        self.state, self.health = state, Health(state)
        self._pool = ThreadPoolExecutor(1, "growthbench-status")
        state.closing += [self.health.close, lambda: self._pool.shutdown(wait=False, cancel_futures=True)]

    async def front(self, call: Call) -> Reply:
        """A page for browsers, JSON for others."""
        wants_page = "text/html" in (call.header("accept") or "")
        return await self._aside(self._front, wants_page)

    def _front(self, wants_page: bool) -> Reply:
        told: dict[str, Any] = {"service": "growthbench", "version": __version__}
        if is_loopback(self.state.door.host):  # else which models there are is for who has a key
            scorer = self.state.scorer(self.state.settings.tenant)
            told = Handlers(scorer, self.state.door.max_rows).status()
        told |= {"openapi": "/openapi.json", "docs": "/docs"}
        vary = [(b"vary", b"accept")]
        if wants_page:
            return html_reply(status_page(told, self.health.told()[1]), 200, vary)
        return Reply.of(told, 200, vary)

    async def healthy(self, call: Call) -> Reply:
        """Whether all works, without details."""
        return await self._aside(self._healthy, call)

    async def status(self, call: Call) -> Reply:
        """Whether all works, with details; of agents it says that there are none."""
        return await self._aside(self._detailed)

    def _healthy(self, call: Call) -> Reply:
        status, told = self.health.told()
        fresh = [(b"cache-control", b"no-store")]
        if status == 200:
            return Reply.of(told, 200, fresh)
        down = ", ".join(name for name, check in told["checks"].items() if check["status"] == DOWN)
        problem = Problem(status, "Not ready", f"down: {down}").content(call.path, call.request_id)
        return Reply(msgspec.json.encode(problem | {"checks": told["checks"]}), status, fresh, MEDIA_TYPE.encode())

    def _detailed(self) -> Reply:
        told = self.health.told(whole=True)[1]
        return Reply.of(told | {"agents": {"status": "absent", "detail": _NO_AGENTS}})

    async def agents(self, call: Call) -> Reply:
        """Health of the agents, which come with a later part of growthbench."""
        raise NotReadyError(_NO_AGENTS)

    async def metrics(self, call: Call) -> Reply:
        """What all workers counted."""
        return await self._aside(lambda: Reply(self.state.metrics.text().encode(), media_type=CONTENT_TYPE))

    async def openapi(self, call: Call) -> Reply:
        """The OpenAPI document."""
        return await self._aside(lambda: Reply(self._document()[0]))

    async def docs(self, call: Call) -> Reply:
        """The same for people."""
        return await self._aside(lambda: html_reply(self._document()[1]))

    @lru_cache(maxsize=1)  # noqa: B019  one for each Door, and a Door lives as long as its process
    def _document(self) -> tuple[bytes, str]:
        from growthbench.serving.entrance import LOBBY
        from growthbench.serving.table import all_routes  # it imports us

        made = document(LOBBY.router.routes if LOBBY.state is self.state else all_routes(self.state))
        return msgspec.json.format(msgspec.json.encode(made), indent=1), docs_page(made)

    async def _aside(self, work, *args) -> Reply:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)


_NO_AGENTS = "no agents are part of this installation"
_HOOK = {
    "webhook_id": "wh_0198f3c1a2b3c4d5e6f70811", "url": "https://crm.example.com/growthbench", "topics": ["alerts"],
    "created_at": "2026-11-21T10:00:00.000000Z", "disabled_at": None,
}  # fmt: skip
_DELIVERY = {
    "delivery_id": "whd_5f2c9a7e31b04d68", "topic": "alerts", "seq": 18, "state": "waiting", "attempts": 2,
    "next_at": "2026-11-21T10:01:20.000000Z", "created_at": "2026-11-21T10:00:00.000000Z",
    "last_error": "the receiver answered 503",
}  # fmt: skip
_STATUS = {"service": "growthbench", "version": __version__, "openapi": "/openapi.json", "docs": "/docs",
           "tasks": {"churn": "churn@3f9a2c41d07b"}}  # fmt: skip
_HEALTH = {"status": OK, "service": "growthbench", "version": __version__,
           "checks": {"store": {"status": OK, "seconds": 0.0021}}}  # fmt: skip


def routes(state: State) -> list[Route]:
    """Routes of the service itself and of the webhooks."""
    service, hooks = ServiceRoutes(state), WebhookRoutes(state)
    free = {"permission": None, "quota": None}
    down = {503: "Something that cannot be done without is down: `checks` says what."}
    health = {"answer": HealthAnswer, "answer_example": _HEALTH, "statuses": down, **free}

    kept = {"permission": "webhooks:write", "tag": "webhooks"}
    one = "/api/v1/webhooks/{webhook_id}"
    return [
        Route("GET", "/", service.front, "What is served: a page for browsers, JSON for others", answer=Status,
              answer_example=_STATUS, **free),
        Route("GET", "/health", service.healthy, "Whether all works", **health),
        Route("GET", "/api/health", service.healthy, "The same", **health),
        Route("GET", "/api/agents/health", service.agents, "Health of the agents", statuses={
              503: "There are none."}, answer=dict, **free),
        Route("GET", "/api/agents/system/status", service.status, "All checks, with details", "tenant:read",
              answer=dict, answer_example=_HEALTH | {"agents": {"status": "absent", "detail": _NO_AGENTS}}),
        Route("GET", "/metrics", service.metrics, "Prometheus' metrics of all workers", answer=str,
              media_type="text/plain", **free),
        Route("GET", "/docs", service.docs, "This documentation, readable", answer=str, media_type="text/html", **free),
        Route("GET", "/openapi.json", service.openapi, "This documentation, for machines", answer=dict, **free),
        Route("GET", "/api/v1/webhooks", hooks.every, "All webhooks", answer=WebhookList,
              answer_example={"webhooks": [_HOOK]}, **kept),
        Route("POST", "/api/v1/webhooks", hooks.create, "Make a webhook; its secret is told once", body=WebhookRequest,
              answer=WebhookAnswer, example={"url": _HOOK["url"], "topics": ["alerts"]},
              answer_example=_HOOK | {"secret": "whsec_…"}, statuses={201: "Made.", 409: "There are too many."},
              **kept),
        Route("GET", one, hooks.get, "One webhook", answer=WebhookAnswer, answer_example=_HOOK, **kept),
        Route("PATCH", one, hooks.change, "Change, disable or enable a webhook", body=WebhookChange,
              answer=WebhookAnswer, example={"enabled": False}, answer_example=_HOOK, **kept),
        Route("DELETE", one, hooks.delete, "Delete a webhook and its deliveries", statuses={204: "Deleted."}, **kept),
        Route("POST", f"{one}/secret", hooks.new_secret, "Another secret; the old one counts for a day",
              answer=SecretAnswer, answer_example={"secret": "whsec_…", "old_secret_counts_s": 86400}, **kept),
        Route("GET", f"{one}/deliveries", hooks.deliveries, "What was sent, and what waits", answer=DeliveryList,
              answer_example={"deliveries": [_DELIVERY]},
              query={"state": (str, f"one of {', '.join(STATES)}"), "limit": (int, "1 to 1000, default 100"),
                     "after": (str, "id of the last one seen")}, **kept),
        Route("POST", f"{one}/deliveries/{{delivery_id}}/redeliver", hooks.redeliver, "Send a delivery again",
              answer=Delivery, answer_example=_DELIVERY, statuses={409: "It is disabled."}, **kept),
    ]  # fmt: skip
