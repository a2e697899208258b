"""Verbs of operations: backup, restore, doctor, rotate, erase."""

from pathlib import Path

import click

from growthbench.base.errors import BadInputError
from growthbench.base.text_table import table
from growthbench.cli.options import home_option, settings
from growthbench.cli.output import emit, json_option
from growthbench.workbench.progress import Bars


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@home_option
@json_option
def backup_command(folder, home, as_json):
    """Back up store, jobs, models and configuration into FOLDER (default: backups in the home), while the service runs.

    People's keys and the key ring go into the one `vault` file beside the backups; erasures keep it up to date.
    """
    from growthbench.operations.backup import back_up

    made = back_up(settings(home), folder)
    emit(made.told(), as_json, str(made))


@click.command("restore")
@click.argument("backup", type=click.Path(path_type=Path))
@click.option("--vault", type=click.Path(path_type=Path), help="the newest vault (default: beside the backup)")
@click.option("--force", is_flag=True, help="replace a store that holds something")
@home_option
@json_option
def restore_command(backup, vault, force, home, as_json):
    """Restore the BACKUP folder; stop the service first. Whoever was erased since stays erased."""
    from growthbench.operations.restore import restore

    done = restore(settings(home), backup, vault, force)
    emit(done.told(), as_json, str(done))


@click.command("doctor")
@home_option
@json_option
def doctor_command(home, as_json):
    """Look whether everything is in order; exit code 2 if something is not."""
    from growthbench.operations import doctor

    checks = doctor.examine(settings(home))
    told = doctor.told(checks)
    rows = [{"check": c.name, "state": c.state, "seconds": c.seconds, "what": c.told} for c in checks]
    emit(told, as_json, table(rows))
    if told["state"] == doctor.FAIL:
        raise click.exceptions.Exit(2)


@click.command("rotate")
@click.option("--no-new-key", is_flag=True, help="the new key is in GROWTHBENCH_KEYRING already")
@home_option
@json_option
def rotate_command(no_new_key, home, as_json):
    """Add a key to the key ring and seal everything anew with it, while the service runs."""
    from growthbench.operations.rotation import rotate
    from growthbench.store.engine import open_store
    from growthbench.store.keyring import Keyring

    here = settings(home)
    with open_store(here.database_url) as store, Bars(True if as_json else None) as bars:
        done = rotate(store, Keyring.open(here.home), here.home, not no_new_key, bars)
    emit(done.told(), as_json, str(done))


@click.command("erase")
@click.argument("user", required=False)
@click.option("--verify", "receipt", metavar="RECEIPT", help="search again for somebody who was erased")
@home_option
@json_option
def erase_command(user, receipt, home, as_json):
    """Erase USER (a user id, or anonymous:ID) everywhere and print the receipt; or verify a receipt."""
    from growthbench.operations.erasing import Eraser, finish_all
    from growthbench.people.directory import Ident
    from growthbench.store.engine import open_store
    from growthbench.store.keyring import Keyring

    if not user and not receipt:
        raise BadInputError("erase wants a user id, or --verify RECEIPT", field="user")
    here = settings(home)
    with open_store(here.database_url) as store:
        eraser = Eraser(store, here.home, Keyring.open(here.home), here.tenant, redis_url=here.redis_url)
        if receipt:
            found = eraser.verify(receipt, [user] if user else [])
            told = found.told()
            lines = f"{receipt} {'holds' if found.holds else 'DOES NOT HOLD'}\n{table(told['stores'])}"
        else:
            finish_all(eraser)
            told = eraser.erase(Ident.of(user)).told()
            lines = f"erased, receipt {told['receipt_id']}\n{table(told['stores'])}"
    emit(told, as_json, lines)
    if receipt and not told["holds"]:
        raise click.exceptions.Exit(2)
