"""The same program on the offline engine, a loopback server with its moods, and recorded transcripts."""

import json
import math
import time

import dspy
import pytest
from sqlalchemy import select

from growthbench.base.errors import DataFormatError, NotReadyError
from growthbench.language import (
    LanguageSettings,
    ModelsUnavailableError,
    NotRecordedError,
    RefusedRequestError,
    Transcript,
    UnpricedModelError,
    UnreadableReplyError,
    forget_replies,
    speaking,
    spending,
)
from growthbench.language.models import ModelCard
from growthbench.language.providers import breaker_of
from growthbench.ledger import BudgetError, Ledger, micros, set_limit
from growthbench.store.breaker import Circuit
from growthbench.store.engine import open_store
from growthbench.store.ledger_tables import llm_calls, llm_replies
from tests.language.loopback import asked, dead_url, fields


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def traced(store):
    columns = llm_calls.c
    with store.reading() as connection:
        return connection.execute(select(llm_calls).order_by(columns.at, columns.call_id)).all()


def in_step(store, tenant="local"):
    """The ledger's sum, which must be that of the traces."""
    held, spent = Ledger(store).balance(tenant)
    assert held == 0
    assert spent == spending(store, tenant).cost
    return spent


def test_one_program_three_voices(program, server, settings_for, store, tmp_path):
    server.script = lambda body: fields(answer=f"model: {asked(body, 'question')}")
    ask = dspy.Predict(program)
    with speaking(LanguageSettings(), store) as speech:
        assert ask(question="why?").answer == "offline: why?"
        assert speech.written_by == "offline"
    tape = tmp_path / "tape.json"
    with speaking(settings_for(server.url), store, transcript=Transcript(tape, recording=True)) as speech:
        assert ask(question="why?").answer == "model: why?"
        assert speech.written_by == "openai/tiny"
        assert speech.cost == server.cost(1_000_000, 2_000_000) > 0
        assert speech.tokens == sum(server.billed[0])
    with speaking(settings_for(dead_url()), None, transcript=Transcript(tape)) as speech:
        assert ask(question="why?").answer == "model: why?"
        assert (speech.written_by, speech.cost, speech.calls[0].state) == ("openai/tiny", 0, "replayed")
    assert [row.state for row in traced(store)] == ["offline", "answered"]
    assert in_step(store) == server.cost(1_000_000, 2_000_000)


def test_the_environment_names_server_and_key(program, server, store, monkeypatch):
    monkeypatch.setenv("GROWTHBENCH_LM", "openai/gpt-4o-mini")
    monkeypatch.setenv("GROWTHBENCH_LM_BASE_URL", server.url)
    monkeypatch.setenv("GROWTHBENCH_LM_API_KEY", "k-1")
    with speaking(None, store, kind="content_generation") as speech:
        assert dspy.Predict(program)(question="?").answer == "yes"
    body = server.requests[0]
    assert (body["model"], body["temperature"], server.keys) == ("gpt-4o-mini", 0.8, ["Bearer k-1"])
    assert body.get("max_completion_tokens", body.get("max_tokens")) == 1000
    assert speech.cost == math.ceil(server.cost(micros("0.15"), micros("0.60")))


def test_chain_of_thought_and_typed_fields_on_a_model(program, server, settings_for, store):
    class Scored(dspy.Signature):
        """Score."""

        text: str = dspy.InputField()
        score: float = dspy.OutputField()
        tags: list[str] = dspy.OutputField()

    server.script = lambda body: fields(reasoning="because", score=0.5, tags=["a", "b"])
    with speaking(settings_for(server.url), store):
        told = dspy.ChainOfThought(Scored)(text="x")
    assert (told.reasoning, told.score, told.tags) == ("because", 0.5, ["a", "b"])


@pytest.mark.parametrize("fault", ["429", "500"])
def test_a_passing_fault_is_tried_again_and_costs_nothing(program, server, settings_for, store, fault):
    server.fault = lambda number: fault if number == 0 else "normal"
    with speaking(settings_for(server.url), store) as speech:
        assert dspy.Predict(program)(question="?").answer == "yes"
    assert [(row.state, row.attempt) for row in traced(store)] == [("failed", 1), ("answered", 2)]
    assert f"scripted {fault}" in traced(store)[0].error
    assert in_step(store) == speech.cost == server.cost(1_000_000, 2_000_000)


@pytest.mark.parametrize(("fault", "tries"), [("429", 2), ("500", 2), ("401", 1)])
def test_a_lasting_fault_is_said_within_bounds(program, server, settings_for, store, fault, tries):
    server.fault = lambda number: fault
    with (
        pytest.raises(ModelsUnavailableError, match=f"openai/tiny: scripted {fault}") as caught,
        speaking(settings_for(server.url), store),
    ):
        dspy.Predict(program)(question="?")
    assert caught.value.status == 503
    assert len(server.requests) == tries
    assert in_step(store) == 0


