"""Erasure and backup at a size where they take their time."""

import json
import shutil
import time

import pytest
import sqlalchemy as sa
from small_town import Town

from growthbench.base.clock import now_us
from growthbench.base.settings import Settings
from growthbench.events.lake import Lake
from growthbench.events.log import EventLog
from growthbench.events.segment import read_message
from growthbench.operations.all_tables import TABLES
from growthbench.operations.backup import back_up
from growthbench.operations.doctor import examine
from growthbench.operations.erasing import Eraser
from growthbench.operations.restore import restore
from growthbench.people.directory import Directory, Ident
from growthbench.people.intake import Batch, Intake
from growthbench.store.engine import open_store
from growthbench.store.tenants import Tenants

_EVENTS = 250_000
_PEOPLE = 5_000
_BATCH = 5_000


def user(i):
    return f"customer-{i:05d}"


def mail(i):
    return f"{user(i)}@example.org"


@pytest.fixture
def big(store, home, keyring, store_url):
    """A quarter of a million sealed events of five thousand people, each of whom is mentioned by the next one."""
    Tenants(store, keyring).ensure_first("local")
    directory = Directory(store, keyring)
    intake = Intake(lambda tenant: directory)
    for start in range(0, _EVENTS, _BATCH):
        read = [read_message(_message(i), None, now_us()) for i in range(start, start + _BATCH)]
        with store.writing() as connection:
            intake.write(connection, [Batch("local", read)])
    EventLog(store).export(Lake(home / "lakes" / "store-local"))
    return Town(store, home, keyring, store_url)


def _message(i):
    who, row = i % _PEOPLE, i // _PEOPLE
    told = {"type": "track", "event": "product_view", "userId": user(who), "messageId": f"m{i}"}
    if row == 0:
        told |= {"type": "identify", "traits": {"email": mail(who), "plan": "pro"}}
    elif row == 1:
        told["properties"] = {"item_id": f"/shared/{mail((who + 1) % _PEOPLE)}"}
    else:
        told["properties"] = {"item_id": f"sku-{i % 977}", "note": f"{mail(who)} looked at it"}
    return json.dumps(told).encode()


@pytest.mark.proof("erasure")
def test_erased_people_are_nowhere_and_the_others_whole(big, figure):
    settings = Settings(big.home, big.url, "", big.home)
    before = back_up(settings, big.home.parent / "backups")
    eraser, gone = Eraser(big.store, big.home, big.keyring), [7, 1234, 4999]
    started, receipts = time.perf_counter(), []
    for i in gone:
        receipts.append(eraser.erase(Ident("user", user(i))))
    figure(f"{big.store.dialect} erasure", (time.perf_counter() - started) / len(gone), at_most=60, unit="s")
    found = {n: big.bytes_anywhere(n.encode()) for i in gone for n in (user(i), mail(i))}
    assert found == dict.fromkeys(found, found[user(7)])
    assert found[user(7)] == []
    started = time.perf_counter()
    assert all(eraser.verify(r.receipt_id).holds for r in receipts)
    figure(f"{big.store.dialect} verification", (time.perf_counter() - started) / len(gone), at_most=60, unit="s")
    assert all(eraser.verify(r.receipt_id, ids=[user(i), mail(i)]).holds for r, i in zip(receipts, gone))
    assert EventLog(big.store).count() == _EVENTS - len(gone) * _EVENTS // _PEOPLE
    lake = Lake(big.home / "lakes" / "store-local")
    assert lake.count() == EventLog(big.store).count()
    assert not {p for r in receipts for p in r.persons} & set(lake.read(["person"])["person"].to_pylist())
    back_up(settings, big.home.parent / "backups")
    assert {c.name: c.told for c in examine(settings) if c.state != "ok" and c.name != "tail readers"} == {}
    done = restore(settings, before.path, force=True)
    assert done.people_gone == {"erased since": len(gone)}
    with open_store(big.url) as store:
        big.store = store
        found = {n: big.bytes_anywhere(n.encode()) for i in gone for n in (user(i), mail(i))}
        assert not any(found.values())
        assert EventLog(store).count() == _EVENTS - len(gone) * _EVENTS // _PEOPLE


@pytest.mark.proof("backup")
def test_backup_wipe_restore_gives_the_same_log_and_profiles(big, figure):
    from growthbench.people.tail import Tail

    tail = Tail(big.store, big.keyring)
    while tail.catch_up():
        pass
    settings = Settings(big.home, big.url, "", big.home)
    before = _digests(big.store)
    made = back_up(settings, big.home.parent / "backups")
    figure(f"{big.store.dialect} backup", made.rows["events"] / made.seconds["all"], at_least=10_000, unit="events/s")
    big.store.close()
    shutil.rmtree(big.home)
    if big.store.dialect == "postgresql":
        with big.store.writing() as connection:
            for table in reversed(TABLES.values()):
                connection.execute(sa.delete(table))
    done = restore(settings, made.path)
    figure(f"{big.store.dialect} restore", done.rows["events"] / done.seconds, at_least=5_000, unit="events/s")
    with open_store(big.url) as store:
        assert _digests(store) == before


def _digests(store):
    """The log's digest, and every profile as it lies in the store."""
    with store.reading() as connection:
        profiles = [
            tuple(row)
            for name in ("profiles", "profile_traits", "identities", "people")
            for row in connection.execute(sa.select(TABLES[name]).order_by(*TABLES[name].primary_key))
        ]
    return EventLog(store).read(0, 10 * _EVENTS).digest(), profiles
