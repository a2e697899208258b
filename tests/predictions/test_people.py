"""Merged people are scored as one, from when it was known; what was said before is computed again as it was said."""

import pyarrow.parquet as pq
import pytest

from growthbench.base.clock import DAY_US, now_us
from growthbench.base.errors import NotFoundError
from growthbench.events.data import EventData
from growthbench.events.live import Event
from growthbench.events.log import EventLog
from growthbench.people import links
from growthbench.people.directory import Directory, Ident, called
from growthbench.people.keyed_log import KeyedLog
from growthbench.predictions.batch import score_all
from growthbench.predictions.people import count_people, known_people, listed_people
from growthbench.predictions.recompute import recompute
from growthbench.store.keyring import Keyring


@pytest.fixture
def keyring(home):
    return Keyring.open(home)


@pytest.fixture
def merge(store, keyring):
    return lambda into, member: links.merge(store, keyring, "local", Ident.of(into), Ident.of(member))


@pytest.fixture
def unmerge(store, keyring):
    return lambda into, member: links.unmerge(store, keyring, "local", Ident.of(into), Ident.of(member))


@pytest.fixture
def pair(store):
    """Two whom the model tells apart at any time of day: one was seen once, the other looks at pages every day."""
    now = now_us()
    seen = [Event(person="quiet", name="login", timestamp=now - 20 * DAY_US)]
    seen += [Event(person="busy", name="page_view", timestamp=now - i * DAY_US - 1) for i in range(12)]
    EventLog(store).append(seen)
    return "quiet", "busy"


def known(store, people, moment=None):
    with store.reading() as connection:
        head = EventLog(store).horizon()
        return known_people(connection, "local", people, moment or now_us(), head)


def test_a_prediction_comes_out_the_same_through_merges_and_unmerges(scorer, store, home, people, pair, merge, unmerge):
    (a, b), c = pair, people[0]
    said = [scorer.score_person("churn", a)]
    for change in (
        lambda: merge(a, b),
        lambda: merge(c, a),
        lambda: unmerge(c, b),
        lambda: unmerge(c, a),
        lambda: merge(b, c),
    ):
        change()
        said += scorer.score_people("churn", [a, b, c])
    by_person = {}
    for one in said:
        by_person.setdefault(one.prediction_id, one)
    found = recompute(store, home, "local", list(by_person))
    assert all(r.same for r in found), [r for r in found if not r.same]
    together = said[1]
    assert (together.person, together.name) == (a, a)
    assert said[2].person == a
    assert together.said.logged() != said[0].said.logged()
    apart = scorer.score_person("churn", a, moment=said[0].moment)  # as of then, though b belongs to somebody now
    assert apart.said.logged() == said[0].said.logged()


def test_merging_and_unmerging_restores_the_score(scorer, pair, merge, unmerge):
    (quiet, busy), moment = pair, now_us() + 10**9  # of all that is known
    before = scorer.score_person("churn", quiet, moment).said.logged()
    merge(quiet, busy)
    assert scorer.score_person("churn", quiet, moment).said.logged() != before
    unmerge(quiet, busy)
    assert scorer.score_person("churn", quiet, moment).said.logged() == before


def test_somebody_without_events_is_known_by_a_member(store, keyring, people, merge):
    directory = Directory(store, keyring)
    from growthbench.events.heads import lock_head

    with store.writing() as connection:
        head = lock_head(connection, "local")
        (silent,) = directory.resolve(connection, [Ident("user", "silent")], head.seq)
    assert known(store, [silent, people[0]]) == {people[0]}
    merge("silent", people[0])
    assert known(store, [silent, people[0]]) == {silent, people[0]}
    assert known(store, [silent], moment=1) == set()


def test_the_log_lists_whom_nobody_took_over(store, keyring, people, merge, unmerge):
    def listed(limit):
        with store.reading() as connection:
            found, head = [], EventLog(store).horizon()
            while page := listed_people(connection, "local", now_us(), head, found[-1] if found else "", limit):
                found += page
            return found, count_people(connection, "local", now_us(), head)

    everybody = sorted(people)
    assert listed(7) == (everybody, len(people))
    merge(people[0], people[1])
    merge(people[2], people[0])
    left = [p for p in everybody if p not in people[:2]]
    assert listed(7) == listed(1000) == (left, len(left))
    unmerge(people[2], people[0])
    left = [p for p in everybody if p != people[1]]
    assert listed(5) == (left, len(left))


@pytest.fixture
def keyed(store, keyring, people):
    """The small log once more, under user ids of its own: ``u-`` and the old name."""
    import pyarrow as pa
    import pyarrow.compute as pc

    data = EventLog(store).read(0, 10**6)

    def renamed(table, column, prefix):
        place = table.schema.get_field_index(column)
        name = pc.binary_join_element_wise(prefix, table[column], "")
        return table.set_column(place, table.schema.field(place), name.cast(pa.string()))

    tables = [renamed(renamed(t, "person", "u-"), "event_id", "again-") for t in (data.events, data.values)]
    log = KeyedLog(EventLog(store), Directory(store, keyring))
    log.append_data(EventData(*tables))
    return [f"u-{p}" for p in people]


def test_people_of_the_outside_world_get_the_scores_of_their_events(scorer, store, people, keyed):
    moment = now_us()
    plain, named = (scorer.score_people("churn", who, moment) for who in (people, keyed))
    assert [p.said.logged() for p in named] == [p.said.logged() for p in plain]
    assert [p.answer()["user_id"] for p in named] == keyed
    assert not {p.person for p in named} & {*people, *keyed}
    explained = scorer.explain(named[0].prediction_id).answer()
    assert explained["user_id"] == keyed[0]
    with pytest.raises(NotFoundError):
        scorer.score_person("churn", "u-nobody")


def test_a_batch_calls_people_by_their_user_ids(scorer, store, keyring, people, keyed, merge, tmp_path):
    merge(keyed[0], keyed[1])
    merge(keyed[2], people[2])
    result = score_all(scorer, "churn", tmp_path / "all.parquet", part_people=11)
    table = pq.read_table(tmp_path / "all.parquet").to_pandas().set_index("user_id")
    assert sorted(table.index) == sorted({*people, *keyed} - {keyed[1], people[2]})
    assert result.people == len(table)
    for name in keyed[::7]:
        assert table.loc[name, "score"] == scorer.score_person("churn", name, moment=result.moment).score
    some = score_all(scorer, "churn", tmp_path / "some.csv", people=[keyed[1], keyed[0], "u-nobody"])
    assert (some.people, some.unknown) == (2, 1)
    lines = (tmp_path / "some.csv").read_text().splitlines()
    assert lines[1].split(",")[0].strip('"') == keyed[1]
    assert lines[1].split(",")[2] == lines[2].split(",")[2]
    assert called(Directory(store, keyring), [keyed[1]]) == called(Directory(store, keyring), [keyed[0]])
