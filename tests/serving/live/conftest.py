"""The live channel and the webhooks, on both databases."""

import os
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import live_parts


@pytest.fixture
def store(store_url):
    """An open, empty store, once per database."""
    from growthbench.store.engine import open_store

    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def parts(store, tmp_path):
    """A state of what the live channel needs."""
    made = live_parts.Parts(store, tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def redis_url(require_or_skip):
    """URL of a Redis that answers."""
    import redis

    url = os.environ.get("GROWTHBENCH_TEST_REDIS", "redis://127.0.0.1:6379/9")
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            client.set(f"growthbench-test-{uuid.uuid4().hex}", 1, ex=1)
    except redis.RedisError as exc:
        require_or_skip("redis", f"{url} does not answer: {exc}")
    return url
