"""Vectors of texts from a provider: a real server on this machine answers, in every way a server may."""

import gzip
import json
import threading
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from growthbench.base.errors import BadInputError, SettingsError
from growthbench.language import (
    Embeddings,
    EmbeddingSettings,
    EmbeddingsUnavailableError,
    Patience,
    RefusedRequestError,
    UnpricedModelError,
    model_table,
    spending,
)
from growthbench.language.costs import embedding_cost, input_bound
from growthbench.language.payer import paid_by
from growthbench.ledger import BudgetError, Ledger, micros, set_limit
from growthbench.store.engine import open_store
from growthbench.store.ledger_tables import llm_calls
from tests.knowledge.letters import vector_of
from tests.language.loopback import dead_url
from tests.language.vector_loopback import FAULTS, VectorLoopback

PRICE = 1_000_000
"""1 USD per 1,000,000 tokens: a token is a micro-dollar."""


@pytest.fixture
def server():
    with VectorLoopback() as running:
        yield running


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def settings_for(url, *, timeout_s=1.0, attempts=2, **more):
    patience = Patience(timeout_s, 10.0, attempts)
    told = {"model": "openai/tiny", "base_url": url, "key": "secret", "price": PRICE} | more
    return EmbeddingSettings(**told, question=patience, documents=patience)


def embedder(store, url, tenant="local", **more):
    return Embeddings(settings_for(url, **more), store).of(tenant)


def calls(store):
    with store.reading() as connection:
        return list(connection.execute(select(llm_calls).order_by(llm_calls.c.at, llm_calls.c.call_id)))


def test_vectors_are_of_unit_length_and_in_the_order_of_the_texts(server, store):
    texts = ["the Pro plan", "cards and columns", "refunds"]
    made = embedder(store, server.url)
    plain = made.encode(texts)
    assert (plain.dtype, plain.shape) == (np.float32, (3, 64))
    assert np.allclose(plain, [vector_of(text, 64) for text in texts], atol=1e-6)
    server.fault = lambda number: "shuffled"
    assert np.array_equal(made.encode(texts), plain)
    server.fault = lambda number: "unplaced"
    assert np.array_equal(made.encode(texts), plain)
    assert made.encode([]).shape == (0, 64)
    assert server.requests[0] == {"model": "tiny", "input": texts}
    assert set(server.keys) == {"Bearer secret"}


def test_the_identity_is_provider_model_and_dimensions(server, store):
    made = embedder(store, server.url)
    assert (made.dims, made.digest) == (None, "openai/tiny/?")
    made.question("how much?")
    assert (made.dims, made.digest) == (64, "openai/tiny/64")
    assert embedder(store, server.url, dims=16).digest == "openai/tiny/16"
    known = EmbeddingSettings(model="openai/text-embedding-3-small", key="k")
    assert Embeddings(known, store).of("local").digest == "openai/text-embedding-3-small/1536"


def test_dimensions_that_are_stated_are_asked_for_and_held(server, store):
    server.dims = 16
    made = embedder(store, server.url, dims=16)
    assert made.encode(["a text"]).shape == (1, 16)
    assert server.requests[0]["dimensions"] == 16
    server.dims = 64
    with pytest.raises(EmbeddingsUnavailableError, match="64 dimensions where they must be 16"):
        made.encode(["a text"])


def test_remembered_dimensions_give_way_to_an_answer_for_documents_but_not_for_a_question(server, store):
    made = embedder(store, server.url)
    made.remember(32)
    assert made.digest == "openai/tiny/32"
    with pytest.raises(EmbeddingsUnavailableError, match="must be 32"):
        made.question("how much?")
    made.encode(["a page"])
    made.remember(32)
    assert made.digest == "openai/tiny/64"


def test_many_texts_go_in_batches_and_come_back_as_one(server, store):
    texts = [f"text number {i}" for i in range(200)]
    made = embedder(store, server.url).encode(texts)
    assert [len(body["input"]) for body in server.requests] == [96, 96, 8]
    assert server.texts == texts
    assert np.allclose(made, [vector_of(text, 64) for text in texts], atol=1e-6)
    server.requests.clear()
    embedder(store, server.url).encode(["long " * 20_000, "short", "long " * 20_000])
    assert [len(body["input"]) for body in server.requests] == [2, 1]


def test_what_leaves_holds_no_personal_data(server, store):
    made = embedder(store, server.url)
    made.encode(["Ann is ann@example.com", "call +49 151 23456789", "IBAN DE89 3704 0044 0532 0130 00"])
    made.question("what did bob@example.com say?")
    assert server.texts == ["Ann is [EMAIL]", "call [PHONE]", "IBAN [IBAN]", "what did [EMAIL] say?"]
    assert "bob" not in str(calls(store))
    assert np.array_equal(made.encode(["mail of ann@example.com"]), made.encode(["mail of eve@example.org"]))


