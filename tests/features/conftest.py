"""Where PostgreSQL is."""

import os

import pytest

POSTGRES = os.environ.get("GROWTHBENCH_TEST_POSTGRES", "postgresql://localhost:5432/test")


@pytest.fixture(scope="session")
def postgres_url():
    import psycopg

    url = POSTGRES.replace("+psycopg", "")
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError as exc:
        if "postgres" in os.environ.get("GROWTHBENCH_REQUIRE", ""):
            raise
        pytest.skip(f"no PostgreSQL at {url.rpartition('@')[2]}: {str(exc).splitlines()[0]}")
    return url
