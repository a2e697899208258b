"""Tenants, keys, members, usage and audit over HTTP. Nobody sees or changes another tenant, but for the operator.

The operator is who may change the service's own first tenant: they make tenants and set plans and limits.
"""

from typing import Any

import msgspec

from growthbench.base.clock import DAY_US, to_iso
from growthbench.base.errors import BadInputError, ForbiddenError, NotFoundError
from growthbench.serving.http import Call, Reply, Route
from growthbench.serving.routes_sessions import NOT_KEPT, session_routes
from growthbench.serving.state import State
from growthbench.serving.tenant_shapes import (
    AuditEntry,
    AuditPage,
    AuditState,
    KeyAnswer,
    KeyBody,
    KeyList,
    MemberAnswer,
    MemberBody,
    MemberChange,
    MemberList,
    NewKeyAnswer,
    NewTenant,
    Revoked,
    RotateBody,
    TenantAnswer,
    TenantBody,
    TenantChange,
    TenantList,
    Usage,
    UsedDay,
    given_of,
    member_answer,
    tenant_answer,
    timed,
)
from growthbench.store.audit import Audit
from growthbench.store.callers import Caller
from growthbench.store.keys import LONGEST_GRACE_S, Keys
from growthbench.store.members import Members
from growthbench.store.plans import KINDS
from growthbench.store.quotas import today


def _decoders(*types):
    return {t: msgspec.json.Decoder(t) for t in types}


_READ = _decoders(TenantBody, TenantChange, KeyBody, RotateBody, MemberBody, MemberChange)


class Tenancy:
    """Handlers; each works in one of the Door's threads."""

    def __init__(self, state: State):
        self.state, self.tenants = state, state.tenants
        self.keys, self.members = Keys(state.store, state.keyring), Members(state.store, state.keyring)
        self.audit = Audit(state.store)

    # ---- tenants

    def list_tenants(self, call: Call) -> Reply:
        """The caller's tenant; to the operator, all of them."""
        found = self.tenants.list() if self._operates(call.caller) else [self.tenants.get(call.tenant)]
        return Reply.of(TenantList([tenant_answer(t) for t in found]))

    def get_tenant(self, call: Call) -> Reply:
        """One tenant."""
        return Reply.of(tenant_answer(self.tenants.get(self._visible(call))))

    def create_tenant(self, call: Call) -> Reply:
        """A new tenant, with keys and, if told, an admin."""
        if not self._operates(call.caller):
            raise ForbiddenError("only the operator of this service makes tenants")
        given: TenantBody = call.read(_READ[TenantBody])
        actor = call.caller.caller_id
        if (a := given.admin) is not None:  # before anything is made: half a tenant would be in the way of a second try
            self.members.checked(a.email, a.name, "admin", a.password)
        made = self.tenants.create(
            given.name, given.plan, given.tenant_id, given.domain, given.config, given.limits, actor=actor
        )
        keys = [self.keys.create(made.tenant_id, kind, "first", actor=actor) for kind in ("write", "secret")]
        admin = None
        if a is not None:
            admin = self.members.create(made.tenant_id, a.email, a.name, "admin", a.password, actor=actor)
        shown = [NewKeyAnswer(**key.to_dict()) for key in keys]
        return Reply.of(NewTenant(tenant_answer(made), shown, admin and member_answer(admin)), 201, NOT_KEPT)

    def change_tenant(self, call: Call) -> Reply:
        """Change a tenant."""
        tenant_id, given = self._visible(call), given_of(call.read(_READ[TenantChange]))
        if not self._operates(call.caller) and (theirs := sorted({"plan", "limits"} & set(given))):
            raise ForbiddenError(f"only the operator of this service changes {' and '.join(theirs)}")
        changed = self.tenants.update(tenant_id, actor=call.caller.caller_id, **given)
        self.state.auth.forget()
        return Reply.of(tenant_answer(changed))

    # ---- keys

    def list_keys(self, call: Call) -> Reply:
        """The tenant's keys."""
        return Reply.of(KeyList([KeyAnswer(**timed(k)) for k in self.keys.list(call.tenant)]))

    def create_key(self, call: Call) -> Reply:
        """A new key."""
        given: KeyBody = call.read(_READ[KeyBody])
        new = self.keys.create(call.tenant, given.kind, given.label, actor=call.caller.caller_id)
        return Reply.of(NewKeyAnswer(**new.to_dict()), 201, NOT_KEPT)

    def rotate_key(self, call: Call) -> Reply:
        """A new key in place of one."""
        given: RotateBody = call.read(_READ[RotateBody]) if call.body else RotateBody()
        new = self.keys.rotate(call.tenant, call.params["key_id"], given.grace_s, actor=call.caller.caller_id)
        self.state.auth.forget()
        return Reply.of(NewKeyAnswer(**new.to_dict()), 201, NOT_KEPT)

    def revoke_key(self, call: Call) -> Reply:
        """End a key; every worker follows within two seconds."""
        self.keys.revoke(call.tenant, key_id := call.params["key_id"], actor=call.caller.caller_id)
        self.state.auth.forget()
        return Reply.of(Revoked(key_id, True))

    # ---- members

    def list_members(self, call: Call) -> Reply:
        """The tenant's members."""
        return Reply.of(MemberList([member_answer(m) for m in self.members.list(call.tenant)]))

    def create_member(self, call: Call) -> Reply:
        """A new member."""
        given: MemberBody = call.read(_READ[MemberBody])
        told = msgspec.structs.asdict(given)
        return Reply.of(member_answer(self.members.create(call.tenant, **told, actor=call.caller.caller_id)), 201)

    def change_member(self, call: Call) -> Reply:
        """Change a member, set their password, take a lost second factor away."""
        given = given_of(call.read(_READ[MemberChange]))
        whose = {"tenant": call.tenant, "member_id": call.params["member_id"], "actor": call.caller.caller_id}
        password, factor = given.pop("password", None), given.pop("second_factor", None)
        if password is not None:
            self.members.set_password(**whose, password=password)
        if factor is not None:
            self.members.disable_totp(**whose)
        if given:
            self.members.update(**whose, **given)
        self.state.auth.forget()
        return Reply.of(member_answer(self.members.get(call.tenant, whose["member_id"])))

    # ---- usage and audit

    def usage(self, call: Call) -> Reply:
        """What was used up."""
        tenant, days = self.tenants.get(call.tenant), _number(call, "days", 7, 31)
        limits = tenant.allowed()
        told = []
        for day in range(today(), today() - days, -1):
            used = {kind: self.state.limits.used(call.tenant, kind, day) for kind in KINDS}
            told.append(UsedDay(to_iso(day * DAY_US)[:10], **used))
        counted = any(limits.a_day(kind) is not None for kind in KINDS)
        return Reply.of(Usage(call.tenant, tenant.plan, counted, limits.to_dict(), told))

    def audit_rows(self, call: Call) -> Reply:
        """Rows of the audit."""
        before = _number(call, "before", 0, 2**53) or None
        rows = self.audit.rows(call.tenant, _number(call, "limit", 100, 1_000), before, call.query.get("action", ""))
        told = [AuditEntry(r.number, to_iso(r.at), r.actor, r.action, r.target, r.detail, r.previous, r.digest)
                for r in rows]  # fmt: skip
        return Reply.of(AuditPage(told, self._head(call.tenant)))

    def audit_state(self, call: Call) -> Reply:
        """Whether the audit is whole."""
        number, digest = _number(call, "number", 0, 2**53), call.query.get("digest", "")
        head = self._head(call.tenant)
        broken = self.audit.verify(call.tenant, (number, digest) if number else None)
        return Reply.of(AuditState(broken is None, broken, head))

    def _head(self, tenant: str) -> dict[str, Any]:
        number, digest = self.audit.head(tenant)
        return {"number": number, "digest": digest}

    def _operates(self, caller: Caller) -> bool:
        return caller.tenant == self.state.settings.tenant and caller.may("tenant:write")

    def _visible(self, call: Call) -> str:
        """The tenant in the path, if the caller may know that it is there."""
        tenant_id = call.params["tenant_id"]
        if tenant_id != call.tenant and not self._operates(call.caller):
            raise NotFoundError(f"there is no tenant {tenant_id!r}")
        return tenant_id