def test_the_ledger_and_the_trace_say_what_the_server_billed(server, store):
    made = embedder(store, server.url)
    with paid_by(run="report-7"):
        made.encode(["some passage of a page", "another"])
        with paid_by(agent="answers"):
            made.question("how much?")
    first, second = calls(store)
    assert (first.kind, first.model, first.state, first.priority) == ("embedding", "openai/tiny", "answered", "cost")
    assert (second.agent, second.run, second.priority) == ("answers", "report-7", "speed")
    billed = sum(tokens for tokens, _ in server.billed)
    assert spending(store, "local", run="report-7") == (2, billed, 0, billed)
    assert Ledger(store).balance("local") == (0, billed)
    assert Ledger(store).balance("local", "agent:answers").spent == server.billed[1][0]


def test_each_tenant_pays_for_itself(server, store):
    both = Embeddings(settings_for(server.url), store)
    both.of("a").encode(["a passage"])
    both.of("b").encode(["a passage that is longer"])
    assert both.of("a") is both.of("a")
    spent = [Ledger(store).balance(tenant).spent for tenant in "ab"]
    assert spent == [tokens for tokens, _ in server.billed]


def test_without_usage_the_bound_is_booked(server, store):
    server.fault = lambda number: "no_usage"
    embedder(store, server.url).encode(["four"])
    assert Ledger(store).balance("local").spent == input_bound(4, 1)


@pytest.mark.parametrize("fault", ["429", "500"])
def test_a_fault_that_passes_is_tried_again(server, store, fault):
    server.fault = lambda number: fault if number == 0 else "normal"
    assert embedder(store, server.url).encode(["a text"]).shape == (1, 64)
    assert [c.state for c in calls(store)] == ["failed", "answered"]
    assert Ledger(store).balance("local") == (0, server.billed[0][0])


@pytest.mark.parametrize("fault", ["429", "500", "401"])
def test_a_fault_that_stays_is_said_and_costs_nothing(server, store, fault):
    server.fault = lambda number: fault
    with pytest.raises(EmbeddingsUnavailableError, match=f"openai/tiny answered {fault}: scripted"):
        embedder(store, server.url).encode(["a text"])
    assert len(server.requests) == (1 if fault == "401" else 2)
    assert Ledger(store).balance("local") == (0, 0)


def test_a_wrong_request_is_refused_at_once(server, store):
    server.fault = lambda number: "400"
    with pytest.raises(RefusedRequestError, match="scripted 400"):
        embedder(store, server.url).encode(["a text"])
    assert (len(server.requests), Ledger(store).balance("local")) == (1, (0, 0))


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_cannot_be_used_is_an_error_and_booked_at_its_bound(server, store, fault):
    made = embedder(store, server.url)
    made.encode(["first", "second"])
    spent = Ledger(store).balance("local").spent
    server.fault = lambda number: fault
    with pytest.raises(EmbeddingsUnavailableError, match="openai/tiny"):
        made.encode(["third", "fourth"])
    assert [c.state for c in calls(store)] == ["answered", "lost"]
    assert Ledger(store).balance("local") == (0, spent + input_bound(len("thirdfourth"), 2))
    server.fault = lambda number: "normal"
    assert made.encode(["third"]).shape == (1, 64)


def test_a_slow_answer_is_not_waited_for(server, store):
    server.fault, server.slow_s = (lambda number: "slow"), 3.0
    started = time.monotonic()
    with pytest.raises(EmbeddingsUnavailableError, match=r"said nothing for 0\.3 s"):
        embedder(store, server.url, timeout_s=0.3).question("how much?")
    assert time.monotonic() - started < 2.0
    assert Ledger(store).balance("local").spent == input_bound(len("how much?"), 1)


def test_where_nobody_listens_nothing_is_booked(store):
    with pytest.raises(EmbeddingsUnavailableError, match="cannot be reached"):
        embedder(store, dead_url()).encode(["a text"])
    assert Ledger(store).balance("local") == (0, 0)
    assert [c.state for c in calls(store)] == ["failed", "failed"]


def test_after_five_faults_the_provider_is_left_alone(server, store):
    server.fault = lambda number: "500"
    made = embedder(store, server.url, attempts=1)
    for _ in range(5):
        with pytest.raises(EmbeddingsUnavailableError, match="500"):
            made.question("how much?")
    with pytest.raises(EmbeddingsUnavailableError, match="is not asked now"):
        made.question("how much?")
    assert (len(server.requests), len(calls(store))) == (5, 5)


def test_a_limit_holds_before_anything_is_sent(server, store):
    set_limit(store, "local", "tenant", "day", 500)
    made = embedder(store, server.url)
    made.encode(["x" * 200])
    with pytest.raises(BudgetError, match="more would pass it"):
        made.encode(["x" * 450])
    assert len(server.requests) == 1
    assert Ledger(store).balance("local").spent == server.billed[0][0]


def test_a_limit_holds_over_many_threads(server, store):
    set_limit(store, "local", "tenant", "total", 2_000)
    made, ended = embedder(store, server.url), []

    def work(name):
        try:
            for turn in range(50):
                made.encode([f"{name} {turn} {'word ' * 20}"])
        except BudgetError as exc:
            ended.append(exc)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held, spent = Ledger(store).balance("local")
    assert (len(ended), held) == (4, 0)
    assert 1_000 < sum(tokens for tokens, _ in server.billed) == spent <= 2_000


