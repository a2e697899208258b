"""Runs say what they have lost: surely where their evaluation did, maybe where their source did, else nothing."""

import pytest
from small_town import JANE

from growthbench.base.clock import now_us
from growthbench.operations.erasing import Eraser
from growthbench.operations.runs_touched import Note, lost_people, note, notes
from growthbench.people.directory import Ident

RUN = "a" * 32


def test_an_erasure_is_noted_for_the_runs_it_touched(town):
    before = now_us()
    receipt = Eraser(town.store, town.home, town.keyring).erase(Ident("user", JANE))
    (told,) = notes(town.home)
    assert (told.receipt_id, told.runs, told.sources) == (receipt.receipt_id, (RUN,), ("store",))
    assert "1 of its people was erased since" in str(lost_people(town.home, RUN, "store", before))
    other = lost_people(town.home, "b" * 32, "store", before)
    assert (other.surely, other.maybe) == (0, 1)
    assert "may have been in its data" in str(other)
    assert lost_people(town.home, "b" * 32, "store", now_us()) is None  # made after it
    assert lost_people(town.home, "b" * 32, "store", told.first_received - 1) is None  # made before she was known
    assert lost_people(town.home, "b" * 32, "world:b2b", before) is None
    assert JANE not in (town.home / "erasures.jsonl").read_text()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_receipt_is_noted_once(town):
    one = Note("r1", "local", 10, 1, ("store",))
    note(town.home, one)
    note(town.home, one)
    assert notes(town.home) == [one]
