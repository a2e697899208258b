"""What the verbs about tenants share: an opened home, and whose part of it is meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from growthbench.base.clock import to_iso
from growthbench.base.settings import Settings
from growthbench.cli.options import settings
from growthbench.store.audit import Audit
from growthbench.store.engine import Store, open_store
from growthbench.store.keyring import Keyring
from growthbench.store.members import Members
from growthbench.store.tenants import Tenants

tenant_option = click.option("--tenant", help="whose (default: GROWTHBENCH_TENANT, else local)")
_TIMES = ("created_at", "changed_at", "revoked_at", "disabled_at", "last_login", "at")


@dataclass
class Opened:
    """An opened home; ``tenant`` is whose part of it is meant."""

    settings: Settings
    store: Store
    keyring: Keyring
    tenants: Tenants
    tenant: str

    @property
    def members(self) -> Members:
        """Its members."""
        return Members(self.store, self.keyring)

    @property
    def audit(self) -> Audit:
        """Its audit."""
        return Audit(self.store)

    def member_id(self, who: str) -> str:
        """A member's id, from it or from their e-mail address."""
        return self.members.find(self.tenant, who)["member_id"] if "@" in who else who


@contextmanager
def opened(home: Path | None, tenant: str | None = None, make: bool = False, check: bool = True) -> Iterator[Opened]:
    """Open a home.

    Parameters
    ----------
    home : Path or None
    tenant : str, optional
        By default the installation's own.
    make : bool, default False
        Make the installation's own tenant if it is not there yet: else the service makes it at its first start, and
        prints its keys.
    check : bool, default True
        Refuse a tenant that is not there.
    """
    here = settings(home)
    with open_store(here.database_url) as store:
        keyring = Keyring.open(here.home)
        tenants = Tenants(store, keyring)
        if make and tenant in (None, here.tenant):
            tenants.ensure(here.tenant)
        elif check:
            tenants.get(tenant or here.tenant)
        yield Opened(here, store, keyring, tenants, tenant or here.tenant)


def group(name: str, about: str) -> click.Group:
    """A verb of verbs, which called alone tells what they are."""

    @click.group(name, invoke_without_command=True, help=about)
    @click.pass_context
    def made(ctx):
        if ctx.invoked_subcommand is None:
            click.echo(ctx.get_help())

    return made


def timed(row: dict) -> dict:
    """A row with its times as text."""
    return {n: to_iso(v) if n in _TIMES and v is not None else v for n, v in row.items()}
