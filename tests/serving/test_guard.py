import asyncio

import msgspec
import pytest

from growthbench.serving.guard import Guard


def ask(app, chunks=(b"",), headers=(), limit=100, method="POST", gone=False):
    """Send a request through a guard; the messages that came back."""
    scope = {"type": "http", "method": method, "path": "/x", "headers": list(headers)}
    waiting = [{"type": "http.request", "body": c, "more_body": i + 1 < len(chunks)} for i, c in enumerate(chunks)]
    sent = []

    async def receive():
        return {"type": "http.disconnect"} if gone else waiting.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(app, limit)(scope, receive, send))
    return sent


def answering(status, body=b"", headers=()):
    """An application that answers so, in two pieces."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:]})

    return app


async def echo(scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def test_a_body_arrives_whole_up_to_the_limit_and_is_refused_one_byte_over():
    assert ask(echo, [b"a" * 60, b"b" * 40])[1]["body"] == b"a" * 60 + b"b" * 40
    start, body = ask(echo, [b"a" * 60, b"b" * 41])
    assert start["status"] == 413
    assert (b"connection", b"close") in start["headers"]
    assert b"more than 100 bytes" in body["body"]


def test_a_client_that_goes_away_while_sending_is_not_answered():
    assert ask(echo, gone=True) == []


@pytest.mark.parametrize(
    ("body", "detail", "field"),
    [
        (b'{"error": "no such thing"}', "no such thing", None),
        (b'[{"error": "as bento writes it"}]', "as bento writes it", None),
        (b'{"error": "1 error", "detail": [{"loc": ["rows", 0], "msg": "Must be"}]}', "Must be", "rows.0"),
        (b"plain words", "plain words", None),
        (b"", "Bad input", None),
        (b"[]", "Bad input", None),
        (b'"text"', "Bad input", None),
        (b'{"detail": 3}', "Bad input", None),
        (b"\xff\xfe", "\ufffd\ufffd", None),
    ],
)
def test_errors_of_others_become_problems(body, detail, field):
    start, said = ask(answering(400, body))
    told = msgspec.json.decode(said["body"])
    assert (start["status"], told["detail"], told.get("field")) == (400, detail, field)
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"


def test_what_a_500_says_inside_is_not_told():
    _, said = ask(answering(500, b"Traceback: secret"))
    assert b"secret" not in said["body"]


def test_allow_and_retry_after_are_kept_and_other_headers_dropped():
    start, _ = ask(answering(405, b"no", [(b"Allow", b"GET"), (b"content-length", b"2"), (b"x-inner", b"1")]))
    names = [name.lower() for name, _ in start["headers"]]
    assert names.count(b"content-length") == 1
    assert b"allow" in names
    assert b"x-inner" not in names


def test_an_exception_is_a_problem_and_head_has_no_body():
    async def broken(scope, receive, send):
        raise RuntimeError("secret")

    start, said = ask(broken, method="HEAD")
    assert start["status"] == 500
    assert said["body"] == b""


def test_good_answers_pass_in_pieces_with_a_request_id():
    start, first, second = ask(answering(207, b"abcdef"), headers=[(b"x-request-id", b"r.1")])
    assert start["headers"] == [(b"x-request-id", b"r.1")]
    assert (first["body"], second["body"]) == (b"abc", b"def")
