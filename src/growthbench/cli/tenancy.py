"""Verbs about who may do what: tenants, keys, audit; and members, which have a file of their own."""

import click

from growthbench.base.errors import BadInputError, ConflictError
from growthbench.base.text_table import table
from growthbench.cli.members import members_command
from growthbench.cli.options import home_option
from growthbench.cli.output import emit, json_option
from growthbench.cli.tenancy_home import group, opened, tenant_option, timed

__all__ = ["audit_command", "keys_command", "members_command", "tenants_command"]

# ---- keys

keys_command = group("keys", "Make, list, rotate and revoke API keys.")


@keys_command.command("create")
@click.option("--kind", type=click.Choice(["write", "secret"]), required=True, help="write: may only send events")
@click.option("--label", default="", help="what it is for")
@tenant_option
@home_option
@json_option
def create_key_command(kind, label, tenant, home, as_json):
    """Make a key. It is shown this once."""
    with opened(home, tenant, make=True) as here:
        new = here.tenants.keys.create(here.tenant, kind, label)
    emit(new.to_dict(), as_json, _shown(new))


@keys_command.command("list")
@tenant_option
@home_option
@json_option
def list_keys_command(tenant, home, as_json):
    """List keys, without what is secret."""
    with opened(home, tenant) as here:
        rows = [timed(row) for row in here.tenants.keys.list(here.tenant)]
    emit({"keys": rows}, as_json, table(rows))


@keys_command.command("rotate")
@click.argument("key_id")
@click.option("--grace", "grace_s", type=click.IntRange(min=0), default=86_400, show_default=True,
              help="how many seconds the old key still counts")  # fmt: skip
@tenant_option
@home_option
@json_option
def rotate_key_command(key_id, grace_s, tenant, home, as_json):
    """Make a key in place of KEY_ID, which still counts for a while."""
    with opened(home, tenant) as here:
        new = here.tenants.keys.rotate(here.tenant, key_id, grace_s)
    emit(new.to_dict(), as_json, f"{_shown(new)}\n{key_id} counts for {grace_s:,} s more")


@keys_command.command("revoke")
@click.argument("key_id")
@tenant_option
@home_option
@json_option
def revoke_key_command(key_id, tenant, home, as_json):
    """End a key; every worker follows within two seconds."""
    with opened(home, tenant) as here:
        here.tenants.keys.revoke(here.tenant, key_id)
    emit({"key_id": key_id, "revoked": True}, as_json, f"{key_id} is revoked")


def _shown(new) -> str:
    return f"{new.key}\nsigning secret: {new.signing_secret}\nid: {new.key_id} (shown this once: keep them safe)"


# ---- tenants

tenants_command = group("tenants", "Make, list, show and change tenants.")
_plan_option = click.option("--plan", help="local (no limits), free or pro")
_domain_option = click.option("--domain", help="such as shop.example.com")
_limit_option = click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=NUMBER",
    help="override a limit of the plan; NAME=none lifts it, NAME= takes the override back",
)
_config_option = click.option("--config", metavar="JSON", help="the whole configuration, as a JSON object")


@tenants_command.command("create")
@click.argument("name")
@click.option("--id", "tenant_id", help="a-z 0-9 _ - (default: made up)")
@_plan_option
@_domain_option
@_limit_option
@_config_option
@home_option
@json_option
def create_tenant_command(name, tenant_id, plan, domain, limits, config, home, as_json):
    """Make a tenant."""
    with opened(home, check=False) as here:
        made = here.tenants.create(name, plan or "free", tenant_id, domain, _json(config), _limits(limits, {}))
    emit(_told(made), as_json, f"tenant {made.tenant_id} on the plan {made.plan}")


@tenants_command.command("list")
@home_option
@json_option
def list_tenants_command(home, as_json):
    """List tenants."""
    with opened(home, check=False) as here:
        rows = [_told(tenant) for tenant in here.tenants.list()]
    emit({"tenants": rows}, as_json, table(rows, ["tenant_id", "name", "plan", "domain", "created_at"]))


