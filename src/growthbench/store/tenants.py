"""Tenants: whose data it is, how their pages look, what they may use up."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Row

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, ConflictError, NotFoundError
from growthbench.base.ids import new_id
from growthbench.base.jsonio import canonical
from growthbench.store.audit import Audit
from growthbench.store.engine import Store
from growthbench.store.keyring import Keyring
from growthbench.store.keys import Keys
from growthbench.store.plans import LOCAL, Plan, limits_of
from growthbench.store.tenant_tables import tenants
from growthbench.store.texts import UnknownChoiceError, checked_label, is_plain

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LARGEST_CONFIG = 32 * 1024
_CHANGEABLE = ("name", "domain", "plan", "config", "limits")


@dataclass(frozen=True)
class Tenant:
    """One tenant.

    Attributes
    ----------
    tenant_id, name, plan : str
    domain : str or None
    config : dict
        Free, but for ``branding``: ``name``, ``logo_url`` (https), ``colour`` and ``accent`` (``#rrggbb``).
    limits : dict
        What overrides the plan's limits.
    created_at, changed_at : int
        UTC µs.
    """

    tenant_id: str
    name: str
    domain: str | None
    plan: str
    config: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    created_at: int = 0
    changed_at: int = 0

    def allowed(self) -> Plan:
        """What the tenant may use up: the plan's limits, overridden."""
        return limits_of(self.plan, self.limits)

    def to_dict(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


class Tenants:
    """The table of tenants; whatever changes it is written into the tenant's audit in the same transaction.

    Parameters
    ----------
    store : Store
    keyring : Keyring
    """

    def __init__(self, store: Store, keyring: Keyring):
        self.store, self.keyring = store, keyring
        self.keys, self.audit = Keys(store, keyring), Audit(store)

    def ensure_first(self, tenant: str = "local") -> tuple[Tenant, dict[str, Any] | None]:
        """Make a tenant on the plan ``local`` with one write and one secret key, unless it is there.

        Of several processes that start at once, one makes it.

        Returns
        -------
        tenant : Tenant
        keys : dict or None
            Only the first time: ``write`` and ``secret``, each as `NewKey.to_dict`; they are never shown again.
        """
        with self.store.writing() as connection:
            made = self._insert(connection, Tenant(_checked_id(tenant), tenant, None, LOCAL), "service")
            keys = None
            if made:
                kinds = ("write", "secret")
                new = {k: self.keys.create_in(connection, tenant, k, "first", actor="service") for k in kinds}
                keys = {kind: key.to_dict() for kind, key in new.items()}
            return _get(connection, tenant), keys

    def ensure(self, tenant: str, *, actor: str = "operator") -> Tenant:
        """Make a tenant on the plan ``local`` without any key, unless it is there."""
        with self.store.writing() as connection:
            self._insert(connection, Tenant(_checked_id(tenant), tenant, None, LOCAL), actor)
            return _get(connection, tenant)

    def create(
        self,
        name: str,
        plan: str = "free",
        tenant_id: str | None = None,
        domain: str | None = None,
        config: Mapping[str, Any] | None = None,
        limits: Mapping[str, Any] | None = None,
        *,
        actor: str = "operator",
    ) -> Tenant:
        """Make a tenant.

        Raises
        ------
        ConflictError
            There is one of this id.
        UnknownChoiceError, BadInputError
            No such plan or limit; an id, domain or configuration that cannot be; ``field`` names it.
        """
        tenant_id = _checked_id(tenant_id) if tenant_id else new_id("tenant")
        new = _checked(Tenant(tenant_id, name, domain, plan, dict(config or {}), dict(limits or {})))
        with self.store.writing() as connection:
            if not self._insert(connection, new, actor):
                raise ConflictError(f"there is a tenant {tenant_id!r} already")
            return _get(connection, tenant_id)

    def get(self, tenant_id: str) -> Tenant:
        """One tenant; NotFoundError if there is none of this id."""
        with self.store.reading() as connection:
            return _get(connection, tenant_id)

    def list(self) -> list[Tenant]:
        """All tenants by id."""
        with self.store.reading() as connection:
            return [_tenant(row) for row in connection.execute(select(tenants).order_by(tenants.c.tenant_id))]

    def update(self, tenant_id: str, *, actor: str = "operator", **changes: Any) -> Tenant:
        """Change ``name``, ``domain``, ``plan``, ``config`` or ``limits``; each given one is replaced as a whole.

        Workers follow within two seconds.

        Raises
        ------
        NotFoundError, UnknownChoiceError, BadInputError
            As `create`; ``field`` names what is wrong.
        """
        if unknown := sorted(set(changes) - set(_CHANGEABLE)):
            raise UnknownChoiceError("setting of a tenant", unknown[0], _CHANGEABLE, field=unknown[0])
        with self.store.writing() as connection:
            old = _get(connection, tenant_id, lock=True)
            new = _checked(Tenant(**{**old.to_dict(), **changes}))
            changed = {n: getattr(new, n) for n in _CHANGEABLE if getattr(new, n) != getattr(old, n)}
            if not changed:
                return old
            mine = tenants.c.tenant_id == tenant_id
            connection.execute(update(tenants).where(mine).values(**_stored(new), changed_at=now_us()))
            self.audit.write(tenant_id, actor, "tenant.changed", tenant_id, changed, connection)
            return _get(connection, tenant_id)

    def _insert(self, connection: Connection, new: Tenant, actor: str) -> bool:
        """Insert a tenant; False, and nothing done, if there is one of this id."""
        dialect = postgresql if self.store.dialect == "postgresql" else sqlite
        now = now_us()
        row = {"tenant_id": new.tenant_id, **_stored(new), "created_at": now, "changed_at": now}
        statement = dialect.insert(tenants).values(**row).on_conflict_do_nothing().returning(tenants.c.tenant_id)
        if connection.execute(statement).one_or_none() is None:
            return False
        self.audit.write(new.tenant_id, actor, "tenant.created", new.tenant_id, {"plan": new.plan}, connection)
        return True


def _get(connection: Connection, tenant_id: str, lock: bool = False) -> Tenant:
    query = select(tenants).where(tenants.c.tenant_id == tenant_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none() if is_plain(tenant_id) else None
    if row is None:
        raise NotFoundError(f"there is no tenant {tenant_id!r}")
    return _tenant(row)


def _tenant(row: Row) -> Tenant:
    return Tenant(**{**row._mapping, "config": json.loads(row.config), "limits": json.loads(row.limits)})


def _stored(tenant: Tenant) -> dict[str, Any]:
    return {"name": tenant.name, "domain": tenant.domain, "plan": tenant.plan, "config": canonical(tenant.config),
            "limits": canonical(tenant.limits)}  # fmt: skip


def _checked_id(tenant_id: str) -> str:
    if not _ID.fullmatch(tenant_id):
        raise BadInputError(
            f"a tenant id is 1 to 63 of a-z 0-9 _ - and begins with a letter or digit, found {tenant_id!r}", "tenant_id"
        )
    return tenant_id


def _checked(tenant: Tenant) -> Tenant:
    checked_label(tenant.name, "name")
    if tenant.domain is not None and not _DOMAIN.fullmatch(tenant.domain):
        raise BadInputError(f"{tenant.domain!r} is no domain such as shop.example.com", field="domain")
    for name in ("config", "limits"):
        if not isinstance(getattr(tenant, name), dict):
            raise BadInputError(f"{name} must be an object", field=name)
    if len(canonical(tenant.config)) > _LARGEST_CONFIG:
        raise BadInputError(f"the configuration has more than {_LARGEST_CONFIG} bytes", field="config")
    _check_branding(tenant.config.get("branding", {}))
    limits_of(tenant.plan, tenant.limits)
    return tenant


def _check_branding(branding: Any) -> None:
    """Branding goes into pages: nothing may be in it that a page would run."""
    if not isinstance(branding, dict):
        raise BadInputError("branding must be an object", field="config.branding")
    for name, value in branding.items():
        known = {"name": lambda v: 0 < len(v) <= 200, "logo_url": lambda v: v.startswith("https://") and len(v) <= 2000,
                 "colour": _COLOUR.fullmatch, "accent": _COLOUR.fullmatch}  # fmt: skip
        if name not in known:
            raise UnknownChoiceError("part of branding", name, known, field=f"config.branding.{name}")
        if not (isinstance(value, str) and known[name](value)):
            raise BadInputError(f"{value!r} cannot be {name} of branding", field=f"config.branding.{name}")