def test_a_question_that_was_asked_is_free(server, store):
    made = embedder(store, server.url)
    first, again = made.question("how much?"), made.question("how much?")
    assert np.array_equal(first, again)
    assert len(server.requests) == 1
    assert sorted((c.state, c.cached) for c in calls(store)) == [("answered", 0), ("cached", 1)]
    assert Ledger(store).balance("local").spent == server.billed[0][0]


def test_what_is_no_text_is_refused(server, store):
    with pytest.raises(BadInputError, match=r"texts\[1\] must be a text, found int"):
        embedder(store, server.url).encode(["a", 1])
    assert server.requests == []


def test_a_model_without_a_price_is_refused(store):
    away = {"GROWTHBENCH_EMBEDDINGS": "jina/x", "GROWTHBENCH_EMBEDDINGS_BASE_URL": "https://vectors.example/v1"}
    with pytest.raises(UnpricedModelError, match="GROWTHBENCH_EMBEDDINGS_PRICE"):
        Embeddings(EmbeddingSettings.read(away), store)
    priced = EmbeddingSettings.read(away | {"GROWTHBENCH_EMBEDDINGS_PRICE": "0.05"})
    assert Embeddings(priced, store).card.input_price == micros("0.05")
    here = away | {"GROWTHBENCH_EMBEDDINGS_BASE_URL": "http://127.0.0.1:1/v1"}
    assert EmbeddingSettings.read(here).card().input_price == 0


def test_settings_are_those_of_the_language_model_unless_they_have_their_own():
    told = {"GROWTHBENCH_EMBEDDINGS": "openai/text-embedding-3-small", "OPENAI_API_KEY": "sk-openai"}
    plain = EmbeddingSettings.read(told)
    assert (plain.base_url, plain.key, plain.card().dims) == (None, "sk-openai", 1536)
    assert "sk-openai" not in repr(plain)
    shared = told | {"GROWTHBENCH_LM_BASE_URL": "http://localhost:1/v1", "GROWTHBENCH_LM_API_KEY": "lm"}
    read = EmbeddingSettings.read(shared)
    assert (read.base_url, read.key) == ("http://localhost:1/v1", "lm")
    own = EmbeddingSettings.read(shared | {"GROWTHBENCH_EMBEDDINGS_BASE_URL": "https://vectors.example/v1/"})
    assert (own.base_url, own.key) == ("https://vectors.example/v1", None)
    gemini = shared | {"GROWTHBENCH_EMBEDDINGS": "gemini/gemini-embedding-001", "GEMINI_API_KEY": "g"}
    assert (EmbeddingSettings.read(gemini).base_url, EmbeddingSettings.read(gemini).key) == (None, "g")
    assert EmbeddingSettings.read({}).model is None
    assert EmbeddingSettings.read({"GROWTHBENCH_EMBEDDINGS": "local"}) == EmbeddingSettings()
    patient = EmbeddingSettings.read(told | {"GROWTHBENCH_EMBEDDINGS_TIMEOUT_S": "0.5"})
    assert (patient.question.timeout_s, patient.documents.timeout_s) == (0.5, 30)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("", "text-embedding-3-small", "PROVIDER/MODEL"),
        ("", "openai/", "PROVIDER/MODEL"),
        ("", "anthropic/any", "_BASE_URL"),
        ("_BASE_URL", "127.0.0.1:8000", "http"),
        ("_DIMS", "many", "whole number"),
        ("_DIMS", "0", "whole number"),
        ("_PRICE", "-1", "USD"),
        ("_PRICE", "a", "USD"),
        ("_TIMEOUT_S", "soon", "seconds"),
    ],
)
def test_a_wrong_setting_is_named(name, value, said):
    told = {"GROWTHBENCH_EMBEDDINGS": "openai/text-embedding-3-small", "OPENAI_API_KEY": "k"}
    with pytest.raises(SettingsError, match=said) as caught:
        EmbeddingSettings.read(told | {f"GROWTHBENCH_EMBEDDINGS{name}": value})
    assert caught.value.field == f"GROWTHBENCH_EMBEDDINGS{name}"


def test_a_provider_without_a_key_is_refused_at_the_start():
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        EmbeddingSettings.read({"GROWTHBENCH_EMBEDDINGS": "openai/text-embedding-3-small"})


def test_prices_are_those_of_the_named_source():
    import dspy

    raw = gzip.decompress((Path(dspy.__file__).parent / "clients/model_metadata/snapshot.json.gz").read_bytes())
    told = json.loads(raw, parse_float=Decimal)
    for name, card in model_table().embeddings.items():
        row = told.get(name) or told[name.partition("/")[2]]
        assert card.input_price == micros(row["input_cost_per_token"] * 1_000_000), name
        assert (card.dims, card.context) == (row["output_vector_size"], row["max_input_tokens"]), name
        assert embedding_cost(card, 1_000_000) == card.input_price
    assert len(model_table().embeddings) == 4
