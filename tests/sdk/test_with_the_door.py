"""The SDKs with the Door itself: what they send is taken in, and what they ask is answered."""

import asyncio
import gzip
import time
import urllib.request
from pathlib import Path

from growthbench_sdk import AsyncMarketingClient, MarketingClient

QUICK = {"flush_interval_s": 0.05, "retry_first_s": 0.05, "retry_longest_s": 0.5, "timeout_s": 5.0}
JAVASCRIPT = Path(__file__).parents[2] / "sdk" / "javascript" / "growthbench.js"


def test_events_of_the_python_client_are_taken_in_and_its_people_scored(door):
    problems = []
    with MarketingClient(door.write_key, door.url, "shop", secret_key=door.secret_key, read_timeout_s=5,
                         on_error=problems.append, **QUICK) as sdk:  # fmt: skip
        for i in range(150):
            assert sdk.track("user_py", "py_viewed", {"product_id": f"p{i}", "price": 299.99})
        sdk.identify("user_py", {"email": "ada@example.com", "plan": "pro"}, anonymous_id="anon_py")
        sdk.alias("other_py", "user_py")
        assert sdk.flush(30)
        assert door.log.count("py_viewed") == 150
        found = sdk.scores("user_py", ["churn", "intent"])
        assert 0 <= found["churn"].score <= 1
        assert found["churn"].model_version.startswith("churn@")
        assert found["churn"].prediction_id
        assert (found["intent"].reason, found["intent"].status) == ("not_ready", 503)
        assert sdk.scores("nobody_at_all", "churn")["churn"].reason == "not_found"
        assert sdk.get_recommendations("user_py", "homepage").reason == "not_offered"
    assert problems == []


def test_the_asynchronous_client_too(door):
    async def main():
        async with AsyncMarketingClient(door.secret_key, door.url, read_timeout_s=5, **QUICK) as sdk:
            await sdk.track("user_async", "async_viewed")
            assert await sdk.flush(30)
            return (await sdk.scores("user_async", "churn"))["churn"]

    assert 0 <= asyncio.run(main()).score <= 1
    assert door.log.count("async_viewed") == 1


def test_a_write_key_may_not_read_and_an_unknown_key_keeps_its_messages(door):
    problems = []
    with MarketingClient(door.write_key, door.url, read_timeout_s=5, **QUICK) as sdk:
        assert sdk.scores("user_py", "churn")["churn"].reason == "not_allowed"
    wrong = MarketingClient("gbw_" + "0" * 24 + "_" + "x" * 43, door.url, on_error=problems.append, **QUICK)
    wrong.track("u", "wrong_key")
    assert wrong.flush(0.5) is False
    assert wrong.counts.waiting == 1
    wrong.close(0)
    assert {(p.kind, p.status) for p in problems} == {("status", 401), ("closed", None)}
    assert door.log.count("wrong_key") == 0


def test_events_of_the_javascript_client_under_node_are_taken_in(door, node):
    (counts,) = node(
        """
        sdk.init({...QUICK, apiKey: args[1], timeoutMs: 5000});
        for (let i = 0; i < 150; i++) sdk.track("node_viewed", {i}, {userId: "user_node"});
        sdk.identify("user_node", {plan: "pro"});
        await sdk.flush(30000);
        console.log(JSON.stringify(sdk.counts()));
        """,
        door.url,
        door.write_key,
    )
    assert (counts["delivered"], counts["dropped"]) == (151, {})
    assert door.log.count("node_viewed") == 150


def get(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.headers, exc.read()


def test_the_door_serves_the_javascript_client(door):
    status, headers, body = get(f"{door.url}/sdk/growthbench.js")
    assert (status, body) == (200, JAVASCRIPT.read_bytes())
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert "max-age" in headers["cache-control"]
    status, zipped, body = get(f"{door.url}/sdk/growthbench.js", **{"Accept-Encoding": "gzip"})
    assert (status, zipped["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == JAVASCRIPT.read_bytes()
    status, _, body = get(f"{door.url}/sdk/growthbench.js", **{"If-None-Match": headers["etag"]})
    assert (status, body) == (304, b"")


def test_a_page_of_another_origin_loads_it_from_the_door_and_delivers(door, receiver, chromium):
    """A script tag is all the page has; then it goes, and the rest leaves by beacon."""
    tag = f"<script src='{door.url}/sdk/growthbench.js' data-api-key='{door.write_key}'></script>"
    receiver.files["/shop"] = ("text/html", f"<!doctype html><title>Shop</title>{tag}")
    receiver.files["/empty"] = ("text/html", "<!doctype html>")
    before = door.log.count("page_view")
    chromium.get(f"{receiver.url}/shop")
    delivered = chromium.execute_async_script(
        "const done = arguments[0]; marketingSDK.track('in_a_browser'); marketingSDK.identify('user_browser');"
        "marketingSDK.flush().then((good) => done([good, marketingSDK.counts()]))"
    )
    assert delivered[0] is True
    assert (delivered[1]["delivered"], delivered[1]["dropped"]) == (3, {})
    assert (door.log.count("page_view") - before, door.log.count("in_a_browser")) == (1, 1)
    chromium.execute_script("for (let i = 0; i < 5; i++) marketingSDK.track('by_beacon')")
    chromium.get(f"{receiver.url}/empty")
    chromium.execute_script("localStorage.clear()")
    assert door.wait_for("by_beacon", 5, 15) == 5


def test_a_door_killed_in_the_middle_gets_everything_once(door, node, tmp_path):
    """Both clients at once; the Door is up again when it ends, for the other tests that use it."""
    killer = door.kill_at("py_killed", [200, 500], 0.3)
    sdk = MarketingClient(door.write_key, door.url, disk_queue=tmp_path / "queue.db", **QUICK)

    def send():
        for i in range(900):
            assert sdk.track(f"user-{i % 30}", "py_killed", {"i": i})
            time.sleep(0.002)

    send()
    (counts,) = node(
        """
        sdk.init({...QUICK, apiKey: args[1], timeoutMs: 5000});
        for (let i = 0; i < 900; i++) {
          sdk.track("node_killed", {i}, {userId: "user-" + i % 30});
          if (i % 10 === 0) await sleep(20);
        }
        await sdk.flush(60000);
        console.log(JSON.stringify(sdk.counts()));
        """,
        door.url,
        door.write_key,
        within_s=120,
    )
    assert sdk.flush(60)
    sdk.close()
    killer.join(60)
    assert door.log.count("py_killed") == sdk.counts.delivered == 900
    assert door.log.count("node_killed") == counts["delivered"] == 900
    assert sdk.counts.dropped == counts["dropped"] == {}
