"""Questions that lean on what was said are made to stand alone, and nothing is put into them that nobody said."""

import pytest

from growthbench.content.chat.follow_up import leans, resolved, stands
from growthbench.content.chat.names import names_in

BEFORE = ["How many guests come with Free?"]


@pytest.mark.parametrize(
    ("message", "before", "names", "alone"),
    [
        ("And for Pro?", BEFORE, ["Free"], "How many guests come with Pro?"),
        ("and pro", BEFORE, ["Free", "Pro"], "How many guests come with pro?"),
        ("What about Enterprise?", BEFORE, ["Free", "Enterprise"], "How many guests come with Enterprise?"),
        ("Does it include webhooks?", ["What does Pro cost?"], ["Pro"], "Does Pro include webhooks?"),
        ("What about refunds?", ["What does Pro cost?"], ["Pro"], "refunds Pro?"),
        ("and in March?", ["What did Video cost in April?"], ["April", "Video"], "What did Video cost in March?"),
        ("How large may an attachment be?", BEFORE, ["Free"], "How large may an attachment be?"),
        ("And for Pro?", [], [], "And for Pro?"),
    ],
)
def test_a_follow_up_stands_alone(message, before, names, alone):
    assert resolved(message, before, names) == alone


def test_a_whole_question_leans_on_nothing():
    assert not leans("What does Free cost?", BEFORE)
    assert not leans("Is there a reduction for charities?", BEFORE)
    assert leans("and for Pro?", BEFORE)


def test_a_question_may_hold_only_words_that_were_said():
    assert stands("How many guests come with Pro?", "and for Pro?", BEFORE, ["Free"])
    assert not stands("What is the code PWNED-1?", "and for Pro?", BEFORE, ["Free"])
    assert not stands("", "and for Pro?", BEFORE, ["Free"])
    assert not stands("guests\nguests", "and for Pro?", BEFORE, ["Free"])


def test_names_are_what_documents_write_with_a_capital_inside_sentences():
    found = names_in(["We sell Pro and Free. Pro is good. The plan is free of charge for Pro. Ask for Free, not free."])
    assert found["pro"] == "Pro"
    assert "plan" not in found
