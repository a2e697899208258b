"""What is carried passes, what is not is named with its place; numbers, names, plans, units, denial, superlatives."""

import pytest

from growthbench.content.brief import Brief
from growthbench.content.checks.claims import ClaimCheck
from growthbench.content.facts import Pooled
from growthbench.knowledge.citations import Citation

TEXTS = [
    ("Price list", "The Pro plan costs EUR 199 a month."),
    ("Price list", "The Enterprise plan starts at EUR 990 a month, with a yearly contract."),
    ("Price list", "Pro can be paid by card or by SEPA direct debit."),
    ("Automation rules > How many", "Free has one rule per workspace, Pro 250; Enterprise is not limited."),
    ("Forecast", "A board needs at least 30 finished cards before a forecast is shown."),
    ("Forecast", "The forecast is part of Pro and Enterprise."),
    ("Refunds", "The first payment for Pro can be refunded within 30 days, without giving a reason."),
    ("Refunds", "Enterprise contracts follow their own terms and are not refunded."),
    ("Plans", "Free is for teams of up to five people."),
    ("Plans", "Enterprise adds an audit log and a contract with guaranteed availability."),
    ("Import", "Cards can be imported from CSV and from an export of Brightplan."),
]


@pytest.fixture(scope="module")
def check():
    pool = [
        Pooled(text, head, head, Citation(f"d{i}", f"d{i}#1", head, text, 0, len(text)))
        for i, (head, text) in enumerate(TEXTS)
    ]
    brief = Brief(
        "email", "the forecast", audience="planning teams", goal="plan with dates that hold", company="Larkboard"
    )
    return ClaimCheck(pool, brief)


@pytest.mark.parametrize(
    "said",
    [
        "The Pro plan costs EUR 199 a month.",
        "Pro costs EUR 199 a month.",
        "You can pay Pro by card or by SEPA direct debit.",
        "Pro costs EUR 199 a month, and the first payment for Pro can be refunded within 30 days.",
        "A forecast needs at least 30 finished cards on the board.",
        "Enterprise contracts are not refunded.",
        "Import your cards from CSV, which is possible from an export of Brightplan.",
    ],
)
def test_what_a_document_says_is_carried(check, said):
    assert check.is_claim(said)
    assert check.check({"body": said}).findings == []
    assert check.check({"body": said}).carried


@pytest.mark.parametrize(
    "said",
    [
        "Pro costs EUR 149 a month.",  # another number
        "Enterprise costs EUR 199 a month.",  # the number of another plan
        "The Enterprise plan starts at EUR 199 a month.",
        "Pro has one rule per workspace.",  # of a sentence about three plans
        "A board needs at least 30 finished boards.",  # counts something else
        "The first payment for Pro can be refunded within 30 months.",
        "Enterprise contracts are refunded.",  # denies what is said
        "Pro is the cheapest plan.",  # superlative
        "The forecast is free.",  # price
        "The forecast is part of every plan.",  # scope
        "Pro comes with guaranteed availability.",  # of another plan
        "Pro connects to Salesforce.",  # a name that nobody named
        "The forecast predicts revenue.",
        "Did you know that Pro is free?",
        "Larkboard is the best planning tool!",
        "Try the forecast, which predicts your revenue.",
        "Start free today.",
        "Trusted by 5,000 teams.",
        "Our customers save two hours a day.",
        "The Pro plan costs EUR 199 a month, and Larkboard answers every call within 5 minutes.",
    ],
)
def test_what_no_document_says_is_found(check, said):
    found = check.check({"body": f"Hello,\n\n{said}"}).findings
    assert [f.rule for f in found] == ["unsupported"], said
    assert f"Hello,\n\n{said}"[found[0].start : found[0].end] == said


@pytest.mark.parametrize(
    "said",
    [
        "Hello,",
        "Hi there,",
        "How do you plan with dates that hold?",
        "You want to plan with dates that hold.",
        "Read the details.",
        "Reply to this e-mail if you have a question.",
        "Before you decide, this is worth knowing.",
        "Kind regards",
    ],
)
def test_talk_with_the_reader_is_no_claim(check, said):
    assert not check.is_claim(said)


@pytest.mark.parametrize("said", ["Plan with dates that hold", "The forecast, in facts", "The forecast | Larkboard"])
def test_titles_of_the_briefs_own_words_are_no_claims(check, said):
    assert check.check({"subject": said}).findings == []


@pytest.mark.parametrize(
    "said", ["The forecast is free", "The best forecast", "Forecasts in 3 minutes", "Free forecast"]
)
def test_titles_that_assert_are_claims(check, said):
    assert check.check({"subject": said}).findings


def test_headings_of_documents_assert_nothing_and_markdown_is_looked_through(check):
    body = "## Price list\n\nThe **Pro** plan costs EUR 199 a month.\n\n[Read the details](https://a.example/30)"
    assert check.check({"body": body}).findings == []


def test_every_carried_sentence_names_the_exact_characters(check):
    (one,) = check.check({"body": "Pro costs EUR 199 a month."}).carried
    assert one.citation.quote == "The Pro plan costs EUR 199 a month."
    assert one.citation.quote in [text for _, text in TEXTS]


def test_hashtags_are_of_the_briefs_and_the_documents_own_words(check):
    assert check.check({"hashtags": ["#Forecast", "#PlanningTeams", "#Larkboard"]}).findings == []
    assert len(check.check({"hashtags": ["#Forecast", "#OrchidCode"]}).findings) == 1


def test_an_invitation_may_not_carry_a_message_of_its_own(check):
    assert not check.is_claim("Try the forecast with your team.")
    assert check.is_claim("Visit the orchid garden warehouse.")
