"""One bound statement, for one person or many, through any connection; a plan is JSON and needs no compiler."""

import json
import sqlite3

import numpy as np
import pytest
from sqlalchemy import create_engine

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.events.tables import event_values, events
from growthbench.features.finishing import Finisher, Step
from growthbench.features.plan import Plan
from growthbench.features.shipped import CATALOGUE
from growthbench.features.statement import compiled
from growthbench.people.tables import links
from tests.features import engines
from tests.features.declared import EVERYTHING
from tests.features.logs import Drawn, made

ROWS = [
    {"event_id": f"e{i:03d}", "person": ("ann", "Bö", "😀")[i % 3], "name": ("page_view", "purchase")[i % 2],
     "timestamp": i * 10**9, "received_at": i * 10**9 + 5, "item_id": f"i{i % 7}", "category": "é", "channel": None,
     "amount": i, "quantity": 1, "plan": None, "employees": None, "öffentlich": None}
    for i in range(90)
]  # fmt: skip
DATA = made(ROWS)
PEOPLE = ["😀", "nobody", "ann", "ann", "Bö"]


@pytest.fixture(scope="module")
def plan():
    return EVERYTHING.plan()


@pytest.fixture
def bare():
    with engines.sqlite_engine(EVERYTHING) as engine, engine.filled(DATA) as connection:
        yield connection


def same(a, b):
    return all(np.array_equal(a[c], b[c], equal_nan=a[c].dtype != object) for c in a) and a.keys() == b.keys()


def test_many_people_are_answered_in_the_order_asked(plan, bare):
    together = plan.compute(bare, "local", PEOPLE, 80 * 10**9, 1000)
    for i, person in enumerate(PEOPLE):
        alone = plan.compute(bare, "local", [person], 80 * 10**9, 1000)
        assert same({c: v[i : i + 1] for c, v in together.items()}, alone)
    assert together["events_all"].tolist() == [26.0, 0.0, 27.0, 27.0, 27.0]


def test_more_people_than_one_statement_takes(plan, bare):
    people = [f"p{i}" for i in range(1_500)] + ["ann"]
    assert plan.fetch(bare, "local", people, 80 * 10**9, 1000)["events_all"] == [0] * 1_500 + [27]


def test_nobody_asked_gives_empty_columns(plan, bare):
    made = plan.compute(bare, "local", [], 0, 0)
    assert {len(v) for v in made.values()} == {0}
    assert tuple(made) == plan.names


def test_another_tenant_sees_nothing(plan, bare):
    assert plan.fetch(bare, "other", ["ann"], 10**15, 10**6)["events_all"] == [0]


def test_sqlalchemy_gives_the_same(plan, bare):
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        links.create(connection)
        for table, rows in ((events, DATA.events), (event_values, DATA.values)):
            table.create(connection)
            if rows.num_rows:
                connection.execute(table.insert(), rows.to_pylist())
        asked = ("local", PEOPLE, 80 * 10**9, 1000)
        assert plan.fetch(connection, *asked) == plan.fetch(bare, *asked)
        assert plan.fetch(connection, "local", ["ann"], 10**12, 50) == plan.fetch(bare, "local", ["ann"], 10**12, 50)
    engine.dispose()


@pytest.mark.postgres
def test_postgresql_through_sqlalchemy_gives_integers(plan, bare, postgres_url):
    asked = (80 * 10**9, 1000)
    with engines.postgresql_engine(EVERYTHING, postgres_url) as store:
        engine = create_engine("postgresql+psycopg://", creator=lambda: store.connection)
        with engine.connect() as connection, store.filled(DATA):
            for people in (PEOPLE, ["ann"]):
                found = plan.fetch(connection, "local", people, *asked)
                assert found == plan.fetch(bare, "local", people, *asked)
                assert {type(v) for column in found.values() for v in column} == {int, str, type(None)}
        engine.dispose()


def test_a_plan_survives_json(plan):
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    with pytest.raises(ArtifactError, match="format"):
        Plan.from_json(plan.to_json() | {"format": 99})


