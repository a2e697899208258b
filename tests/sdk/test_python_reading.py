"""Scores and recommendations: a value or the reason why not, within the limit, sync and async."""

import asyncio
import time

import pytest
from growthbench_sdk import AsyncMarketingClient, MarketingClient, NotAvailable, Recommendations, Score
from sdk_servers import close_unread, endless_body, friendly_page, rubbish, slow, status, trickle

QUICK = {"flush_interval_s": 0.02, "retry_first_s": 0.02, "retry_longest_s": 0.1, "read_timeout_s": 0.5}
CHURN = {"user_id": "u1", "task": "churn", "score": 0.31, "class": "no", "band": "medium", "confidence": 0.69,
         "model_version": "churn@3f9a", "prediction_id": "pred_1"}  # fmt: skip


@pytest.fixture
def sdk(receiver):
    receiver.gets["/api/v1/scores/churn/u1"] = (200, CHURN)
    with MarketingClient("gbw_key", receiver.url, secret_key="gbs_key", exit_timeout_s=0, **QUICK) as made:
        yield made


def test_scores_answer_per_task(sdk, receiver):
    receiver.gets["/api/v1/scores/intent/u1"] = (410, {"detail": "erased on 2026-01-01, receipt r1"})
    receiver.gets["/api/v1/scores/lead_scoring/u1"] = (503, {"detail": "no champion for lead_scoring"})
    found = sdk.scores("u1", ["churn", "intent", "lead_scoring", "nothing"])
    assert found["churn"] == Score("u1", "churn", 0.31, "medium", 0.69, "churn@3f9a", "pred_1", False, CHURN)
    assert found["intent"] == NotAvailable("gone", "erased on 2026-01-01, receipt r1", 410)
    assert found["lead_scoring"].reason == "not_ready"
    assert found["nothing"].reason == "not_found"
    assert [bool(answer) for answer in found.values()] == [True, False, False, False]
    assert receiver.requests[0][1]["Authorization"] == "Bearer gbs_key"
    assert list(sdk.scores("u1", "churn")) == ["churn"]


def test_ids_are_quoted_in_paths(sdk, receiver):
    receiver.gets["/api/v1/scores/churn/a%2Fb%20%C3%BC%3Fx"] = (200, CHURN)
    assert sdk.scores("a/b ü?x", "churn")["churn"].score == 0.31


def test_recommendations_say_that_there_are_none_yet(sdk):
    assert sdk.get_recommendations("u1", context="homepage") == NotAvailable("not_offered", "no such route", 404)


def test_recommendations_when_the_server_has_them(sdk, receiver):
    answer = {"items": [{"item_id": "p1", "score": 0.9}, {"item_id": "p2", "score": 0.4}]}
    receiver.gets["/api/v1/recommendations"] = (200, answer)
    assert sdk.get_recommendations("u1", "homepage", 2) == Recommendations("u1", tuple(answer["items"]), answer)
    assert receiver.requests[-1][0] == "/api/v1/recommendations?user_id=u1&context=homepage&limit=2"
    receiver.gets["/api/v1/recommendations"] = (200, {"unexpected": 1})
    assert sdk.get_recommendations("u1").reason == "rubbish"


FAULTS = {"500": (status(500), "refused"), "429": (status(429), "limit"), "401": (status(401), "not_allowed"),
          "slow": (slow(2), "timeout"), "trickle": (trickle, "timeout"), "rubbish": (rubbish, "network"),
          "close": (close_unread, "network"), "page": (friendly_page, "rubbish"), "endless": (endless_body, "rubbish"),
          "redirect": (status(301), "rubbish")}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_reason_within_the_limit(fault, sdk, receiver):
    behave, reason = FAULTS[fault]
    receiver.always = behave
    begun = time.monotonic()
    found = sdk.scores("u1", "churn")["churn"]
    assert time.monotonic() - begun < 1.0
    assert (found.reason, bool(found)) == (reason, False)


def test_a_server_that_is_away_is_left_alone_after_five_failures(free_port):
    with MarketingClient("k", f"http://127.0.0.1:{free_port}", exit_timeout_s=0, **QUICK) as sdk:
        reasons = [sdk.get_recommendations("u").reason for _ in range(7)]
    assert reasons == ["network"] * 5 + ["resting"] * 2


def test_a_server_that_hangs_costs_the_host_one_limit_per_call(sdk, receiver):
    receiver.always = slow(3)
    begun = time.monotonic()
    for _ in range(3):
        assert sdk.scores("u1", ["churn", "intent"])["intent"].reason == "timeout"
    assert time.monotonic() - begun < 3 * 0.5 + 0.5


def test_the_asynchronous_client_does_the_same(receiver):
    receiver.gets["/api/v1/scores/churn/u1"] = (200, CHURN)

    async def main():
        async with AsyncMarketingClient("k", receiver.url, **QUICK) as sdk:
            assert await sdk.track("u1", "awaited") is True
            assert sdk.track("u1", "not awaited")
            assert not await sdk.track(None, "nobody")
            assert repr(sdk.identify("u1", {"plan": "pro"})) == "True"
            assert await sdk.flush()
            found = await sdk.scores("u1", ["churn", "intent"])
            assert (found["churn"].score, found["intent"].reason) == (0.31, "not_found")
            assert (await sdk.get_recommendations("u1")).reason == "not_offered"
            assert sdk.counts.delivered == 3

    asyncio.run(main())
    assert [m.get("event") for m in receiver.messages] == ["awaited", "not awaited", None]


def test_a_slow_server_delays_no_event_loop(receiver, figure):
    receiver.always = slow(3)

    async def ticking(gaps):
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.01)
            gaps.append(time.perf_counter() - begun)

    async def main():
        gaps = []
        ticker = asyncio.create_task(ticking(gaps))
        sdk = AsyncMarketingClient("k", receiver.url, **QUICK)
        for i in range(500):
            await sdk.track("u", "e", {"i": i})
        answers = await asyncio.gather(*(sdk.scores(f"u{i}", "churn") for i in range(40)), sdk.flush(0.3))
        assert {a["churn"].reason for a in answers[:-1]} == {"timeout"}
        assert answers[-1] is False
        await sdk.close(0.1)
        ticker.cancel()
        return max(gaps)

    figure("longest gap of a 10 ms ticker while the server is slow", asyncio.run(main()) * 1e3, at_most=300, unit="ms")


def test_a_call_that_is_cancelled_stays_quiet(receiver):
    receiver.always = slow(0.3)

    async def main():
        sdk = AsyncMarketingClient("k", receiver.url, **QUICK)
        task = asyncio.create_task(sdk.scores("u", "churn"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.5)
        await sdk.close(0)

    asyncio.run(main())
