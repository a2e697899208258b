"""The verbs of operations as a shell sees them."""

import json

import click
import pytest

from growthbench.base.clock import now_us
from growthbench.base.errors import BadInputError, NotFoundError
from growthbench.base.settings import Settings
from growthbench.cli import operations
from growthbench.events.live import Event
from growthbench.events.log import EventLog
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.tenants import Tenants


@pytest.fixture
def home(tmp_path):
    """A home with two people's events."""
    here = Settings.read()
    with open_store(here.database_url) as store:
        Tenants(store, Keyring.open(here.home)).ensure_first()
        EventLog(store).append([Event(person=f"customer-{i}", name="x", timestamp=now_us()) for i in (1, 2)])
    return here.home


def run(command, capsys, *args):
    """Exit code and last line as JSON."""
    try:
        code = command.main(args=[*args, "--json"], standalone_mode=False) or 0
    except click.exceptions.Exit as exc:
        code = exc.exit_code
    return code, json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_backup_erase_restore(home, capsys):
    code, made = run(operations.backup_command, capsys)
    assert (code, made["rows"]["events"], made["seconds"]["all"] > 0) == (0, 2, True)
    code, receipt = run(operations.erase_command, capsys, "customer-1")
    assert (code, receipt["state"]) == (0, "done")
    code, told = run(operations.erase_command, capsys, "--verify", receipt["receipt_id"])
    assert (code, told["holds"]) == (0, True)
    code, restored = run(operations.restore_command, capsys, made["path"], "--force")
    assert (code, restored["rows"]["events"], restored["dropped"]["events"]) == (0, 1, 1)
    with open_store(Settings.read().database_url) as store:
        assert EventLog(store).people() == ["customer-2"]


def test_the_doctor_ends_with_2_when_something_fails(home, capsys):
    code, told = run(operations.doctor_command, capsys)
    assert (code, told["state"]) == (0, "warn")  # no backup yet
    with open_store(Settings.read().database_url) as store, store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE person = 'customer-1'")
    code, told = run(operations.doctor_command, capsys)
    assert (code, told["state"]) == (2, "fail")
    (bad,) = [c for c in told["checks"] if c["state"] == "fail"]
    assert bad["name"] == "log numbers"


def test_rotate_prints_the_new_key(home, capsys):
    code, told = run(operations.rotate_command, capsys)
    assert code == 0
    assert told["key_id"] == Keyring.open(home).key_ids[0]
    assert told["resealed"]["api_keys.signing"] == 2


def test_mistakes_are_told(home):
    with pytest.raises(BadInputError):
        operations.erase_command.main(args=[], standalone_mode=False)
    with pytest.raises(NotFoundError, match=r"manifest\.json"):
        operations.restore_command.main(args=["nowhere"], standalone_mode=False)
