"""Segment's own clients, unmodified, deliver to the Door exactly once, though it is killed in the middle."""

import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest
import sqlalchemy as sa

from growthbench.events.tables import events

PYTHON = """
import sys, time
import segment.analytics as analytics
from segment.analytics.client import Client

host, key, name, n, pause = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])
failed = []
client = Client(key, host=host, max_queue_size=20_000, on_error=lambda error, batch: failed.append(str(error)))
for i in range(n):
    taken, _ = client.track(f"user-{i % 97}", name, {"i": i, "price": 9.5}, context={"ip": "10.0.0.1"})
    assert taken
    time.sleep(pause)
client.identify("user-0", {"plan": "pro"})
client.page("user-0", "docs", "Pricing", {"path": "/pricing"})
client.screen("user-0", "app", "Home")
client.group("user-0", "acme", {"employees": 10})
client.alias("anonymous-0", "user-0")
client.flush()
client.shutdown()
sys.exit(f"failed: {failed}" if failed else 0)
"""

NODE = """
const { Analytics } = require("@segment/analytics-node");
const [host, writeKey, name, n, pause] = process.argv.slice(1);
const failed = [];
const client = new Analytics({ host, writeKey });
client.on("error", (error) => failed.push(String(error.reason || error)));
(async () => {
  for (let i = 0; i < Number(n); i++) {
    client.track({ userId: `user-${i % 97}`, event: name, properties: { i, price: 9.5 }, context: { ip: "10.0.0.1" } });
    if (i % 15 === 14) await new Promise((done) => setTimeout(done, 15000 * Number(pause)));
  }
  client.identify({ userId: "user-0", traits: { plan: "pro" } });
  client.page({ userId: "user-0", category: "docs", name: "Pricing", properties: { path: "/pricing" } });
  client.screen({ userId: "user-0", name: "Home" });
  client.group({ userId: "user-0", groupId: "acme", traits: { employees: 10 } });
  client.alias({ userId: "user-0", previousId: "anonymous-0" });
  await client.closeAndFlush();
  if (failed.length) { console.error(failed.slice(0, 3), failed.length); process.exit(1); }
})();
"""


def send_with_python(house, name, n, pause):
    return subprocess.Popen(
        [sys.executable, "-c", PYTHON, house.url, house.write_key, name, str(n), str(pause)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def send_with_node(npm, house, name, n, pause):
    return subprocess.Popen(
        [shutil.which("node"), "-e", NODE, house.url, house.write_key, name, str(n), str(pause)],
        stderr=subprocess.PIPE, text=True, cwd=npm,
    )  # fmt: skip


def deliver(house, start, name, n, pause, kills, away_s=1.0):
    """Have a client send ``n`` events while the Door is killed; nothing else is in the log afterwards."""
    house.start()
    killer = house.kill_at(name, [n * (k + 1) // (kills + 1) for k in range(kills)], away_s)
    sender = start(house, name, n, pause)
    _, told = sender.communicate(timeout=600)
    killer.join(60)
    assert sender.returncode == 0, told
    assert house.wait_for(name, n, 5) == n
    assert [house.log.count(k) for k in ("identify", "page_view", "screen_view", "group", "alias")] == [1] * 5
    assert house.log.count() == n + 5
    with house.store.reading() as connection:
        ids = list(connection.execute(sa.select(events.c.event_id).where(events.c.name == name)).scalars())
        people = connection.execute(sa.select(sa.func.count(events.c.person.distinct()))).scalar_one()
    assert len(set(ids)) == n
    assert people in (97, 98)  # 97 users, and the anonymous one that alias named


# The small versions share the databases out between them: each start of a Door takes seconds.
@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_segment_analytics_python_delivers_over_a_kill(house):
    deliver(house, send_with_python, "py_small", 300, 0.004, kills=1)


@pytest.mark.parametrize("store_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_segment_analytics_node_delivers_over_a_kill(house, npm):
    deliver(house, lambda *a: send_with_node(npm, *a), "node_small", 300, 0.004, kills=1)


@pytest.mark.proof("segment-clients")
def test_segment_analytics_python_delivers_10_000_exactly_once(house, figure):
    deliver(house, send_with_python, "py", 10_000, 0.0008, kills=2)
    figure(f"events of segment-analytics-python {version('segment-analytics-python')}", house.log.count("py"),
           at_least=10_000, at_most=10_000)  # fmt: skip


@pytest.mark.proof("segment-clients")
def test_segment_analytics_node_delivers_10_000_exactly_once(house, npm, figure):
    deliver(house, lambda *a: send_with_node(npm, *a), "node", 10_000, 0.0008, kills=2)
    figure("events of @segment/analytics-node 3.1.0", house.log.count("node"), at_least=10_000, at_most=10_000)
