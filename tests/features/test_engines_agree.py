"""One declaration gives the same bits on every engine as a plain loop does."""

from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from growthbench.features.finishing import Finisher
from tests.features import engines, oracle
from tests.features.declared import EVERYTHING
from tests.features.logs import logs

ONE_PERSON = logs(people=("ann",), size=(30, 80))
"""Logs of one person: among the newest 50 of a spread log, an error by one is not seen."""

FAST = settings(
    deadline=None, database=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck)
)
FINISH = Finisher(EVERYTHING.steps)


def bits(column):
    """Floats by their bits, with types; NaN is unknown."""
    values = [None if isinstance(v, float) and v != v else v for v in column]
    return [(type(v).__name__, float(v).hex() if isinstance(v, float) else v) for v in (_plain(v) for v in values)]


def _plain(value):
    return value.item() if hasattr(value, "item") else value


def assert_equals_the_oracle(engine, drawn):
    raw = engine.raw(drawn)
    for part in EVERYTHING.parts:
        kinds = {type(v) for v in raw[part.name]} - {type(None)}
        assert kinds <= {str if part.is_text else int}, part
    finished = FINISH(raw)
    log = (drawn.data.events.to_pylist(), drawn.data.values.to_pylist())
    expected = oracle.compute(EVERYTHING, *log, drawn.spine, drawn.links)
    different = {c: (bits(finished[c]), bits(expected[c])) for c in expected if bits(finished[c]) != bits(expected[c])}
    assert not different


@pytest.fixture(scope="module", params=["duckdb", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engine(request):
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = request.getfixturevalue("postgres_url")
            yield stack.enter_context(engines.postgresql_engine(EVERYTHING, url))
        else:
            yield stack.enter_context(getattr(engines, f"{request.param}_engine")(EVERYTHING))


@given(drawn=st.one_of(logs(), ONE_PERSON))
@settings(FAST, max_examples=40)
def test_an_engine_equals_the_plain_loop(engine, drawn):
    assert_equals_the_oracle(engine, drawn)


@given(drawn=ONE_PERSON)
@settings(FAST, max_examples=25)
def test_an_engine_equals_the_plain_loop_on_the_log_of_one_person(engine, drawn):
    assert_equals_the_oracle(engine, drawn)


@pytest.mark.proof
@given(drawn=st.one_of(logs(), ONE_PERSON, logs(size=(60, 150))))
@settings(FAST, max_examples=1_000)
def test_an_engine_equals_the_plain_loop_a_thousand_times(engine, drawn):
    assert_equals_the_oracle(engine, drawn)
