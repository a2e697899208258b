"""What the routes of tenants, keys, members, usage and audit read and answer."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from growthbench.base.clock import to_iso
from growthbench.store.tenants import Tenant

_TIMES = ("created_at", "changed_at", "revoked_at", "disabled_at", "last_login")


class TenantAnswer(msgspec.Struct):
    """A tenant; ``allowed`` is the plan's limits as overridden by ``limits`` (null: none)."""

    tenant_id: str
    name: str
    domain: str | None
    plan: str
    config: dict[str, Any]
    limits: dict[str, Any]
    allowed: dict[str, int | None]
    created_at: str
    changed_at: str


class TenantList(msgspec.Struct):
    """Tenants that the caller sees."""

    tenants: list[TenantAnswer]


class AdminBody(msgspec.Struct, forbid_unknown_fields=True):
    """The first admin of a new tenant."""

    email: str
    name: str
    password: str | None = None


class TenantBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a new tenant."""

    name: str
    tenant_id: str | None = None
    plan: str = "free"
    domain: str | None = None
    config: dict[str, Any] = {}
    limits: dict[str, int | None] = {}
    admin: AdminBody | None = None


class TenantChange(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Body of a change; what is given is replaced as a whole. ``plan`` and ``limits`` are the operator's to change."""

    name: str | UnsetType = UNSET
    domain: str | UnsetType | None = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    plan: str | UnsetType = UNSET
    limits: dict[str, int | None] | UnsetType = UNSET


class KeyBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a new key."""

    kind: Literal["write", "secret"]
    label: str = ""


class RotateBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a rotation: how many seconds the old key still counts."""

    grace_s: int = 86_400


class NewKeyAnswer(msgspec.Struct):
    """A new key, shown this once."""

    key: str
    key_id: str
    kind: str
    label: str
    tenant: str
    signing_secret: str


class NewTenant(msgspec.Struct):
    """A new tenant, its first keys (shown this once), and its first admin."""

    tenant: TenantAnswer
    keys: list[NewKeyAnswer]
    admin: "MemberAnswer | None"


class KeyAnswer(msgspec.Struct):
    """A key without what is secret; ``revoked_at`` may lie ahead."""

    key_id: str
    kind: str
    label: str
    created_at: str
    revoked_at: str | None
    replaces: str | None


class KeyList(msgspec.Struct):
    """The tenant's keys, the oldest first."""

    keys: list[KeyAnswer]


class Revoked(msgspec.Struct):
    """Answer to a revocation."""

    key_id: str
    revoked: bool


class MemberBody(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a new member."""

    email: str
    name: str
    role: str
    password: str | None = None
    team: str | None = None


class MemberChange(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Body of a change; ``second_factor: none`` takes away a lost one."""

    name: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    team: str | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET
    password: str | UnsetType = UNSET
    second_factor: Literal["none"] | UnsetType = UNSET


class MemberAnswer(msgspec.Struct):
    """A member without what is secret; ``second_factor`` is none, waiting or on."""

    member_id: str
    email: str
    name: str
    role: str
    team: str | None
    created_at: str
    changed_at: str
    disabled_at: str | None
    last_login: str | None
    second_factor: str
    has_password: bool


class MemberList(msgspec.Struct):
    """The tenant's members, the oldest first."""

    members: list[MemberAnswer]


class UsedDay(msgspec.Struct):
    """What was used up in a UTC day."""

    day: str
    calls: int
    events: int


class Usage(msgspec.Struct):
    """What the tenant used up, the newest day first; on a plan without limits nothing is counted."""

    tenant: str
    plan: str
    counted: bool
    limits: dict[str, int | None]
    days: list[UsedDay]


class AuditEntry(msgspec.Struct):
    """One row of the audit; ``digest`` covers the row and the digest of the one before."""

    number: int
    at: str
    actor: str
    action: str
    target: str
    detail: dict[str, Any]
    previous: str
    digest: str


class AuditPage(msgspec.Struct):
    """Rows of the audit, newest first; note ``head`` elsewhere, and give it to verify."""

    rows: list[AuditEntry]
    head: dict[str, Any]


class AuditState(msgspec.Struct):
    """Whether the audit is whole, and the first row that is missing or was changed."""

    whole: bool
    broken_at: int | None
    head: dict[str, Any]


def given_of(change: msgspec.Struct) -> dict[str, Any]:
    """What a change names."""
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}


def timed(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its times as text."""
    return {n: to_iso(v) if n in _TIMES and v is not None else v for n, v in row.items()}


def tenant_answer(tenant: Tenant) -> TenantAnswer:
    """A tenant as it is told."""
    return TenantAnswer(**timed(tenant.to_dict()), allowed=tenant.allowed().to_dict())


def member_answer(row: dict[str, Any]) -> MemberAnswer:
    """A member as it is told."""
    return MemberAnswer(**timed(row))
