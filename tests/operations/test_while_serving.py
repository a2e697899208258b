"""Erasure, backup and rotation while others write: nobody fails, nothing of theirs is lost."""

import threading

import pytest
from small_town import JANE, MAIL, message

from growthbench.base.settings import Settings
from growthbench.events.log import EventLog
from growthbench.operations.backup import back_up
from growthbench.operations.doctor import examine
from growthbench.operations.erasing import Eraser
from growthbench.operations.rotation import SEALED, rotate
from growthbench.people.directory import Ident
from growthbench.store.keyring import Keyring


@pytest.fixture
def writer(town):
    """Starts sending events of new and known people; what it gives stops that and tells how many were taken."""
    stop, sent, failed = threading.Event(), [], []

    def run():
        while not stop.is_set():
            n = len(sent)
            try:
                town.send(message("track", f"visitor-{n % 20}", id=f"w{n}", event="x", properties={"n": n}))
                sent.append(n)
            except Exception as exc:
                failed.append(exc)
                return

    thread = threading.Thread(target=run)

    def start():
        thread.start()
        return finish

    def finish():
        stop.set()
        thread.join(60)
        assert not failed
        return len(sent)

    yield start
    stop.set()
    if thread.ident:
        thread.join(60)


def test_an_erasure_a_backup_and_a_rotation_beside_a_writer(town, writer):
    settings = Settings(town.home, town.url, "", town.home)
    before = EventLog(town.store).count()
    stop = writer()
    made = back_up(settings)
    receipt = Eraser(town.store, town.home, town.keyring).erase(Ident("user", JANE))
    rotate(town.store, town.keyring, town.home)
    rotated = rotate(town.store, Keyring.open(town.home), town.home, new_key=False)
    sent = stop()
    assert sent > 0
    assert EventLog(town.store).count() == before - 12 + sent
    assert Eraser(town.store, town.home, town.keyring).verify(receipt.receipt_id, ids=[JANE, MAIL]).holds
    assert rotated.older == {}
    with town.store.reading() as connection:
        keys = {Keyring.key_of(row[2]) for s in SEALED for row in s.page(connection, None, 10_000)}
    assert keys == {rotated.key_id}
    assert made.rows["events"] <= before + sent
    assert {c.name: c.told for c in examine(settings) if c.state == "fail"} == {}
