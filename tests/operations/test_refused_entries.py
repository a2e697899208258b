"""What an intake stream refused is searched like everything else."""

import json
import os
import uuid

import pytest
from small_town import COOKIE, JANE, MAIL

from growthbench.operations.erasing import Eraser
from growthbench.people.directory import Ident

_REDIS = os.environ.get("GROWTHBENCH_TEST_REDIS", "redis://localhost:6379/9")


@pytest.fixture
def stream(require_or_skip):
    """Name of a stream of its own in a reachable Redis, and a client."""
    import redis

    client = redis.Redis.from_url(_REDIS, socket_connect_timeout=3)
    try:
        client.ping()
    except redis.RedisError as exc:
        require_or_skip("redis", f"{_REDIS} does not answer: {exc}")
    name = f"gb-{uuid.uuid4().hex[:8]}:refused"
    yield name, client
    client.delete(name)
    client.close()


@pytest.mark.redis
@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_refused_entries_that_mention_her_go(town, stream):
    name, client = stream
    for body in ({"batch": [{"userId": JANE}]}, {"batch": [{"userId": "bob"}]}, {"note": f"from {MAIL}"}):
        client.xadd(name, {"body": json.dumps(body), "reason": "bad"})
    eraser = Eraser(town.store, town.home, town.keyring, redis_url=_REDIS)
    receipt = eraser.erase(Ident("anonymous", COOKIE))
    assert receipt.stores["redis"] == 2
    assert [json.loads(fields[b"body"]) for _, fields in client.xrange(name)] == [{"batch": [{"userId": "bob"}]}]
    assert eraser.verify(receipt.receipt_id).holds
