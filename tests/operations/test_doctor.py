"""The doctor finds each illness where it is, and nothing in a healthy town."""

import pytest
import sqlalchemy as sa
from small_town import JANE

from growthbench.base.settings import Settings
from growthbench.operations import vault_file
from growthbench.operations.backup import back_up
from growthbench.operations.doctor import examine, told
from growthbench.operations.erasing import Eraser
from growthbench.people.directory import Ident
from growthbench.people.tables import erasures, people
from growthbench.store.audit import Audit
from growthbench.store.message_tables import tail_heads


@pytest.fixture
def settings(town):
    return Settings(town.home, town.url, "", town.home)


def states(settings):
    return {check.name: check.state for check in examine(settings)}


def ill(settings):
    return {name: state for name, state in states(settings).items() if state != "ok"}


def test_a_town_with_a_backup_is_well_also_after_an_erasure(town, settings):
    assert ill(settings) == {"backups": "warn"}  # there is none yet
    back_up(settings)
    assert ill(settings) == {}
    Eraser(town.store, town.home, town.keyring).erase(Ident("user", JANE))
    assert ill(settings) == {}
    numbers = next(c for c in examine(settings) if c.name == "log numbers")
    assert "12 erased" in numbers.told


def _drop_an_event(connection, town):
    connection.execute(sa.text("DELETE FROM events WHERE event_id = 'b3'"))


def _spoil_a_key(connection, town):
    connection.execute(sa.update(people).where(people.c.person == town.persons["bob"]).values(sealed_key=b"\x03abcxx"))


def _drop_a_key(connection, town):
    connection.execute(sa.update(people).where(people.c.person == town.persons["bob"]).values(sealed_key=None))


def _alter_the_audit(connection, town):
    connection.execute(sa.text("UPDATE audit SET actor = 'nobody' WHERE number = 1"))


def _go_back_in_time(connection, town):
    connection.execute(sa.text("UPDATE log_heads SET received_at = received_at + 60000000"))


def _alter_a_receipt(connection, town):
    connection.execute(sa.update(erasures).values(person="somebody"))
    row = {"tenant_id": "local", "receipt_id": "r", "person": "p", "lookups": "", "digest": "d", "requested_at": 1}
    inside = '{"persons":[],"stores":{},"left":[],"numbers":0,"horizon":0,"sealed":null,"first_received":0}'
    connection.execute(sa.insert(erasures).values(**row, stores=inside, done_at=2))


def _lag(connection, town):
    connection.execute(sa.text("UPDATE log_heads SET seq = seq + 0"))
    connection.execute(sa.delete(tail_heads))
    connection.execute(sa.insert(tail_heads).values(tenant_id="local", reader="profile", seq=-20_000))


def _another_table(connection, town):
    connection.execute(sa.text("CREATE TABLE stray (x INTEGER)"))


@pytest.mark.parametrize(
    ("harm", "name", "state"),
    [
        (_drop_an_event, "log numbers", "fail"),
        (_spoil_a_key, "sealed samples", "fail"),
        (_drop_a_key, "sealed samples", "fail"),
        (_alter_the_audit, "audit chain", "fail"),
        (_go_back_in_time, "clock", "fail"),
        (_alter_a_receipt, "erasures", "fail"),
        (_lag, "tail readers", "warn"),
        (_another_table, "store", "fail"),
    ],
)
def test_an_illness_is_found(town, settings, harm, name, state):
    back_up(settings)
    with town.store.writing() as connection:
        harm(connection, town)
    assert ill(settings) == {name: state}


def test_an_erasure_that_was_not_finished_is_told(town, settings):
    back_up(settings)
    Eraser(town.store, town.home, town.keyring).begin(Ident("user", JANE))
    assert ill(settings) == {"erasures": "warn"}


def test_a_vault_that_still_holds_somebody_is_told(town, settings):
    made = back_up(settings)
    before = made.vault.read_bytes()
    Eraser(town.store, town.home, town.keyring).erase(Ident("user", JANE))
    made.vault.write_bytes(before)
    assert ill(settings) == {"backups": "fail"}
    assert vault_file.holds(made.vault, "local", [town.persons["jane"]]) == 1
    back_up(settings)
    assert ill(settings) == {}


def test_models_are_checked_by_their_golden_rows(town, settings, tmp_path):
    import small_models

    from growthbench.predictions.deployments import deploy

    back_up(settings)
    made = deploy(town.store, town.home, "local", "churn", small_models.person_model(tmp_path / "m"))
    assert ill(settings) == {}
    small_models.spoil_golden(town.home / "models" / "churn" / made.champion)
    assert ill(settings) == {"models": "fail"}


def test_no_store_is_one_failed_check(tmp_path):
    settings = Settings(tmp_path, f"sqlite:///{tmp_path / 'none.db'}", "", tmp_path)
    found = told(examine(settings))
    assert found["state"] == "fail"
    assert [c["name"] for c in found["checks"]] == ["disk space", "store", "key ring"]
    assert not (tmp_path / "none.db").exists()


def test_redis_that_does_not_answer(town):
    settings = Settings(town.home, town.url, "", town.home, redis_url="redis://localhost:1")
    assert states(settings)["redis"] == "fail"
    assert Audit(town.store).verify("local") is None
