import numpy as np
import pyarrow.compute as pc
import pytest

from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.events.catalogue import EVENT_TYPES, PROPERTIES
from growthbench.events.data import EventData
from growthbench.worlds.generate import generate, raw_log

WORLDS = ("b2b", "shop")


@pytest.fixture(scope="module", params=WORLDS)
def raw(request):
    return raw_log(request.param, 800, seed=3)


def test_equal_seeds_give_equal_worlds_and_others_do_not():
    one, again, other = (generate("b2b", 150, seed).data.digest() for seed in (1, 1, 2))
    assert one == again != other


def test_only_declared_names_and_traits_are_told(raw):
    events, values, _ = raw
    assert set(events["name"].unique().to_pylist()) <= {t.name for t in EVENT_TYPES}
    assert set(values["key"].unique().to_pylist()) <= {p.name for p in PROPERTIES}


def test_deliveries_repeat_and_come_late(raw):
    events, _, _ = raw
    ids = events["event_id"].to_numpy(zero_copy_only=False)
    assert 0 < len(ids) - len(set(ids)) < 0.1 * len(ids)
    late = events["received_at"].to_numpy() - events["timestamp"].to_numpy()
    assert late.min() >= 0
    assert 0.01 < (late > 3_600_000_000).mean() < 0.5


def test_traits_are_missing_for_some(raw):
    events, values, _ = raw
    people = len(events["person"].unique())
    told = pc.value_counts(values["key"]).to_pylist()
    assert all(0 < t["counts"] <= people for t in told)
    assert min(t["counts"] for t in told) < 0.95 * max(t["counts"] for t in told)


def test_bots_look_much_and_never_commit():
    from growthbench.worlds.generate import SPECS

    events, _, latent = raw_log("b2b", 4000, seed=5)
    bots = [i for i, p in enumerate(SPECS["b2b"].personas) if p.bot]
    persons = latent.persons.take(np.flatnonzero(np.isin(latent.kind, bots)))
    theirs = events.filter(pc.is_in(events["person"], value_set=persons))
    assert bots
    assert theirs.num_rows > 0
    assert not set(theirs["name"].unique().to_pylist()) & {"deal_won", "purchase", "subscription_started"}


def test_the_log_tells_nothing_latent(raw):
    events, values, _ = raw
    from growthbench.events.schema import EVENT_FIELDS, VALUE_FIELDS

    assert set(events.column_names) <= {f.name for f in EVENT_FIELDS}
    assert set(values.column_names) <= {f.name for f in VALUE_FIELDS}


def test_bad_arguments_are_named():
    with pytest.raises(UnknownNameError, match="b2b"):
        generate("b2c", 10, 0)
    with pytest.raises(BadInputError, match="people"):
        generate("b2b", 0, 0)


@pytest.mark.proof("worlds-speed")
def test_a_hundred_thousand_people_in_a_minute(figure):
    import time

    started = time.perf_counter()
    data: EventData = generate("b2b", 100_000, 0).data
    figure("events", len(data), at_least=4_500_000)
    figure("seconds for 100,000 people", time.perf_counter() - started, at_most=60, unit="s")
