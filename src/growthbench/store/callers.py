"""On whose behalf something is done, and what they may do."""

from dataclasses import dataclass

PERMISSIONS = {
    "events:write": "send events",
    "scores:read": "score people and rows, read explanations",
    "models:read": "see which models are served",
    "models:write": "promote, roll back, split traffic",
    "people:read": "see profiles, consent and exports",
    "people:write": "change consent, merge and unmerge",
    "people:erase": "erase people",
    "live:read": "follow the live channel",
    "webhooks:write": "manage webhooks",
    "tenant:read": "see the tenant and what it used up",
    "tenant:write": "change the tenant's configuration and branding",
    "keys:write": "create, rotate and revoke keys",
    "members:write": "manage members",
    "audit:read": "read the audit chain",
    "knowledge:read": "search the documents and ask them",
    "knowledge:write": "bring documents in and take them out, ask as any role",
    "content:read": "read the content library",
    "content:write": "have content written and edit it",
    "content:approve": "approve and refuse content",
    "chat:write": "talk to the assistant",
    "jobs:read": "follow and stop jobs",
}
"""Everything there is to be allowed."""

_VIEWER = frozenset({"models:read", "tenant:read", "live:read", "content:read"})
_ANALYST = _VIEWER | {"scores:read", "people:read", "audit:read", "knowledge:read", "chat:write"}
_MARKETER = _ANALYST | {"people:write", "webhooks:write", "events:write", "knowledge:write", "content:write",
                         "content:approve", "jobs:read"}  # fmt: skip
_SERVICE = frozenset({"events:write", "scores:read", "models:read", "people:read", "people:write", "people:erase",
                      "live:read", "webhooks:write", "tenant:read", "knowledge:read", "knowledge:write",
                      "content:read", "content:write", "chat:write", "jobs:read"})  # fmt: skip

ROLES = {
    "admin": frozenset(PERMISSIONS),
    "marketer": _MARKETER,
    "analyst": _ANALYST,
    "service": _SERVICE,
    "viewer": _VIEWER,
    "sender": frozenset({"events:write"}),
    "nobody": frozenset(),
}
"""What each role may. ``service`` is what a secret key is, ``sender`` a write key; people have the other four."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes
    ----------
    tenant : str
    kind : {"key", "member", "local", "nobody"}
        A key, a person with a token, somebody at this machine, or nobody (open routes).
    caller_id : str
        Key id or member id; for the audit, never a secret.
    role : str
        A key of `ROLES`.
    plan : str
        The tenant's plan.
    """

    tenant: str
    kind: str
    caller_id: str
    role: str
    plan: str = "local"

    def may(self, permission: str) -> bool:
        """Whether the role holds a permission."""
        return permission in ROLES[self.role]


NOBODY = Caller("", "nobody", "", "nobody")
