"""Routes about content and chat, and those that speak OpenAI's protocol."""

from growthbench.serving.desk import shapes_content as shapes
from growthbench.serving.desk.openai_form import MODEL, refusal
from growthbench.serving.desk.shapes import JobTold
from growthbench.serving.http import Reply, Route

Told = list[tuple[str, str, Route]]
"""Handler's name, class of work, and the route without its handler."""

_BRIEF = {"kind": "email", "topic": "What the Pro plan costs", "audience": "teams on the Free plan",
          "call_to_action": "Start a free board"}  # fmt: skip
_ASSET = {
    "content_id": "cnt_0198f3c1a2b3c4d5e6f70811", "version": 1, "content_type": "email", "platform": "mailchimp",
    "title": "Plan with dates that hold", "body": "Plan with dates that hold\n\nPro costs EUR 199 a month.",
    "parts": {"subject": "Plan with dates that hold", "body": "Pro costs EUR 199 a month."},
    "metadata": {"angle": "benefit", "written_by": "offline"}, "status": "draft", "variant_of": None,
    "brand_check": "passed", "created_by": "key_0198f3c1", "created_at": "2026-11-21T10:00:00.000000Z",
    "performance_score": None,
}  # fmt: skip
_REPLY = {
    "reply_id": "reply_0198f3c1a2b3c4d5e6f70811", "conversation_id": "conv_0198f3c1a2b3c4d5e6f70811",
    "text": "Pro costs EUR 199 a month. [1]", "handling": "answer", "answered": True,
    "citations": [{"number": 1, "document_id": "product_docs/pricing.md", "passage_id": "product_docs/pricing.md#0",
                   "title": "Pricing", "quote": "Pro costs EUR 199 a month.", "start": 0, "end": 26,
                   "date": "2026-03-01", "stale": ""}],
    "confidence": 0.81, "question": "What does Pro cost?", "intent": None, "sentiment": 0.1, "escalation": None,
    "lead_score": None, "written_by": "offline", "notes": [], "cost_usd": "0.00",
}  # fmt: skip
_SAID = {"text": "What does Pro cost?"}
_MESSAGES = [{"role": "user", "content": "What does Pro cost?"}]


def nobody(call) -> Reply:
    """In the place of a handler, until one is put there."""
    raise NotImplementedError("a handler is put in this place")


def content_routes() -> Told:
    """Routes about content."""
    place = "/api/v1/content"
    one = f"{place}/{{content_id}}"
    read = {"permission": "content:read", "tag": "content"}
    write = {"permission": "content:write", "tag": "content"}
    decide = {"permission": "content:approve", "tag": "content", "body": shapes.DecisionRequest,
              "answer": shapes.AssetTold, "example": {"reason": "as agreed"}}  # fmt: skip
    return [
        ("generate", "generate",
         Route("POST", f"{place}/generate", nobody, "Write three variants of what a brief asks for, and keep them",
               body=shapes.GenerateRequest, answer=shapes.Generated | JobTold, example={"brief": _BRIEF},
               answer_example={"status": "draft", "content": [_ASSET], "job_id": "job_0198f3c1a2b3c4d5e6f70811",
                               "piece": {"kind": "email", "status": "draft", "written_by": "offline"}},
               query={"async": (bool, "answer 202 at once, with a job")},
               statuses={201: "It is written.", 202: "A job writes it: because that was asked, or it takes long.",
                         404: "No document is about the topic.",
                         409: "The `Idempotency-Key` was used for something else."}, **write)),
        ("library", "retrieve",
         Route("GET", place, nobody, "Newest versions of the library", answer=shapes.AssetList,
               answer_example={"content": [_ASSET]},
               query={"kind": (str, "blog, landing_page, ad_copy, email, social or retention"),
                      "status": (str, "draft, needs_review, approved or refused"), "limit": (int, "1 to 1000")},
               statuses={404: "There is no such kind or status."}, **read)),
        ("content", "retrieve",
         Route("GET", one, nobody, "A text with its versions and decisions", answer=shapes.AssetHistory,
               answer_example={"content_id": _ASSET["content_id"], "versions": [_ASSET], "decisions": [
                   {"version": 1, "status": "draft", "decided_by": "key_0198f3c1", "reason": "written",
                    "at": "2026-11-21T10:00:00.000000Z"}]}, **read)),
        ("edit_content", "retrieve",
         Route("PATCH", one, nobody, "A better text: a new version", body=shapes.EditRequest, answer=shapes.AssetTold,
               example={"parts": {"subject": "Dates that hold"}}, answer_example=_ASSET | {"version": 2},
               statuses={201: "A new version."}, **write)),
        ("approve", "retrieve",
         Route("POST", f"{one}/approve", nobody, "A version may go out", answer_example=_ASSET | {"status": "approved"},
               statuses={409: "It is approved already."}, **decide)),
        ("refuse", "retrieve",
         Route("POST", f"{one}/refuse", nobody, "A version may not go out",
               answer_example=_ASSET | {"status": "refused"}, statuses={409: "It is refused already."}, **decide)),
    ]  # fmt: skip


