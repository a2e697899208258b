"""What the OpenAPI document says that no route does: errors, chapters, credentials, what we send ourselves."""

ALWAYS = {
    400: "The request is wrong; `field` names the place.",
    413: "The body is larger than allowed.",
    415: "The body is in a form that is not read here.",
    500: "A defect of the service; the request id leads to it in the log.",
    503: "It cannot be answered now; it may be later.",
    504: "It took longer than allowed.",
}
KNOWN = {401: "No key or token, or one that does not count.", 403: "The caller may not do this."}
LIMITED = {429: "A limit is used up; `Retry-After` says for how long."}
NAMED = {404: "There is no such thing."}

TAGS = {
    "events": "Send what happened: Segment's HTTP tracking API, and two routes of our own.",
    "scores": "Score people and rows with the deployed models; say why.",
    "models": "Which models are served.",
    "people": "Profiles, and who is the same person.",
    "privacy": "Consent, export, erasure with receipts.",
    "knowledge": "Documents, search in them, answers with verified citations.",
    "content": "Content written from the documents, checked, kept in versions.",
    "chat": "The assistant, which knows when to call a person.",
    "openai": "The same assistant for any client of OpenAI's protocol.",
    "jobs": "What takes longer than a request.",
    "tenants": "Tenants, keys, members, tokens, usage, audit.",
    "webhooks": "Have the service call you when something happens.",
    "sdk": "The JavaScript client.",
    "service": "Health, metrics, documentation.",
}


PATH_WORDS = {
    "task": "name of a prediction problem, such as `churn`",
    "user_id": "a user id, or `anonymous:ID`; percent-encoded where it holds other characters",
    "document_id": "id of a document; it may hold slashes",
    "content_id": "from the library",
    "conversation_id": "from a reply",
    "job_id": "from the answer that began the job",
    "prediction_id": "from an answer's `prediction_id`",
}

SIGNED = {"signedKey": [], "signedTimestamp": [], "signature": []}

SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A write key, a secret key, or a member's token."},
    "basic": {"type": "http", "scheme": "basic", "description": "The key as user name, as Segment's clients send it."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "A key."},
    "signedKey": {"type": "apiKey", "in": "header", "name": "x-gb-key-id", "description": "Id of the signing key."},
    "signedTimestamp": {"type": "apiKey", "in": "header", "name": "x-gb-timestamp", "description": "Seconds since "
                        "1970, at most 300 s from ours."},
    "signature": {"type": "apiKey", "in": "header", "name": "x-gb-signature", "description": "Hex HMAC-SHA256 with the "
                  "key's signing secret over timestamp, METHOD, path?query and the body's SHA-256 in hex, each on a "
                  "line of its own. One signature counts once."},
}  # fmt: skip

HEADERS = {
    "x-request-id": {"description": "The caller's own id if it sent one, else ours.", "schema": {"type": "string"}},
    "ratelimit": {"description": "What is left of the limits (IETF draft); absent on the plan `local`.",
                  "schema": {"type": "string"}},
    "ratelimit-policy": {"description": "The limits themselves.", "schema": {"type": "string"}},
    "retry-after": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "www-authenticate": {"description": "How to say who you are.", "schema": {"type": "string"}},
}  # fmt: skip

ABOUT = (
    "Every error is `application/problem+json` (RFC 9457). Bodies are JSON, plain or gzip. Times are UTC. "
    "People are named by a user id, or by `anonymous:ID` where only a device is known."
)

_SENT = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "examples": ["alert.score_threshold", "alert.chat_escalation", "event.tracked"]},
        "timestamp": {"type": "string", "format": "date-time"},
        "topic": {"enum": ["events", "scores", "campaigns", "alerts"]},
        "seq": {"type": "integer", "description": "the message's number in its topic"},
        "data": {"type": "object"},
    },
}
WEBHOOKS = {
    "message": {
        "post": {
            "summary": "What a webhook receives",
            "description": (
                "Signed as Standard Webhooks say: `webhook-signature` holds `v1,` and the base64 HMAC-SHA256 of "
                "`webhook-id.webhook-timestamp.body` under the webhook's secret (base64 behind `whsec_`). The same "
                "`webhook-id` may come twice: it is the key to do things once. Answer 2xx within 10 s; anything else "
                "is tried again, ten times within about 14 hours; 410 disables the webhook."
            ),
            "requestBody": {
                "content": {
                    "application/json": {
                        "schema": _SENT,
                        "examples": {
                            "score": {"summary": "A score crossed a threshold", "value": {
                                "type": "alert.score_threshold", "timestamp": "2026-11-21T10:00:00.000000Z",
                                "topic": "alerts", "seq": 18,
                                "data": {"kind": "score_threshold", "task": "lead_scoring", "side": "above",
                                         "threshold": 0.7, "score": 0.82, "previous_score": 0.64, "user_id": "u-17"},
                            }},
                            "chat": {"summary": "A chat was handed to a person", "value": {
                                "type": "alert.chat_escalation", "timestamp": "2026-11-21T10:02:00.000000Z",
                                "topic": "alerts", "seq": 19,
                                "data": {"kind": "chat_escalation", "escalation_id": "esc_1", "reply_id": "reply_1",
                                         "conversation_id": "chat_1", "reason": "explicit_wish",
                                         "detail": "asked for a person", "also": ["sentiment"], "called_before": [],
                                         "sentiment": -0.8123, "escalated_at": "2026-11-21T10:02:00.000000Z",
                                         "person": "per_1", "user_id": "u-17"},
                            }},
                        },
                    }
                }
            },
            "responses": {"2XX": {"description": "taken"}, "410": {"description": "send no more"}},
        }
    }
}  # fmt: skip

WEBSOCKETS = {
    "/ws/realtime": {
        "summary": "The live channel",
        "x-permission": "live:read",
        "description": (
            "Credentials as everywhere, or, from browsers, as the first message. A reader keeps its place by `seq` and "
            "goes on from there after any break; one that is too slow is told `lagging` and misses nothing."
        ),
        "send": [
            {"type": "auth", "key": "gbs_…"},
            {"type": "subscribe", "topics": ["events", "alerts"], "from": {"events": 120}},
            {"type": "unsubscribe", "topics": ["alerts"]},
            {"type": "ping"},
        ],
        "receive": [
            {"type": "welcome", "tenant": "local", "topics": ["events", "scores", "campaigns", "alerts"]},
            {"type": "subscribed", "topics": ["events", "alerts"], "at": {"events": 120, "alerts": 17}},
            {"type": "message", "topic": "alerts", "seq": 18, "at": "2026-11-21T10:00:00.000000Z", "body": {}},
            {"type": "lagging", "topics": ["events"], "at": 130, "head": 9000},
            {"type": "gone", "topic": "alerts", "oldest": 12},
            {"type": "heartbeat", "at": {"events": 130, "alerts": 18}},
            {"type": "pong"},
            {"type": "error", "problem": {"title": "Bad input", "status": 400}},
        ],
        "closes": {"4400": "not understood", "4401": "not known", "4403": "not allowed", "4408": "nothing was taken",
                   "4429": "too many connections"},
    }
}  # fmt: skip
