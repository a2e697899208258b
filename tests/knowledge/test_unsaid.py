"""What a question asks for and the documents do not say: by hand."""

import math

import pytest

from growthbench.knowledge.unsaid import unsaid_facts

NEAREST = ["Builder\nThe e-mail builder shows a preview.", "Languages\nEach user chooses the language of the screens."]
NEVER = math.log1p(100.5 / 0.5)


def rarity(stem):
    """Of 100 passages: ``dark`` and ``shopifi`` are in none, everything else is common."""
    return NEVER if stem in ("dark", "shopifi") else 0.2 * NEVER


def facts(question):
    return unsaid_facts(question, NEAREST, rarity, 100)


def test_a_word_that_is_nowhere_is_unknown():
    given = facts("Does the builder show a dark preview? Show it!")
    assert given["unknown"] == pytest.approx((1 + 3 * 0.2**4) / (1 + 3 * 0.2))  # of builder, show, dark, preview
    assert facts("Does the builder show a preview?")["unknown"] == pytest.approx(0.2**3)
    assert given["name_unsaid"] == 0


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Does the builder know Shopify?", 1),
        ("Shopify: does the builder know it?", 0),  # at the beginning a capital tells nothing
        ("Is it quick? Shopify is slow.", 0),
        ("What did the builder show in 2024?", 1),
        ("Does the Builder show a preview?", 0),
    ],
)
def test_names_and_years_that_no_near_passage_holds(question, expected):
    assert facts(question)["name_unsaid"] == expected


def test_a_question_of_grammar_alone_tells_nothing():
    assert facts("What is it?") == {"unknown": 0, "name_unsaid": 0}