def _number(call: Call, name: str, default: int, most: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and 1 <= int(text) <= most):
        raise BadInputError(f"{name} must be a whole number from 1 to {most}, found {text[:40]!r}", field=name)
    return int(text)


def routes(state: State) -> list[Route]:
    """Routes of tenants, keys, members, sessions, usage and audit."""
    own = Tenancy(state)
    tenant, key, member = "/api/v1/tenants/{tenant_id}", "/api/v1/keys/{key_id}", "/api/v1/members/{member_id}"
    made, no_key, no_member = {201: "made"}, {404: "no such key"}, {404: "no such member"}
    exists = {**made, 409: "there is one already"}
    return [
        *session_routes(state),
        Route("GET", "/api/v1/tenants", own.list_tenants, "The caller's tenant; all of them, for the operator",
              "tenant:read", answer=TenantList, answer_example={"tenants": [_TENANT]}, tag="tenants"),
        Route("POST", "/api/v1/tenants", own.create_tenant, "Make a tenant (operator)", "tenant:write",
              body=TenantBody, example={"name": "The Shop", "plan": "free"}, answer=NewTenant, statuses=exists,
              answer_example={"tenant": _TENANT, "keys": [_NEW_KEY], "admin": None}, tag="tenants"),
        Route("GET", tenant, own.get_tenant, "A tenant", "tenant:read", answer=TenantAnswer, answer_example=_TENANT,
              statuses={404: "no such tenant"}, tag="tenants"),
        Route("PATCH", tenant, own.change_tenant, "Change name, domain, configuration and branding", "tenant:write",
              body=TenantChange, example={"config": {"branding": {"name": "The Shop", "colour": "#1b6ef3"}}},
              answer=TenantAnswer, answer_example=_TENANT, statuses={404: "no such tenant"}, tag="tenants"),
        Route("GET", "/api/v1/keys", own.list_keys, "The tenant's keys", "keys:write", answer=KeyList,
              answer_example={"keys": [_KEY]}, tag="tenants"),
        Route("POST", "/api/v1/keys", own.create_key, "Make a key; it is shown this once", "keys:write", body=KeyBody,
              example={"kind": "write", "label": "web site"}, answer=NewKeyAnswer, answer_example=_NEW_KEY,
              statuses=made, tag="tenants"),
        Route("POST", f"{key}/rotate", own.rotate_key,
              f"Make a key in place of one, which counts for a while yet (at most {LONGEST_GRACE_S} s)", "keys:write",
              body=RotateBody, example={"grace_s": 86_400}, answer=NewKeyAnswer, answer_example=_NEW_KEY,
              statuses={**made, **no_key, 409: "it was revoked or rotated already"}, tag="tenants"),
        Route("DELETE", key, own.revoke_key, "Revoke a key", "keys:write", answer=Revoked, statuses=no_key,
              answer_example={"key_id": _KEY["key_id"], "revoked": True}, tag="tenants"),
        Route("GET", "/api/v1/members", own.list_members, "The tenant's members", "members:write", answer=MemberList,
              answer_example={"members": [_MEMBER]}, tag="tenants"),
        Route("POST", "/api/v1/members", own.create_member, "Add a member", "members:write", body=MemberBody,
              example={"email": "ann@shop.example", "name": "Ann", "role": "analyst"}, answer=MemberAnswer,
              answer_example=_MEMBER, statuses=exists, tag="tenants"),
        Route("PATCH", member, own.change_member, "Change or disable a member, set their password", "members:write",
              body=MemberChange, example={"role": "viewer"}, answer=MemberAnswer, answer_example=_MEMBER,
              statuses={**no_member, 409: "nobody would be left to administer the tenant"}, tag="tenants"),
        Route("GET", "/api/v1/usage", own.usage, "What the tenant used up", "tenant:read", answer=Usage,
              query={"days": (int, "how many days, 1 to 31; 7 if not given")}, answer_example=_USAGE, tag="tenants"),
        Route("GET", "/api/v1/audit", own.audit_rows, "Rows of the audit, newest first", "audit:read",
              answer=AuditPage, answer_example={"rows": [_AUDIT], "head": _HEAD}, tag="tenants",
              query={"limit": (int, "how many rows, 1 to 1000; 100 if not given"),
                     "before": (int, "only rows of smaller numbers: the next page"),
                     "action": (str, "only actions that begin so, such as key.")}),
        Route("GET", "/api/v1/audit/verify", own.audit_state, "Whether the audit is whole", "audit:read",
              answer=AuditState, answer_example={"whole": True, "broken_at": None, "head": _HEAD}, tag="tenants",
              query={"number": (int, "number of a head that was noted"), "digest": (str, "and its digest")}),
    ]  # fmt: skip


