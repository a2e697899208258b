"""What is backed up comes back as it was; whoever was erased since does not, from however old a backup."""

import shutil

import pytest
import sqlalchemy as sa
from small_town import JANE, MAIL, NEEDLES

from growthbench.base.errors import ArtifactError, ConflictError, GrowthbenchError, NotFoundError
from growthbench.base.settings import Settings
from growthbench.operations.backup import back_up, read_manifest
from growthbench.operations.erasing import Eraser
from growthbench.operations.restore import restore
from growthbench.operations.sealed_rows import read_rows
from growthbench.operations.vault_file import read_vault
from growthbench.people.directory import Ident
from growthbench.people.export import export_person
from growthbench.people.vault import PersonKey
from growthbench.store.audit import Audit
from growthbench.store.engine import open_store
from growthbench.store.keyring import Keyring
from growthbench.store.tables import metadata


@pytest.fixture
def settings(town):
    return Settings(town.home, town.url, "", town.home / "datasets")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "elsewhere" / "backups"


def everything(store):
    """All rows of all tables but those that a restore itself adds to."""
    with store.reading() as connection:
        return {
            t.name: sorted(map(repr, connection.execute(sa.select(t).order_by(*t.primary_key))))
            for t in metadata.sorted_tables
            if t.name not in ("audit", "log_heads")
        }


def wiped(town, settings):
    """The same addresses with nothing behind them."""
    town.store.close()
    shutil.rmtree(town.home)
    if town.store.dialect == "postgresql":
        with town.store.writing() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))
    return settings


def test_backup_wipe_restore_is_the_same_store(town, settings, folder):
    before = everything(town.store)
    told = export_person(town.store, town.keyring, "local", Ident("user", JANE))
    made = back_up(settings, folder)
    assert made.rows == town.counts()
    report = restore(wiped(town, settings), made.path)
    with open_store(settings.database_url) as store:
        assert everything(store) == before
        again = export_person(store, Keyring.open(town.home), "local", Ident("user", JANE))
        assert Audit(store).verify("local") is None
    assert again | {"exported_at": ""} == told | {"exported_at": ""}
    assert report.people_gone == {}
    assert not any(report.dropped.values())
    assert report.seconds > 0


def test_a_backup_alone_tells_nothing(town, settings, folder):
    made = back_up(settings, folder)
    content = b"".join(p.read_bytes() for p in made.path.rglob("*") if p.is_file())
    keys = [town.persons["jane"].encode(), *NEEDLES]
    assert not [needle for needle in keys if needle in content]
    assert made.vault.stat().st_mode & 0o777 == 0o600
    manifest = read_manifest(made.path)
    raw = town.keyring.unseal(read_vault(made.vault).backups[made.backup_id], f"backup/{made.backup_id}".encode())
    people = [row for rows in read_rows(made.path / "store" / "people.rows", "people", PersonKey(raw)) for row in rows]
    place = manifest["tables"]["people"].index("sealed_key")
    assert {row[place] for row in people} == {""}  # even with the backup's key: no person's key


def test_an_old_backup_does_not_bring_back_who_was_erased_since(town, settings, folder):
    bob = export_person(town.store, town.keyring, "local", Ident("user", "bob"))
    made = back_up(settings, folder)
    eraser = Eraser(town.store, town.home, town.keyring)
    receipt = eraser.erase(Ident("user", JANE))
    assert receipt.stores["vaults"] == 2  # hers, and that of the cookie she was
    report = restore(wiped(town, settings), made.path)
    assert report.people_gone == {"erased since": 2}
    assert report.dropped["events"] == 12
    with open_store(settings.database_url) as store:
        town.store = store
        ring = Keyring.open(town.home)
        assert {needle: town.bytes_anywhere(needle) for needle in NEEDLES} == {needle: [] for needle in NEEDLES}
        assert town.find(JANE) == [None]
        verified = Eraser(store, town.home, ring).verify(receipt.receipt_id)
        assert {name: n for name, n in verified.found.items() if n} == {}
        assert verified.holds
        query = sa.select(metadata.tables["erased_predictions"].c.prediction_id)
        with store.reading() as connection:
            assert set(connection.execute(query).scalars()) == {"pred_jane", "pred_cookie", "pred_text"}
        again = export_person(store, ring, "local", Ident("user", "bob"))
    for name in ("ids", "traits", "profile", "consents"):
        assert again[name] == bob[name]
    masked = ("b9", "b10")  # the two events that mentioned her
    assert [e for e in again["events"] if e["event_id"] not in masked] == [
        e for e in bob["events"] if e["event_id"] not in masked
    ]