def test_a_slow_server_is_not_waited_for_and_booked_at_its_bound(program, server, settings_for, store):
    server.fault, server.slow_s = (lambda number: "slow"), 2.0
    started = time.perf_counter()
    with (
        pytest.raises(ModelsUnavailableError, match="timed out"),
        speaking(settings_for(server.url, timeout_s=0.5), store),
    ):
        dspy.Predict(program)(question="?")
    assert time.perf_counter() - started < 1.9
    assert [row.state for row in traced(store)] == ["lost"]
    assert in_step(store) >= server.cost(1_000_000, 2_000_000) > 0


@pytest.mark.parametrize("fault", ["malformed", "wrong_schema", "cut"])
def test_an_unreadable_reply_is_not_an_answer_and_may_be_billed(program, server, settings_for, store, fault):
    server.fault = lambda number: fault
    with pytest.raises(ModelsUnavailableError), speaking(settings_for(server.url), store):
        dspy.Predict(program)(question="?")
    assert len(server.requests) == 1
    assert in_step(store) >= server.cost(1_000_000, 2_000_000) > 0


def test_a_dead_port_is_said_at_once_and_costs_nothing(program, settings_for, store):
    started = time.perf_counter()
    with pytest.raises(ModelsUnavailableError, match="connect"), speaking(settings_for(dead_url()), store):
        dspy.Predict(program)(question="?")
    assert time.perf_counter() - started < 3
    assert in_step(store) == 0


def test_a_reply_in_the_wrong_form_is_asked_for_once_more_then_said(program, server, settings_for, store):
    server.script = lambda body: "I would rather not say."
    with pytest.raises(UnreadableReplyError, match="does not hold answer"), speaking(settings_for(server.url), store):
        dspy.Predict(program)(question="?")
    assert len(server.requests) == 2  # as fields, then as JSON
    server.script = lambda body: json.dumps({"answer": "in JSON"})
    with speaking(settings_for(server.url), store, cache_s=0):
        assert dspy.Predict(program)(question="?").answer == "in JSON"
    in_step(store)


def test_a_request_that_is_refused_is_not_sent_elsewhere(program, server, settings_for, store):
    server.fault = lambda number: "400"
    with (
        pytest.raises(RefusedRequestError, match="scripted 400"),
        speaking(settings_for(server.url, "openai/tiny", "openai/other"), store),
    ):
        dspy.Predict(program)(question="?")
    assert len(server.requests) == 1
    assert in_step(store) == 0


def test_fallback_is_in_order_and_ends_offline_if_that_is_named(program, server, settings_for, store):
    server.fault = lambda number: "500" if server.requests[number]["model"] == "first" else "normal"
    both = settings_for(server.url, "openai/first", "openai/second", "offline", attempts=1)
    with speaking(both, store) as speech:
        assert dspy.Predict(program)(question="?").answer == "yes"
    assert speech.written_by == "openai/second"
    with pytest.raises(ModelsUnavailableError), speaking(both, store, fallback=False):
        dspy.Predict(program)(question="?")
    server.fault = lambda number: "500"
    with speaking(both, store) as speech:
        assert dspy.Predict(program)(question="else?").answer == "offline: else?"
    assert speech.written_by == "offline"
    assert len(speech.told()["faults"]) == 2


def test_a_broken_model_is_left_alone_for_a_while(program, server, settings_for, store):
    server.fault = lambda number: "500" if server.requests[number]["model"] == "first" else "normal"
    settings = settings_for(server.url, "openai/first", "openai/second", attempts=1)
    for number in range(7):
        with speaking(settings, store):
            dspy.Predict(program)(question=f"{number}?")
    assert [body["model"] for body in server.requests].count("first") == 5
    assert breaker_of(ModelCard("openai/first", 0, 0, 0), settings).state is Circuit.OPEN
    in_step(store)


def test_a_budget_that_runs_out_does_not_close_a_breaker_or_call_anybody(program, server, settings_for, store):
    set_limit(store, "local", "agent:writer", "day", 10)
    with pytest.raises(BudgetError, match="agent:writer"), speaking(settings_for(server.url), store, agent="writer"):
        dspy.Predict(program)(question="?")
    assert server.requests == []
    with speaking(settings_for(server.url, "openai/tiny", "offline"), store, agent="writer") as speech:
        dspy.Predict(program)(question="?")
    assert speech.written_by == "offline"
    with speaking(settings_for(server.url), store, agent="other"):
        dspy.Predict(program)(question="?")


