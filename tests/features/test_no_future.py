"""Nothing that had not happened, was not received or was not committed by then is seen; a planted leak is found."""

import numpy as np
import pytest
from hypothesis import given, settings

from growthbench.base.errors import LeakError
from growthbench.features import visibility
from growthbench.features.check import reads_future, require_blind
from growthbench.features.shipped import CATALOGUE
from tests.features import engines, oracle
from tests.features.declared import EVERYTHING
from tests.features.logs import logs
from tests.features.test_engines_agree import FAST

HONEST = visibility.visible


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("catalogue", [EVERYTHING, CATALOGUE], ids=["every kind", "shipped"])
def test_no_feature_reads_the_future(catalogue):
    assert reads_future(catalogue, rng()) == []


def at_the_moment(spine, known):
    tenant, person, _, received, seq = HONEST(spine, known)
    return [tenant, person, known.timestamp <= spine.moment, received, seq]


def without_receipt(spine, known):
    tenant, person, happened, _, seq = HONEST(spine, known)
    return [tenant, person, happened, seq]


def received_a_little_later(spine, known):
    tenant, person, happened, _, seq = HONEST(spine, known)
    return [tenant, person, happened, known.received_at <= spine.moment + 1, seq]


def without_horizon(spine, known):
    return HONEST(spine, known)[:4]


def one_beyond_the_horizon(spine, known):
    return [*HONEST(spine, known)[:4], known.seq <= spine.horizon + 1]


LEAKS = [at_the_moment, without_receipt, received_a_little_later, without_horizon, one_beyond_the_horizon]


@pytest.mark.parametrize("leak", LEAKS, ids=lambda f: f.__name__)
def test_a_planted_leak_is_found(leak, monkeypatch):
    monkeypatch.setattr(visibility, "visible", leak)
    assert reads_future(CATALOGUE.select(["page_views", "since_last_event", "plan"]), rng())


@pytest.mark.parametrize("feature", [f for f in CATALOGUE if f.kind in ("count", "trait", "last")][:12:3],
                         ids=lambda f: f.name)  # fmt: skip
def test_a_leak_is_named_by_its_column(feature, monkeypatch):
    monkeypatch.setattr(visibility, "visible", at_the_moment)
    alone = CATALOGUE.select([feature.name])
    with pytest.raises(LeakError, match=feature.name):
        require_blind(alone, rng())


LINK_LEAKS = {
    "without receipt": ("l.received_at <= a.moment", "1 = 1"),
    "without horizon": ("l.seq <= a.horizon", "1 = 1"),
    "one beyond the horizon": ("l.seq <= a.horizon", "l.seq <= a.horizon + 1"),
    "ends before it is known": ("l.until_received_at > a.moment", "1 = 0"),
    "ends before its number": ("l.until_seq > a.horizon", "1 = 0"),
    "never ends": ("l.until_seq > a.horizon OR l.until_received_at > a.moment", "1 = 1"),
}


@pytest.mark.parametrize("leak", LINK_LEAKS)
def test_a_planted_leak_of_links_is_found(leak, monkeypatch):
    """The engines' own property test must fall when the expansion of the spine knows too much."""
    true, planted = LINK_LEAKS[leak]
    assert true in visibility.EXPANDED
    monkeypatch.setattr(engines, "EXPANDED", visibility.EXPANDED.replace(true, planted))
    some = EVERYTHING.select(["events"])
    with engines.duckdb_engine(some) as engine:

        @given(drawn=logs(size=(20, 30)))
        @settings(FAST, max_examples=400)
        def agrees(drawn):
            log = (drawn.data.events.to_pylist(), drawn.data.values.to_pylist())
            expected = oracle.compute(some, *log, drawn.spine, drawn.links)["events_all"]
            assert engine.raw(drawn)["events_all"] == expected

        with pytest.raises(AssertionError):
            agrees()
