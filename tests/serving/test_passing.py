import asyncio

import msgspec
import pytest

from growthbench.serving.passing import PassedAnswer


def passed(status, body=b"", headers=(), method="POST"):
    """What a client gets of an answer of somebody else's, sent in two pieces."""
    sent = []

    async def send(message):
        sent.append(message)

    async def answer():
        passing = PassedAnswer(send, method, "/x", "req_1", [(b"x-request-id", b"req_1")])
        await passing.send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await passing.send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await passing.send({"type": "http.response.body", "body": body[3:]})

    asyncio.run(answer())
    return sent


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
    start, said = passed(400, body)
    told = msgspec.json.decode(said["body"])
    assert (start["status"], told["detail"], told.get("field")) == (400, detail, field)
    assert dict(start["headers"])[b"content-type"] == b"application/problem+json"
    assert dict(start["headers"])[b"x-request-id"] == b"req_1"


def test_what_a_500_says_inside_is_not_told():
    _, said = passed(500, b"Traceback: secret")
    assert b"secret" not in said["body"]


def test_allow_and_retry_after_are_kept_and_other_headers_dropped():
    start, _ = passed(405, b"no", [(b"Allow", b"GET"), (b"content-length", b"2"), (b"x-inner", b"1")])
    names = [name.lower() for name, _ in start["headers"]]
    assert names.count(b"content-length") == 1
    assert b"allow" in names
    assert b"x-inner" not in names


def test_head_has_no_body():
    assert passed(404, b"no", method="HEAD")[1]["body"] == b""


def test_good_answers_pass_in_pieces_with_a_request_id():
    start, first, second = passed(207, b"abcdef")
    assert start["headers"] == [(b"x-request-id", b"req_1")]
    assert (first["body"], second["body"]) == (b"abc", b"def")
