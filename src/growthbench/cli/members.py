"""The verb members: who works with a tenant's data."""

import sys

import click

from growthbench.base.errors import BadInputError
from growthbench.base.text_table import table
from growthbench.cli.options import home_option
from growthbench.cli.output import emit, json_option
from growthbench.cli.tenancy_home import group, opened, tenant_option, timed

members_command = group("members", "Add and list members, set passwords and second factors.")
_password_option = click.option("--password-stdin", is_flag=True, help="read the password from standard input")


@members_command.command("create")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", required=True, help="admin, marketer, analyst, service or viewer")
@click.option("--team")
@click.option("--no-password", is_flag=True, help="set one later; nobody can log in before")
@_password_option
@tenant_option
@home_option
@json_option
def create_member_command(email, name, role, team, no_password, password_stdin, tenant, home, as_json):
    """Add a member; the password is asked for, never given on the command line."""
    with opened(home, tenant, make=True) as here:
        here.members.checked(email, name, role, team=team)  # before a password is asked for
        password = None if no_password else _password(password_stdin)
        made = timed(here.members.create(here.tenant, email, name, role, password, team))
    emit(made, as_json, f"{made['member_id']}: {made['email']}, {made['role']}")


@members_command.command("list")
@tenant_option
@home_option
@json_option
def list_members_command(tenant, home, as_json):
    """List members."""
    with opened(home, tenant) as here:
        rows = [timed(row) for row in here.members.list(here.tenant)]
    columns = ["member_id", "email", "name", "role", "team", "second_factor", "last_login", "disabled_at"]
    emit({"members": rows}, as_json, table(rows, columns))


@members_command.command("set")
@click.argument("who")
@click.option("--name")
@click.option("--role", help="admin, marketer, analyst, service or viewer")
@click.option("--team")
@click.option("--disable/--enable", default=None, help="whether they are let in")
@tenant_option
@home_option
@json_option
def set_member_command(who, name, role, team, disable, tenant, home, as_json):
    """Change a member (id or e-mail address)."""
    changes = {"name": name, "role": role, "team": team, "disabled": disable}
    changes = {n: v for n, v in changes.items() if v is not None}
    if not changes:
        raise BadInputError("nothing to change: give --name, --role, --team, --disable or --enable")
    with opened(home, tenant) as here:
        told = timed(here.members.update(here.tenant, here.member_id(who), **changes))
    emit(told, as_json, f"{told['member_id']}: {told['email']}, {told['role']}")


@members_command.command("password")
@click.argument("who")
@_password_option
@tenant_option
@home_option
@json_option
def password_command(who, password_stdin, tenant, home, as_json):
    """Set the password of a member (id or e-mail address); all their sessions end, a lock-out is lifted."""
    with opened(home, tenant) as here:
        member_id = here.member_id(who)
        here.members.set_password(here.tenant, member_id, _password(password_stdin))
    emit({"member_id": member_id, "changed": True}, as_json, f"{member_id} has a new password")


@members_command.command("totp")
@click.argument("who")
@click.option("--code", help="switch it on by its first code")
@click.option("--off", is_flag=True, help="take it away, for whoever lost it")
@tenant_option
@home_option
@json_option
def totp_command(who, code, off, tenant, home, as_json):
    """Begin a member's second factor: prints the address for their app, once; then --code switches it on."""
    if off and code:
        raise BadInputError("give --code or --off, not both", field="off")
    with opened(home, tenant) as here:
        member_id, told = here.member_id(who), {}
        if off:
            here.members.disable_totp(here.tenant, member_id)
        elif code:
            here.members.confirm_totp(here.tenant, member_id, code)
        else:
            told = {"address": here.members.enable_totp(here.tenant, member_id)}
        told |= {"member_id": member_id, "second_factor": here.members.get(here.tenant, member_id)["second_factor"]}
    emit(told, as_json, told.get("address") or f"{member_id}: second factor {told['second_factor']}")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)
