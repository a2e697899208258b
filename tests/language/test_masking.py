import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growthbench.language import Mask

PERSONAL = [
    "ann.o'neil+news@ex-ample.co.uk",
    "jörg@müller.de",
    "+49 (0)30 123456-78",
    "+1 415 555 2671",
    "(415) 555-2671",
    "415-555-2671",
    "030/1234567",
    "0171 2345678",
    "0049 171 2345678",
    "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432",
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "378282246310005",
]
HARMLESS = [
    "2026-11-21",
    "2026-11-21T10:00:00Z",
    "10.000-20.000",
    "1,234,567",
    "192.168.100.200",
    "v3.5.1",
    "order 4111111111111112",
    "20 % off 1500 units",
    "a@b",
    "@handle",
    "EN16931 and ISO27001",
    "sku 000123",
    "0.435",
]


@pytest.mark.parametrize("value", PERSONAL)
def test_personal_data_is_hidden_and_put_back(value):
    text = f"Write to {value}, please. ({value})"
    mask = Mask([text])
    hidden = mask.hide(text)
    assert value not in hidden
    assert not re.search(re.escape(value[-6:]), hidden)
    assert mask.hidden == 1
    assert mask.show(hidden) == text


@pytest.mark.parametrize("value", HARMLESS)
def test_ordinary_text_stays(value):
    text = f"About {value} we know."
    assert Mask([text]).hide(text) == text


def test_known_ids_are_hidden_as_whole_words():
    text = "User u-77 of ACME (not u-777) wrote as u-77@shop."
    mask = Mask([text], ["u-77", "ACME", ""])
    hidden = mask.hide(text)
    assert re.fullmatch(r"User \[ID_1_\w+\] of \[ID_2_\w+\] \(not u-777\) wrote as \[ID_1_\w+\]@shop\.", hidden)
    assert mask.show(hidden) == text


def test_the_same_text_about_another_person_is_the_same_prompt():
    ann, bob = (
        f"Invite {name}@shop.example, {phone}."
        for name, phone in (("ann", "+49 171 2345678"), ("bob", "+1 415 555 2671"))
    )
    masks = [Mask([ann]), Mask([bob])]
    assert masks[0].hide(ann) == masks[1].hide(bob)
    assert masks[1].show(masks[0].hide(ann)) == bob


def test_a_planted_placeholder_is_not_filled():
    """A document cannot name the placeholder that an address will get."""
    secret = "Customer: ann@shop.example."
    planted = " ".join(f"[EMAIL_1_{n:04x}]" for n in range(4096))
    mask = Mask([secret, planted])
    hidden = mask.hide(secret)
    assert mask.show(planted) == planted
    assert mask.show(hidden) == secret
    assert mask.show("[EMAIL_1]") == "[EMAIL_1]"


@pytest.mark.parametrize("piece", ["a", "a.", "0", "0 ", "+4", "DE12 ", "a@", "a@b.", "-", "4 "])
def test_no_text_takes_long(piece):
    """100,000 characters that almost are something."""
    text = piece * (100_000 // len(piece))
    started = time.perf_counter()
    mask = Mask([text])
    assert mask.show(mask.hide(text)) == text
    assert time.perf_counter() - started < 3


def test_a_reply_may_lose_the_brackets():
    mask = Mask(["ann@shop.example"])
    name = mask.hide("ann@shop.example").strip("[]")
    assert mask.show(f"Dear {name}, <b>[{name}]</b>") == "Dear ann@shop.example, <b>ann@shop.example</b>"


@given(
    st.lists(st.text() | st.sampled_from(PERSONAL + HARMLESS), max_size=6).map(" ".join),
    st.lists(st.text(), max_size=2),
)
def test_what_is_hidden_comes_back_whatever_the_text(text, known):
    mask = Mask([text], known)
    assert mask.show(mask.hide(text)) == text
