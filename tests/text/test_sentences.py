import string
from itertools import pairwise

import numpy as np
import pytest

from growthbench.text import sentences


def said(text):
    return [text[a:b] for a, b in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Lee met Mr. Poe. They agreed.", ["Dr. Lee met Mr. Poe.", "They agreed."]),
        ("Pay 3.5 USD, e.g. by card. Done.", ["Pay 3.5 USD, e.g. by card.", "Done."]),
        ("Acme Inc. sells ads. Acme Inc. It pays.", ["Acme Inc. sells ads.", "Acme Inc.", "It pays."]),
        ("See https://a.b/c?d=1. Then go to www.x.y now.", ["See https://a.b/c?d=1.", "Then go to www.x.y now."]),
        ("J. R. Smith wrote it. I agree.", ["J. R. Smith wrote it.", "I agree."]),
        ("That was I. He left.", ["That was I.", "He left."]),
        (
            "We sell in the U.S. and the U.K. today. Also here.",
            ["We sell in the U.S. and the U.K. today.", "Also here."],
        ),
        ("It closes at 5 p.m. Call before.", ["It closes at 5 p.m.", "Call before."]),
        ("It closes at 5 p.m. on Friday.", ["It closes at 5 p.m. on Friday."]),
        ("See fig. 3 and no. 7. Next.", ["See fig. 3 and no. 7.", "Next."]),
        ("Is it free? No. It costs 5.", ["Is it free?", "No.", "It costs 5."]),
        ('"Really?" he asked. "Yes." She left.', ['"Really?" he asked.', '"Yes."', "She left."]),
        ("Wait... what? Yes (it is.) Fine.", ["Wait... what?", "Yes (it is.)", "Fine."]),
        ("It grew by 5. Then 7.2 came. 9 left.", ["It grew by 5.", "Then 7.2 came.", "9 left."]),
        ("**Bold end.** Next one.", ["**Bold end.**", "Next one."]),
        ("价格是五元。很贵！", ["价格是五元。", "很贵！"]),
        ("version 2.0.1 is out. v3 follows", ["version 2.0.1 is out. v3 follows"]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, expected):
    assert said(text) == expected


def test_markdown_blocks_stand_for_themselves():
    text = (
        "# Plans and prices\nThe Free plan costs\nnothing. It has limits.\n\n- Pro: 49 USD\n"
        "- Enterprise: ask us. We answer.\n1. First step\n2) Second step\n\n"
        "| plan | price |\n| --- | --- |\n| Pro | 49 |\n\n> Quoted line.\n\n---\nEnd"
    )
    assert said(text) == [
        "Plans and prices",
        "The Free plan costs\nnothing.",
        "It has limits.",
        "Pro: 49 USD",
        "Enterprise: ask us.",
        "We answer.",
        "First step",
        "Second step",
        "plan | price |",
        "Pro | 49 |",
        "Quoted line.",
        "End",
    ]


def test_a_wrapped_line_that_begins_with_a_year_is_no_list():
    text = "The plan was changed in the spring of\nthe year that we all remember, in March of\n12. It never came back."
    assert len(said(text)) == 2


@pytest.mark.parametrize("text", ["", "   \n\n ", "---", "```", "...", ".", "?!"])
def test_nothing_much_gives_no_error(text):
    assert all(text[a:b].strip() for a, b in sentences(text))


def test_spans_are_in_order_trimmed_and_lose_no_word():
    rng = np.random.default_rng(4)
    alphabet = list(string.ascii_letters + "   .!?\n\n\"'()#-*>|1234é。 ")
    for _ in range(300):
        text = "".join(rng.choice(alphabet, rng.integers(1, 120)))
        spans = sentences(text)
        assert all(text[a:b] == text[a:b].strip() and a < b for a, b in spans)
        assert all(b <= c for (_, b), (c, _) in pairwise(spans))
        covered = set().union(*(range(a, b) for a, b in spans)) if spans else set()
        lost = [i for i, letter in enumerate(text) if letter in "éabcxyzXYZ" and i not in covered]
        # only the letter of a list item such as "a) " or "(b. " may be left outside
        assert all(text[i + 1 : i + 2] in (".", ")") for i in lost)