def test_a_fresh_backup_after_an_erasure_holds_nothing_of_her(town, settings, folder):
    old = back_up(settings, folder)
    Eraser(town.store, town.home, town.keyring).erase(Ident("user", JANE))
    made = back_up(settings, folder)
    vault = read_vault(made.vault)
    raw = town.keyring.unseal(vault.backups[made.backup_id], f"backup/{made.backup_id}".encode())
    rows = [
        repr(row)
        for name in read_manifest(made.path)["rows"]
        for piece in read_rows(made.path / "store" / f"{name}.rows", name, PersonKey(raw))
        for row in piece
    ]
    assert not [row for row in rows if JANE in row or MAIL.lower() in row.lower()]
    assert old.backup_id in vault.backups
    assert town.persons["jane"] not in vault.people["local"]


def test_a_key_that_is_in_no_vault_is_dropped_and_told(town, settings, folder):
    from growthbench.operations import vault_file

    made = back_up(settings, folder)
    vault = read_vault(made.vault)
    del vault.people["local"][town.persons["bob"]]
    vault_file._write(made.vault, vault)
    report = restore(wiped(town, settings), made.path)
    assert report.people_gone == {"no key in the vault": 1}
    with open_store(settings.database_url) as store:
        town.store = store
        assert town.find("bob", JANE)[0] is None
        assert town.find(JANE) == [town.persons["jane"]]


@pytest.mark.parametrize("harm", ["cut", "swapped", "no vault", "old vault", "in use"])
def test_what_cannot_be_restored_is_refused_before_anything_is_changed(town, settings, folder, harm):
    made = back_up(settings, folder)
    rows = sorted((made.path / "store").iterdir())
    error = ArtifactError
    if harm == "cut":
        rows[0].write_bytes(rows[0].read_bytes()[:-3])
    elif harm == "swapped":
        (made.path / "store" / "events.rows").write_bytes((made.path / "store" / "people.rows").read_bytes())
    elif harm == "no vault":
        made.vault.unlink()
        error = NotFoundError
    elif harm == "old vault":
        shutil.copy(made.vault, folder / "old")
        made = back_up(settings, folder)
        shutil.copy(folder / "old", made.vault)
    else:
        error = ConflictError
    before = everything(town.store)
    with pytest.raises(error):
        restore(settings, made.path, force=harm != "in use")
    assert everything(town.store) == before


def test_force_replaces_what_is_there(town, settings, folder):
    made = back_up(settings, folder)
    town.send({"type": "track", "event": "later", "userId": "eve", "messageId": "e1"})
    restore(settings, made.path, force=True)
    assert town.find("eve", "bob") == [None, town.persons["bob"]]


def test_rows_of_a_damaged_piece_are_not_read(tmp_path):
    from growthbench.operations.sealed_rows import write_rows

    key, path = PersonKey(bytes(32)), tmp_path / "t.rows"
    assert write_rows(path, "t", [[("a", 1, None, b"x", 0.1)], [("b", 2, None, b"y", 1e300)]], key) == 2
    assert [len(piece) for piece in read_rows(path, "t", key)] == [1, 1]
    whole = path.read_bytes()
    for spoiled in (whole[:-60], whole[:40] + b"!" + whole[41:], b""):
        path.write_bytes(spoiled)
        with pytest.raises(GrowthbenchError, match="damaged"):
            list(read_rows(path, "t", key))
    path.write_bytes(whole)
    with pytest.raises(ArtifactError, match="not its own"):
        list(read_rows(path, "other", key))
