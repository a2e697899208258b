"""The claim check against every sentence of the sample company's product documents, as they stand and falsified."""

import re

import pytest

from growthbench.content.brief import Brief
from growthbench.content.checks.claims import ClaimCheck
from growthbench.content.facts import _pooled
from growthbench.knowledge.verification import numbers_of

PLANS = ("Free", "Pro", "Enterprise")


@pytest.fixture(scope="module")
def pool(company):
    base, _ = company
    return [one for p in base.view("local").passages if p.collection == "product_docs" for one in _pooled(p)]


@pytest.fixture(scope="module")
def check(pool):
    return ClaimCheck(pool, Brief("email", "planning", company="Larkboard"))


def told(check, text):
    return bool(check.check({"body": text}).findings)


def sentences(pool):
    return [one.text for one in pool if one.text.endswith(".") and len(one.text.split()) > 3]


def test_whatever_a_document_says_word_for_word_is_carried(check, pool):
    assert len(sentences(pool)) > 100
    assert [text for text in sentences(pool) if told(check, text)] == []


def test_a_changed_number_is_found_always(check, pool, figure):
    held = set().union(*(numbers_of(one.text) for one in pool))
    false, missed = 0, []
    for text in sentences(pool):
        for match in re.finditer(r"(?<![\w.,])\d+(?![\w.,]*\d)", text):
            other = next(str(n) for n in range(int(match[0]) + 1, int(match[0]) + 999) if str(n) not in held)
            wrong = f"{text[: match.start()]}{other}{text[match.end() :]}"
            false += 1
            missed += [wrong] if not told(check, wrong) else []
    assert false > 50
    figure("changed_numbers_missed", len(missed), at_most=0)


def test_a_plan_put_in_the_place_of_another_is_found(check, pool, figure):
    said = " ".join(sentences(pool))
    false, missed = 0, []
    for text in sentences(pool):
        named = [plan for plan in PLANS if re.search(rf"\b{plan}\b", text)]
        for plan in PLANS if len(named) == 1 else ():
            wrong = re.sub(rf"\b{named[0]}\b", plan, text)
            if plan != named[0] and wrong not in said:
                false += 1
                missed += [wrong] if not told(check, wrong) else []
    assert false > 20
    figure("changed_plans_missed", len(missed), at_most=0)


def test_a_denial_that_was_added_or_taken_away_is_found(check, pool, figure):
    false, missed = 0, []
    for text in sentences(pool):
        wrong = re.sub(r" (?:not|cannot|never) ", " ", text, count=1) if re.search(r" (?:not|never) ", text) else None
        wrong = wrong or (re.sub(r" (is|are|can|may) ", r" \1 not ", text, count=1) if " not " not in text else text)
        if wrong != text:
            false += 1
            missed += [wrong] if not told(check, wrong) else []
    assert false > 50
    figure("changed_denials_missed", len(missed) / false, at_most=0.02)
