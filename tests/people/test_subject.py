"""A mention is found however it is written, in plain and by digest alike, and not where it is none."""

import json
from urllib.parse import quote

import hypothesis.strategies as st
import pytest
from hypothesis import given

from growthbench.people.subject import Subject, telling
from growthbench.store.keyring import Keyring

IDS = {"user": "käthe-4711", "email": "k.m@example.org", "phone": "+4915112345678", "anonymous": "7"}
RING = Keyring({"k": bytes(32)}, bytes(32))


def subject(plain):
    def digest(kind, value):
        return RING.lookup("t", kind, value)

    lookups = frozenset((kind, digest(kind, value)) for kind, value in IDS.items())
    return Subject("t", ("per_1",), lookups, tuple(IDS.values()) if plain else (), digest)


BOTH = pytest.mark.parametrize("her", [subject(True), subject(False)], ids=["plain", "digest"])


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "k.m@example.org",
        "mail k.m@example.org, please",
        "<k.m@example.org>",
        "/users/käthe-4711/orders",
        f"/u?mail={quote('k.m@example.org', safe='')}",
        json.dumps({"a": [{"b": "käthe-4711"}]}),
        json.dumps({"call": "+4915112345678"}),
        json.dumps({"user_id": "7", "x": 1}),
        '{"anonymousId":"7"}',
    ],
)
def test_a_mention_is_found(her, text):
    assert her.mentions(text)


@BOTH
@pytest.mark.parametrize(
    "text",
    ["", None, "7", '{"quantity": "7"}', "user 7", "ik.m@example.org", "k.m@example.organic", "käthe-47110",
     '{"group": "7"}', "Käthe 4711"],
)  # fmt: skip
def test_what_is_no_mention_is_not(her, text):
    assert not her.mentions(text)


def test_masking_leaves_the_rest_and_no_mention():
    her = subject(True)
    assert her.masked("to k.m@example.org and others") == "to [erased] and others"
    assert json.loads(her.masked(json.dumps({"user_id": "7", "n": "7"}))) == {"user_id": "[erased]", "n": "7"}
    escaped = json.dumps({"who": "käthe-4711", "n": 1})
    assert "\\u00e4" in escaped
    assert not her.mentions(her.masked(escaped))
    assert json.loads(her.masked(escaped)) == {"erased": True}
    assert subject(False).masked("k.m@example.org wrote") == "[erased]"


@given(st.text(max_size=40), st.text(max_size=40))
def test_masked_texts_never_mention_and_others_stay(before, after):
    her = subject(True)
    text = f"{before} k.m@example.org {after}"
    assert not her.mentions(her.masked(text))
    if not her.mentions(before):
        assert her.masked(before) == before


@pytest.mark.parametrize(("value", "tells"), [("a@b", False), ("ab@c.d", True), ("12345678", False), ("x" * 30, False)])
def test_short_and_plain_words_tell_nobody(value, tells):
    assert telling(value) is tells
