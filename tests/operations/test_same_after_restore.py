"""Backup, wipe, restore: the same log, the same scores bit for bit, and no model that was not there."""

import shutil

import pytest

from growthbench.base.clock import now_us
from growthbench.base.settings import Settings
from growthbench.operations.backup import back_up
from growthbench.operations.doctor import examine
from growthbench.operations.erasing import Eraser
from growthbench.operations.restore import restore
from growthbench.people.directory import Ident
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A small churn model."""
    import small_models

    return small_models.person_model(tmp_path_factory.mktemp("model") / "churn")


def test_the_same_scores_come_out(town, model):
    from growthbench.events.log import EventLog
    from growthbench.predictions.deployments import deploy
    from growthbench.predictions.log import PredictionLog
    from growthbench.predictions.recompute import recompute
    from growthbench.predictions.scorer import Scorer

    deploy(town.store, town.home, "local", "churn", model)
    moment, who = now_us(), [town.persons[name] for name in ("jane", "bob")]
    said = Scorer(town.store, town.home).score_people("churn", who, moment)
    log = EventLog(town.store).read()
    settings = Settings(town.home, town.url, "", town.home)
    made = back_up(settings, town.home.parent / "backups")
    shutil.rmtree(town.home)
    done = restore(settings, made.path, force=True)
    assert len(done.models) == 1
    with open_store(town.url) as store:
        assert EventLog(store).read().digest() == log.digest()
        again = Scorer(store, town.home).score_people("churn", who, moment)
        assert [p.said for p in again] == [p.said for p in said]
        ids = [p.prediction_id for p in said]
        assert [one.same for one in recompute(store, town.home, "local", ids)] == [True, True]
        assert PredictionLog(store, "local").count() == 5 + len(said) + len(again)
    assert {c.name for c in examine(settings) if c.state == "fail"} == set()


def test_a_training_set_made_after_an_erasure_has_no_row_of_hers(town):
    from growthbench.events.lake import Lake
    from growthbench.events.log import EventLog
    from growthbench.features.offline import everyone

    lake = Lake(town.home / "lakes" / "store-local", "store")
    before = set(everyone(lake)["person"].to_pylist())
    assert {town.persons["jane"], town.persons["cookie"]} & before
    Eraser(town.store, town.home, town.keyring).erase(Ident("user", "jane-4711"))
    EventLog(town.store).export(lake)
    assert set(everyone(lake)["person"].to_pylist()) == {town.persons["bob"]}
    fresh = Lake(town.home / "lakes" / "fresh")
    EventLog(town.store).export(fresh)
    assert set(everyone(fresh)["person"].to_pylist()) == {town.persons["bob"]}


def test_a_backup_moves_from_one_database_to_the_other(town, tmp_path, request):
    """What outgrows SQLite goes to PostgreSQL by backup and restore, and back."""
    from growthbench.people.export import export_person

    told = export_person(town.store, town.keyring, "local", Ident("user", "bob"))
    made = back_up(Settings(town.home, town.url, "", town.home), tmp_path / "backups")
    if town.store.dialect == "sqlite":
        url = request.getfixturevalue("postgres_url")
    else:
        url = f"sqlite:///{tmp_path / 'moved.db'}"
    there = Settings(tmp_path / "moved", url, "", tmp_path)
    restore(there, made.path)
    with open_store(url) as store:
        moved = export_person(store, Keyring.open(there.home), "local", Ident("user", "bob"))
    assert moved | {"exported_at": ""} == told | {"exported_at": ""}