def test_a_run_keeps_its_budget(program, server, settings_for, store):
    with (
        pytest.raises(BudgetError, match="run:opt-1"),
        speaking(settings_for(server.url), store, run="opt-1", budget=micros("0.01")) as speech,
    ):
        for number in range(100):
            dspy.Predict(program)(question=f"{number}?")
    assert 0 < speech.cost <= micros("0.01")
    assert server.cost(1_000_000, 2_000_000) == spending(store, "local", run="opt-1").cost == in_step(store)


def test_a_reply_is_paid_once_for_each_tenant(program, server, settings_for, store):
    settings = settings_for(server.url)
    for tenant in ("a", "a", "b"):
        with speaking(settings, store, tenant=tenant) as speech:
            dspy.Predict(program)(question="?")
    assert len(server.requests) == 2
    with speaking(settings, store, tenant="a") as speech:
        dspy.Predict(program)(question="?")
        assert (speech.cost, speech.tokens, speech.written_by, speech.calls[0].state) == (0, 0, "openai/tiny", "cached")
    with speaking(settings, store, tenant="a", cache_s=0):
        dspy.Predict(program)(question="?")
    assert forget_replies(store, "a") == 1
    with speaking(settings, store, tenant="a"):
        dspy.Predict(program)(question="?")
    assert len(server.requests) == 4
    in_step(store, "a")


def test_an_old_reply_serves_no_more(program, server, settings_for, store):
    for _ in range(2):
        with speaking(settings_for(server.url), store, cache_s=0.05):
            dspy.Predict(program)(question="?")
        time.sleep(0.1)
    assert len(server.requests) == 2


def test_what_is_asked_again_on_purpose_is_not_served_from_the_cache(program, server, settings_for, store):
    replies = iter(range(100))
    server.script = lambda body: fields(answer=str(next(replies)))
    with speaking(settings_for(server.url), store):
        best = dspy.BestOfN(dspy.Predict(program), N=3, reward_fn=lambda args, pred: float(pred.answer), threshold=9.0)
        assert best(question="?").answer == "2"
        several = dspy.Predict(program, n=2)(question="more?")
        assert several.completions.answer == ["3", "4"]
        again = dspy.Predict(program, n=2)(question="more?")
        assert again.completions.answer == ["3", "4"]


def test_personal_data_stays_here(program, server, settings_for, store):
    server.script = lambda body: fields(answer=f"Dear {asked(body, 'question')}")
    with speaking(settings_for(server.url), store, known_ids=["u-77"]):
        told = dspy.Predict(program)(question="u-77 is ann@shop.example")
    assert told.answer == "Dear u-77 is ann@shop.example"
    with store.reading() as connection:
        kept = [*connection.execute(select(llm_replies.c.reply)).scalars(), *(str(row) for row in traced(store))]
    for place in (json.dumps(server.requests), *kept):
        assert "ann@" not in place
        assert "u-77" not in place


def test_a_server_that_does_not_count_is_booked_at_its_bound(program, server, settings_for, store):
    server.fault = lambda number: "no_usage"
    with speaking(settings_for(server.url), store) as speech:
        dspy.Predict(program)(question="?")
    assert in_step(store) == speech.cost >= server.cost(1_000_000, 2_000_000)


def test_nobody_is_paid_without_a_price_or_a_store(program, server, settings_for, store):
    away = LanguageSettings(("openai/tiny",), "https://models.example/v1", {"openai": "k"})
    with pytest.raises(UnpricedModelError), speaking(away, store):
        dspy.Predict(program)(question="?")
    with pytest.raises(NotReadyError, match="without a store"), speaking(settings_for(server.url), None):
        dspy.Predict(program)(question="?")
    assert server.requests == []


def test_a_transcript_says_what_it_lacks(program, tmp_path, server, settings_for, store):
    tape = tmp_path / "tape.json"
    with pytest.raises(NotRecordedError, match="record it with"):
        Transcript(tape)
    with speaking(settings_for(server.url), store, transcript=Transcript(tape, recording=True)):
        dspy.Predict(program)(question="?")
    with pytest.raises(NotRecordedError, match="1 others of it"), speaking(None, transcript=Transcript(tape)):
        dspy.Predict(program)(question="something else?")
    tape.write_text('{"format": 1}')
    with pytest.raises(DataFormatError, match="not a transcript"):
        Transcript(tape)


def test_a_thinking_model_gets_room_and_no_temperature(program, server, settings_for, store):
    with speaking(settings_for(server.url, "openai/gpt-5-mini", price=None), store):
        dspy.Predict(program)(question="?")
    body = server.requests[0]
    assert "temperature" not in body
    assert body["max_completion_tokens"] == 5000


def test_dspy_keeps_no_cache_of_its_own(program, server, settings_for, store):
    with speaking(settings_for(server.url), store):
        dspy.Predict(program)(question="?")
    assert not dspy.cache.enable_disk_cache
    assert not dspy.cache.enable_memory_cache