def test_an_unknown_driver_is_refused(plan):
    with pytest.raises(BadInputError, match="SQLite or PostgreSQL"):
        plan.fetch(object(), "local", ["ann"], 0, 0)


def test_one_person_is_found_by_the_clustered_key(plan, bare):
    for name, given in (
        ("sqlite", {"tenant": "local", "person": "ann", "moment": 1, "horizon": 1}),
        ("sqlite:many", {"tenant": "local", "spine": '[["ann", 1, 1]]'}),
    ):
        sql = plan.statements[name]
        steps = [row[3] for row in bare.execute("EXPLAIN QUERY PLAN " + sql, given)]
        keyed = [s for s in steps if "USING PRIMARY KEY (tenant_id=? AND person=? AND timestamp" in s]
        assert len(keyed) == sql.count('FROM "events"') + sql.count('FROM "event_values"'), steps
        assert [s for s in steps if "SEARCH l USING PRIMARY KEY (tenant_id=? AND person=?)" in s]


def test_a_plan_without_links_is_of_another_format(plan):
    with pytest.raises(ArtifactError, match="format 1"):
        Plan.from_json(plan.to_json() | {"format": 1})


def linked(person, member, seq=1, received_at=0, until_seq=None, until=None):
    return {"tenant_id": "local", "person": person, "member": member, "seq": seq, "received_at": received_at,
            "until_seq": until_seq, "until_received_at": until}  # fmt: skip


def test_merged_people_are_counted_together(plan):
    rows = [
        linked("ann", "Bö", seq=50, received_at=5),
        linked("ann", "😀", seq=60, received_at=6, until_seq=70, until=7),
    ]
    asked = [("ann", 10**14, seq) for seq in (49, 50, 60, 69, 70, 1000)] + [("Bö", 10**14, 1000), ("ann", 4, 1000)]
    with engines.sqlite_engine(EVERYTHING) as engine:
        drawn = Drawn(DATA, asked, rows)
        counts = engine.raw(drawn)["events_all"]
    assert counts == [17, 17 + 17, 20 + 20 + 20, 23 + 23 + 23, 24 + 23, 60, 30, 0]


def test_a_subset_of_counts_orders_and_groups_nothing_else():
    sql = CATALOGUE.select(["page_views", "purchases_90d"]).statement("sqlite")
    assert "OVER" not in sql
    assert sql.count("GROUP BY") == 1
    assert '"timestamp" >=' in sql
    assert '"name" IN (' in sql
    assert CATALOGUE.select(["purchases_all"]).statement("sqlite").count('"timestamp" >=') == 0


def test_a_chosen_subset_has_the_same_values(plan, bare):
    whole = plan.compute(bare, "local", PEOPLE, 80 * 10**9, 1000)
    for feature in EVERYTHING:
        alone = EVERYTHING.select([feature.name]).plan().compute(bare, "local", PEOPLE, 80 * 10**9, 1000)
        assert same(alone, {c: whole[c] for c in alone}), feature


def test_spark_gets_a_statement_too():
    assert "ROW_NUMBER()" in compiled(EVERYTHING.parts, "pyspark")


def test_finishing_divides_once_and_leaves_the_unknown_unknown():
    finish = Finisher([Step("ratio", (("a", 3),), (("b", 7),), plus=0), Step("days", (("a", 1), ("b", -1)), plus=2)])
    made = finish({"a": [1, 0, None, 5], "b": [3, 0, 1, None]})
    assert made["ratio"][0].hex() == (3 / 21).hex()
    assert np.isnan(made["ratio"][1:]).all()
    assert made["days"][:2].tolist() == [-1.0, 0.0]
    masked = {"a": np.ma.MaskedArray([1, 0, 9, 5], [0, 0, 1, 0]), "b": np.ma.MaskedArray([3, 0, 1, 9], [0, 0, 0, 1])}
    assert same(finish(masked), made)


def test_statements_are_text_of_the_driver(plan):
    assert set(plan.statements) == {"sqlite", "sqlite:many", "postgresql", "postgresql:many"}
    assert sqlite3.complete_statement(plan.statements["sqlite"] + ";")
