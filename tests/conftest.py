"""Shared fixtures: a home per test, both stores, the public data; and the rule that a required skip is a failure."""

import os
import uuid
from pathlib import Path

import hypothesis
import pytest

from growthbench.base.settings import be_quiet

be_quiet()

# These machines are noisy: no deadline. Seeded, so that a run can be repeated; nothing is kept between runs.
hypothesis.settings.register_profile("growthbench", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("growthbench")

_POSTGRES = os.environ.get("GROWTHBENCH_TEST_POSTGRES", "postgresql+psycopg://localhost:5432/test")


def require(what: str, reason: str):
    """Skip for a stated reason, or fail when ``GROWTHBENCH_REQUIRE`` names what is missing."""
    if what in os.environ.get("GROWTHBENCH_REQUIRE", "").split(","):
        pytest.fail(f"{what} is required (GROWTHBENCH_REQUIRE) but missing: {reason}")
    pytest.skip(f"needs {what}: {reason}")


def pytest_collection_modifyitems(config, items):
    """Tests marked ``proof`` run only when asked for with ``-m``."""
    if not config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("proof")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def require_or_skip():
    """The function `require`, for fixtures elsewhere."""
    return require


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """No test ever sees the developer's own home, tenant or databases."""
    monkeypatch.setenv("GROWTHBENCH_HOME", str(tmp_path / "home"))
    for name in ("GROWTHBENCH_DATABASE_URL", "GROWTHBENCH_TRACKING_URL", "GROWTHBENCH_TENANT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def postgres_server():
    """URL of a reachable PostgreSQL database."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(_POSTGRES, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            pass
    except sqlalchemy.exc.OperationalError as exc:
        require("postgres", f"{_POSTGRES} does not answer: {str(exc.orig).splitlines()[0]}")
    finally:
        engine.dispose()
    return _POSTGRES


@pytest.fixture
def postgres_url(postgres_server):
    """URL of an empty schema of its own in PostgreSQL, dropped afterwards."""
    import sqlalchemy

    schema = f"gb_{uuid.uuid4().hex[:12]}"
    engine = sqlalchemy.create_engine(postgres_server)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"CREATE SCHEMA {schema}"))
    yield f"{postgres_server}?options=-csearch_path%3D{schema}"
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request, tmp_path):
    """URL of an empty store, once per database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def store(store_url):
    """An open, empty store, once per database."""
    from growthbench.store.engine import open_store

    with open_store(store_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def data_home():
    """Folder of the public data sets."""
    home = os.environ.get("GROWTHBENCH_DATA_HOME")
    if not home or not (Path(home) / "MANIFEST.md").is_file():
        require("data", "GROWTHBENCH_DATA_HOME does not name the folder of the public data sets")
    return Path(home)


@pytest.fixture
def figure(request):
    """Record a measured figure and hold it against its limit: ``figure("auc", .85, at_least=.847)``."""

    def record(name, value, *, at_least=None, at_most=None, unit=""):
        told = {"name": name, "value": round(float(value), 6), "unit": unit}
        told |= {k: v for k, v in (("at_least", at_least), ("at_most", at_most)) if v is not None}
        request.node.user_properties.append(("figure", told))
        assert at_least is None or value >= at_least, f"{name} is {value}, must be at least {at_least}"
        assert at_most is None or value <= at_most, f"{name} is {value}, must be at most {at_most}"

    return record