@tenants_command.command("show")
@click.argument("tenant_id")
@home_option
@json_option
def show_tenant_command(tenant_id, home, as_json):
    """Show a tenant, its limits and what it used up today."""
    from growthbench.store.plans import KINDS
    from growthbench.store.quotas import quota_backend, today

    with opened(home, tenant_id) as here:
        told = _told(here.tenants.get(tenant_id))
        quota = quota_backend(here.store, here.settings.redis_url)
        told["used_today"] = {kind: quota.used(tenant_id, kind, today()) for kind in KINDS}
        quota.close()
    emit(told, as_json, "\n".join(f"{name}: {value}" for name, value in told.items()))


@tenants_command.command("set")
@click.argument("tenant_id")
@click.option("--name")
@_plan_option
@_domain_option
@_limit_option
@_config_option
@home_option
@json_option
def set_tenant_command(tenant_id, name, plan, domain, limits, config, home, as_json):
    """Change a tenant; workers follow within two seconds."""
    with opened(home, tenant_id) as here:
        changes = {"name": name, "plan": plan, "domain": domain, "config": _json(config)}
        changes = {n: v for n, v in changes.items() if v is not None}
        if limits:
            changes["limits"] = _limits(limits, here.tenants.get(tenant_id).limits)
        if not changes:
            raise BadInputError("nothing to change: give --name, --plan, --domain, --limit or --config")
        changed = here.tenants.update(tenant_id, **changes)
    emit(_told(changed), as_json, "\n".join(f"{n}: {v}" for n, v in _told(changed).items()))


def _told(tenant) -> dict:
    return timed(tenant.to_dict()) | {"allowed": tenant.allowed().to_dict()}


def _json(text):
    import msgspec

    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=dict)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as exc:
        raise BadInputError(f"--config wants a JSON object: {exc}", field="config") from exc


def _limits(pairs, known: dict) -> dict:
    limits = dict(known)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name and equals and (text in ("", "none") or (text.isascii() and text.isdigit()))):
            raise BadInputError(f"--limit wants NAME=NUMBER or NAME=none, found {pair!r}", field="limits")
        limits.pop(name, None)
        if text:
            limits[name] = None if text == "none" else int(text)
    return limits


# ---- audit

audit_command = group("audit", "Show the audit, and verify that nothing in it was changed.")


@audit_command.command("show")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True)
@click.option("--before", type=click.IntRange(min=1), help="only rows of smaller numbers: the next page")
@click.option("--action", default="", help="only actions that begin so, such as key.")
@tenant_option
@home_option
@json_option
def show_audit_command(limit, before, action, tenant, home, as_json):
    """Newest rows of the audit."""
    with opened(home, tenant) as here:
        rows = [timed(vars(row)) for row in here.audit.rows(here.tenant, limit, before, action)]
        number, digest = here.audit.head(here.tenant)
    head = f"head: {number}:{digest} (note it elsewhere, for `growthbench audit verify --head`)"
    text = table(rows, ["number", "at", "actor", "action", "target", "detail"])
    emit({"rows": rows, "head": {"number": number, "digest": digest}}, as_json, f"{text}\n{head}")


@audit_command.command("verify")
@click.option("--head", metavar="NUMBER:DIGEST", help="a head that was noted and must still be part of the chain")
@tenant_option
@home_option
@json_option
def verify_audit_command(head, tenant, home, as_json):
    """Verify the chain; fails if a row was changed, dropped or slipped in."""
    known = None
    if head is not None:
        number, colon, digest = head.partition(":")
        if not (colon and number.isascii() and number.isdigit()):
            raise BadInputError(f"--head wants NUMBER:DIGEST, found {head!r}", field="head")
        known = (int(number), digest)
    with opened(home, tenant) as here:
        broken = here.audit.verify(here.tenant, known)
        number, digest = here.audit.head(here.tenant)
    if broken is not None:
        raise ConflictError(f"the audit of {here.tenant} is broken at row {broken}")
    told = {"whole": True, "rows": number, "head": {"number": number, "digest": digest}}
    emit(told, as_json, f"{number:,} rows, whole; head {number}:{digest}")
