import json

import openai
import pytest

BRIEF = {"kind": "email", "topic": "the forecast", "audience": "teams on the Free plan"}


def test_a_piece_is_written_kept_edited_and_approved(with_prices, installation):
    client = with_prices
    made = client.post("/api/v1/content/generate", json={"brief": BRIEF}, headers={"idempotency-key": "mail-1"})
    assert made.status_code == 201, made.text
    told = made.json()
    assert len(told["content"]) == 3
    assert told["piece"]["written_by"] == "offline"
    again = client.post("/api/v1/content/generate", json={"brief": BRIEF}, headers={"idempotency-key": "mail-1"})
    assert again.json()["content"] == told["content"]
    assert len(client.get("/api/v1/content").json()["content"]) == 3
    first = told["content"][0]
    where = f"/api/v1/content/{first['content_id']}"
    edited = client.patch(where, json={"parts": {"subject": "What Pro costs"}})
    assert (edited.status_code, edited.json()["version"]) == (201, 2)
    assert client.post(f"{where}/approve", json={}).status_code == 403  # a key is no person
    marketer = installation.member(client.tenant, "marketer")
    assert marketer.post(f"{where}/approve", json={"reason": "good"}).json()["status"] == "approved"
    told = client.get(where).json()
    assert [v["version"] for v in told["versions"]] == [2, 1]
    assert told["decisions"][-1]["status"] == "approved"


def test_what_cannot_be_written_is_refused_with_its_reason(with_prices):
    wrong = with_prices.post("/api/v1/content/generate", json={"brief": {"kind": "novel", "topic": "x"}})
    assert (wrong.status_code, wrong.json()["field"]) == (404, "kind")
    nothing = with_prices.post("/api/v1/content/generate", json={"brief": BRIEF | {"topic": "zebra migration in Chad"}})
    assert nothing.status_code == 404, nothing.text
    assert "zebra" in nothing.json()["detail"]
    assert with_prices.get("/api/v1/content").json()["content"] == []


@pytest.fixture
def assistant(with_prices):
    key = with_prices.headers["authorization"].removeprefix("Bearer ")
    with openai.OpenAI(
        base_url=f"{with_prices.base_url}/v1".replace("//v1", "/v1"), api_key=key, max_retries=0
    ) as made:
        yield made


def test_the_openai_client_talks_to_the_assistant(assistant):
    (model,) = assistant.models.list().data
    asked = {"model": model.id, "messages": [{"role": "user", "content": "What does the Pro plan cost a month?"}]}
    whole = assistant.chat.completions.create(**asked)
    text = whole.choices[0].message.content
    assert "199" in text
    assert "[1]" in text
    assert whole.citations[0]["document_id"] == "product_docs/prices-and-refunds.md"
    chunks = list(assistant.chat.completions.create(**asked, stream=True))
    assert len(chunks) > 3
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == text
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].citations[0]["number"] == 1
    assert len({c.id for c in chunks}) == 1


def test_the_openai_client_understands_what_is_refused(assistant):
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-4o'"):
        assistant.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
    with pytest.raises(openai.BadRequestError, match="last message"):
        assistant.chat.completions.create(model="growthbench-assistant", messages=[{"role": "system", "content": "x"}])
    nobody = assistant.with_options(api_key="gbs_0_0")
    with pytest.raises(openai.AuthenticationError):
        nobody.models.list()


def test_a_chat_is_streamed_judged_and_read_again(with_prices):
    client = with_prices
    first = client.post("/api/v1/chat", json={"text": "What does the Pro plan cost a month?"})
    assert first.status_code == 200, first.text
    reply = first.json()
    assert reply["answered"]
    more = {"text": "And the Enterprise plan?", "conversation_id": reply["conversation_id"]}
    with client.stream("POST", "/api/v1/chat/stream", json=more) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    events = [(lines[i][7:], json.loads(lines[i + 1][6:])) for i in range(0, len(lines), 2)]
    assert [name for name, _ in events] == ["delta"] * (len(events) - 1) + ["reply"]
    assert "".join(told["text"] for _, told in events[:-1]) == events[-1][1]["text"]
    assert client.post("/api/v1/chat/feedback", json={"reply_id": reply["reply_id"], "thumbs": 1}).status_code == 204
    said = client.get(f"/api/v1/chat/{reply['conversation_id']}").json()
    assert [turn["author"] for turn in said["turns"]] == ["user", "assistant"] * 2