_WHEN = "2026-01-05T09:30:00.000000Z"
_LIMITS = {"calls_a_day": 1_000, "events_a_day": 100_000, "burst_per_s": 10}
_TENANT = {"tenant_id": "shop", "name": "The Shop", "domain": "shop.example.com", "plan": "free",
           "config": {"branding": {"name": "The Shop", "colour": "#1b6ef3"}}, "limits": {}, "allowed": _LIMITS,
           "created_at": _WHEN, "changed_at": _WHEN}  # fmt: skip
_KEY = {"key_id": "0198f3c1a2b3c4d5e6f70811", "kind": "write", "label": "web site", "created_at": _WHEN,
        "revoked_at": None, "replaces": None}  # fmt: skip
_NEW_KEY = {"key": "gbw_0198f3c1a2b3c4d5e6f70811_...", "key_id": _KEY["key_id"], "kind": "write", "label": "web site",
            "tenant": "shop", "signing_secret": "..."}  # fmt: skip
_MEMBER = {"member_id": "member_0198f3c1a2b3c4d5e6f70811", "email": "ann@shop.example", "name": "Ann",
           "role": "analyst", "team": None, "created_at": _WHEN, "changed_at": _WHEN, "disabled_at": None,
           "last_login": None, "second_factor": "none", "has_password": False}  # fmt: skip
_USAGE = {"tenant": "shop", "plan": "free", "counted": True, "limits": _LIMITS,
          "days": [{"day": "2026-01-05", "calls": 212, "events": 4_180}]}  # fmt: skip
_HEAD = {"number": 7, "digest": "5f0c..."}
_AUDIT = {"number": 7, "at": _WHEN, "actor": "member_0198f3c1", "action": "key.created",
          "target": _KEY["key_id"], "detail": {"kind": "write", "label": "web site"}, "previous": "91ab...",
          "digest": "5f0c..."}  # fmt: skip
