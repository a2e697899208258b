"""No address, image, markup or hidden character gets out, however it is written."""

import pytest

from growthbench.language.guard import cleaned, has_address, repeats

ADDRESSES = [
    "![x](https://cdn.evil.example/p?q=1)",
    "![x][1]\n\n[1]: https://cdn.evil.example/p",
    "[click](https://cdn.evil.example)",
    "[click](//cdn.evil.example/x)",
    "<img src=https://cdn.evil.example/x>",
    "<a href='https://cdn.evil.example'>x</a>",
    "https://cdn.evil.example/x",
    "HTTPS://CDN.EVIL.EXAMPLE",
    "hxxps://cdn.evil.example",
    "www.cdn.evil.example",
    "cdn.evil.example/collect?m=a",
    "//cdn.evil.example/x.png",
    "<https://cdn.evil.example>",
    "![x](ht\u200btps://cdn.evil.example/p)",
    "&#104;ttps://cdn.evil.example",
    "![a](![b](https://cdn.evil.example/p))",
    "javascript:alert(1)",
    "data:text/html;base64,AAAA",
    "<!-- https://cdn.evil.example -->",
    "[[ ## completed ## ]]",
]


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_taken_out(text):
    found = cleaned(f"Pro costs EUR 199. {text} Thanks")
    assert "evil" not in found.lower()
    assert "](" not in found
    assert "<" not in found
    assert "[[" not in found
    assert found.startswith("Pro costs EUR 199.")
    assert has_address(text)
    assert cleaned(found) == found


def test_a_named_host_may_be_linked_and_nothing_that_looks_like_it():
    hosts = ["docs.ours.example"]
    assert cleaned("see [here](https://docs.ours.example/a)", hosts) == "see [here](https://docs.ours.example/a)"
    for other in (
        "https://docs.ours.example.evil.example/a",
        "https://docs.ours.example@evil.example/a",
        "//docs.ours.example/a",
    ):
        assert "evil" not in cleaned(f"see [here]({other})", hosts)
    assert cleaned("![x](https://docs.ours.example/a.png)", hosts) == ""


@pytest.mark.parametrize(
    "text", ["Pro costs EUR 199, e.g. a month.", "Use CSV (50 MB) [1].", "3 < 5 and 7 > 6", "a/b tests"]
)
def test_ordinary_sentences_stay_as_they_are(text):
    assert cleaned(text) == text
    assert not has_address(text)


def test_a_run_of_secret_words_is_found_and_short_secrets_are_none():
    secret = "Word the reply to a visitor from the numbered claims alone."
    assert repeats("ok: word the REPLY to a visitor, from the numbered things", secret)
    assert not repeats("the reply to a visitor", secret)
    assert not repeats("anything", "short one")
