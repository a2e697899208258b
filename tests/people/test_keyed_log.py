"""Imported people get keys, their properties are sealed; whoever asks by user id sees them as they came."""

import json

import pyarrow as pa
import pytest
import sqlalchemy as sa

from growthbench.events.data import EventData
from growthbench.events.lake import Lake
from growthbench.events.log import EventLog
from growthbench.events.tables import event_values, events
from growthbench.people import links
from growthbench.people.directory import Ident
from growthbench.people.history import history
from growthbench.people.keyed_log import KeyedLog
from growthbench.people.lake import export
from growthbench.people.profile import read_profile
from growthbench.workbench.loading import bring_in
from growthbench.workbench.log_view import LogView
from growthbench.workbench.people import features_now

ROWS = [
    {"event_id": f"e{i}", "person": ("ann", "Bö 😀", "anonymous:c1")[i % 3], "name": ("login", "identify")[i % 2],
     "timestamp": i * 10**9, "received_at": i * 10**9 + 5,
     "properties": json.dumps({"city": f"Ort {i}"}) if i % 5 else None}
    for i in range(30)
]  # fmt: skip
VALUES = [{"event_id": f"e{i}", "key": "plan", "text_value": f"p{i}"} for i in range(1, 30, 2)]
DATA = EventData.from_raw(pa.Table.from_pylist(ROWS), pa.Table.from_pylist(VALUES))


@pytest.fixture
def keyed(store, directory):
    log = KeyedLog(EventLog(store), directory)
    assert bring_in(DATA, log).new == 30
    return log


def test_ids_and_properties_of_an_import_lie_sealed(keyed, store):
    with store.reading() as connection:
        rows = [
            *connection.execute(sa.select(events)).mappings(),
            *connection.execute(sa.select(event_values)).mappings(),
        ]
    stored = repr([dict(r) for r in rows])
    assert not any(word in stored for word in ("'ann'", "Bö", "anonymous", "Ort"))
    assert all(r["person"].startswith("per_") for r in rows)
    assert {(r["properties"], r["sealed"] is None) for r in rows[:30]} == {(None, True), (None, False)}


def test_an_import_run_again_changes_nothing(keyed, store, keyring):
    from growthbench.people.directory import Directory

    people = EventLog(store).people()
    again = bring_in(DATA, KeyedLog(EventLog(store), Directory(store, keyring)))
    assert (again.new, again.duplicates, again.horizon) == (0, 30, 30)
    assert EventLog(store).people() == people
    assert len(people) == 3


def test_history_reads_as_it_was_sent(keyed, directory, store, keyring):
    mine = [r for r in ROWS if r["person"] == "ann"][::-1]
    found = history(directory, "ann")
    assert [(f["event_id"], f["person"], f["properties"]) for f in found] == [
        (r["event_id"], "ann", json.loads(r["properties"] or "{}")) for r in mine
    ]
    assert len(history(directory, "ann", limit=3)) == 3
    assert history(directory, "nobody") == []
    links.merge(store, keyring, "local", Ident("user", "ann"), Ident("anonymous", "c1"))
    assert {f["person"] for f in history(directory, "anonymous:c1")} == {"ann", "anonymous:c1"}
    assert len(history(directory, "ann")) == 20


def test_traits_of_an_import_make_the_profile(keyed, store, keyring):
    assert read_profile(store, keyring, "local", Ident("user", "ann"))["traits"] == {"city": "Ort 27"}


def test_features_are_asked_for_by_user_id(keyed, directory, store, keyring):
    from growthbench.base.errors import NotFoundError
    from growthbench.features.shipped import CATALOGUE

    some = CATALOGUE.select(["plan", "tenure"])
    table = features_now(directory, some, ["Bö 😀", "ann"], moment=10**12)
    assert list(table.index) == ["Bö 😀", "ann"]
    assert table["plan"].tolist() == ["p25", "p27"]
    with pytest.raises(NotFoundError, match="'eve' and 1 more"):
        features_now(directory, some, ["ann", "eve", "per_x"])
    links.merge(store, keyring, "local", Ident("user", "ann"), Ident("anonymous", "c1"))
    assert features_now(directory, some, "ann")["plan"].tolist() == ["p29"]


def test_the_notebooks_log_calls_people_by_their_ids(keyed, directory, store, keyring, tmp_path):
    view = LogView(EventLog(store), tmp_path / "lake", directory)
    names = {"ann", "Bö 😀", "anonymous:c1"}
    assert set(view.people()) == names
    assert view.counts()["people"].tolist() == [3, 3]
    assert set(view.to_pandas()["person"]) == names
    assert set(view.person("ann")["person"]) == {"ann"}
    links.merge(store, keyring, "local", Ident("user", "ann"), Ident("anonymous", "c1"))
    assert set(view.people()) == {"ann", "Bö 😀"}
    assert view.counts()["people"].tolist() == [2, 2]
    assert len(view.person("ann")) == 20


def test_a_lake_gets_links_and_their_ends(keyed, directory, store, keyring, tmp_path):
    lake, log = Lake(tmp_path / "lake"), EventLog(store)
    assert export(log, lake) == 30
    assert (lake.links().num_rows, lake.last_seq) == (0, 30)
    pair = ("local", Ident("user", "ann"), Ident("anonymous", "c1"))
    links.merge(store, keyring, *pair)
    assert export(log, lake) == 0
    (row,) = lake.links().to_pylist()
    assert (row["seq"], row["until_seq"], lake.horizon, lake.last_seq) == (31, None, 30, 31)
    links.unmerge(store, keyring, *pair)
    KeyedLog(log, directory).append_data(EventData.from_raw(pa.Table.from_pylist([ROWS[0] | {"event_id": "new"}])))
    assert export(log, lake) == 1
    assert (lake.links()["until_seq"].to_pylist(), lake.horizon) == ([32], 33)
