"""Shared fixtures: a home per test, both stores, the public data; and the rule that a required skip is a failure."""

import contextlib
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
def _own_home(request, tmp_path, monkeypatch):
    """No test ever sees the developer's own home, tenant or databases.

    With ``GROWTHBENCH_TEST_ON=postgresql+redis`` whatever reads its settings from the environment finds an empty schema
    of PostgreSQL and an empty database of Redis instead of SQLite alone.
    """
    monkeypatch.setenv("GROWTHBENCH_HOME", str(tmp_path / "home"))
    for name in ("GROWTHBENCH_DATABASE_URL", "GROWTHBENCH_TRACKING_URL", "GROWTHBENCH_TENANT", "GROWTHBENCH_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    paid = ("GROWTHBENCH_LM", "GROWTHBENCH_EMBEDDINGS")
    for name in [n for n in os.environ if n.startswith(paid) or n.endswith("_API_KEY")]:
        monkeypatch.delenv(name)  # no test ever asks a model that costs money
    if os.environ.get("GROWTHBENCH_TEST_ON") == "postgresql+redis":
        monkeypatch.setenv("GROWTHBENCH_DATABASE_URL", request.getfixturevalue("postgres_store_url"))
        monkeypatch.setenv("GROWTHBENCH_REDIS_URL", request.getfixturevalue("empty_redis"))


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


class _Schemas:
    """Schemas of PostgreSQL with our tables in them and nothing else, used again: making them takes half a second."""

    def __init__(self, server):
        import sqlalchemy

        self.engine, self._sql = sqlalchemy.create_engine(server), sqlalchemy.text
        self._free, self._made = [], []

    def take(self):
        if self._free:
            return self._free.pop()
        schema = f"gb_{uuid.uuid4().hex[:12]}"
        with self.engine.begin() as connection:
            connection.execute(self._sql(f"CREATE SCHEMA {schema}"))
        self._made.append(schema)
        return schema

    def give_back(self, schema):
        """Empty a schema; one whose tables a test has changed is not used again."""
        import sqlalchemy

        from growthbench.operations.all_tables import metadata

        columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = :s"
        ours = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns}
        with contextlib.suppress(sqlalchemy.exc.OperationalError), self.engine.begin() as connection:
            connection.execute(self._sql("SET LOCAL lock_timeout = '2s'"))
            found = set(map(tuple, connection.execute(self._sql(columns), {"s": schema})))
            if found != ours | {("alembic_version", "version_num")}:
                return
            some = " UNION ALL ".join(
                f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {schema}.{name})" for name in sorted(metadata.tables)
            )
            for (name,) in connection.execute(self._sql(some)).all():
                connection.execute(self._sql(f"DELETE FROM {schema}.{name}"))
            self._free.append(schema)

    def close(self):
        with self.engine.begin() as connection:
            for schema in self._made:
                connection.execute(self._sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
        self.engine.dispose()


@pytest.fixture(scope="session")
def _schemas(postgres_server):
    made = _Schemas(postgres_server)
    yield made
    made.close()


@pytest.fixture
def postgres_store_url(_schemas, postgres_server):
    """URL of a store in PostgreSQL that nobody else uses: our tables, if any, and not a row."""
    schema = _schemas.take()
    yield f"{postgres_server}?options=-csearch_path%3D{schema}"
    _schemas.give_back(schema)


@pytest.fixture(scope="session")
def redis_server():
    """URL of a reachable database of Redis that belongs to the tests."""
    import redis

    url = os.environ.get("GROWTHBENCH_TEST_REDIS", "redis://localhost:6379/9")
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3) as client:
            client.ping()
    except redis.RedisError as exc:
        require("redis", f"{url} does not answer: {exc}")
    return url


@pytest.fixture
def empty_redis(redis_server):
    """URL of the tests' database of Redis, emptied."""
    import redis

    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request, tmp_path):
    """URL of an empty store, once per database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("postgres_store_url")


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