def chat_routes() -> Told:
    """Routes of the assistant."""
    talk = {"permission": "chat:write", "tag": "chat"}
    errors = {404: "No such conversation.", 409: "The conversation was begun for another role.",
              410: "The conversation was erased with its person."}  # fmt: skip
    said = {"body": shapes.ChatRequest, "example": _SAID, "statuses": errors}
    protocol = {"permission": "chat:write", "tag": "openai", "refusal": refusal}
    return [
        ("chat", "generate",
         Route("POST", "/api/v1/chat", nobody, "One message, one reply", answer=shapes.ReplyTold, answer_example=_REPLY,
               **said, **talk)),
        ("chat_stream", "generate",
         Route("POST", "/api/v1/chat/stream", nobody, "The same in pieces: events `delta`, then `reply`",
               media_type="text/event-stream", answer=shapes.StreamEvent,
               answer_example={"event": "delta", "data": '{"text":"Pro "}'}, **said, **talk)),
        ("feedback", "retrieve",
         Route("POST", "/api/v1/chat/feedback", nobody, "Judge a reply", body=shapes.FeedbackRequest,
               example={"reply_id": _REPLY["reply_id"], "thumbs": 1},
               statuses={204: "Noted."} | {404: "No such reply.", 410: errors[410]}, **talk)),
        ("conversation", "retrieve",
         Route("GET", "/api/v1/chat/{conversation_id}", nobody, "Everything that was said in a conversation",
               answer=shapes.ConversationTold, query={"user_id": (str, "whose it is"), "role": (str, "as begun")},
               answer_example={"conversation_id": _REPLY["conversation_id"], "turns": [
                   {"author": "user", "text": _SAID["text"], "at": "2026-11-21T10:00:00.000000Z", "reply_id": ""}]},
               statuses={409: errors[409], 410: errors[410]}, **talk)),
        ("completions", "generate",
         Route("POST", "/v1/chat/completions", nobody, "OpenAI's chat completions; citations as [n], and as a field",
               body=shapes.CompletionRequest, answer=dict, example={"model": MODEL, "messages": _MESSAGES},
               answer_example={"id": "chatcmpl-0198f3c1", "object": "chat.completion", "created": 1795255200,
                               "model": MODEL, "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                               "message": {"role": "assistant", "content": _REPLY["text"], "refusal": None}}],
                               "citations": _REPLY["citations"]}, statuses=errors, **protocol)),
        ("models", "retrieve",
         Route("GET", "/v1/models", nobody, "OpenAI's list of models: the assistant", answer=dict,
               answer_example={"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0,
                                                           "owned_by": "growthbench"}]}, **protocol)),
    ]  # fmt: skip
