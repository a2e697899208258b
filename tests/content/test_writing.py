"""From a brief to a piece: true, on brand, three variants; and what a model makes up does not get through."""

import json

import pytest

from growthbench.base.errors import NotFoundError, NotReadyError
from growthbench.content import Brief, write
from growthbench.content.brief import KINDS, PLATFORMS
from growthbench.content.checks.likeness import likenesses
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.language import Transcript
from growthbench.language.settings import LanguageSettings
from tests.content.conftest import TODAY
from tests.language.loopback import asked, fields

ASKED = {
    "audience": "planning teams",
    "goal": "plan with dates that hold",
    "call_to_action": "Try the forecast",
    "link": "https://larkboard.example/forecast",
    "company": "Larkboard",
}
EVERY = [(kind, platform) for kind in KINDS for platform in PLATFORMS[kind] or ("",)]


@pytest.fixture
def compose(company, offline_settings):
    base, shelf = company

    def made(kind="email", topic="the forecast", settings=offline_settings, **more):
        options = {
            name: more.pop(name) for name in ("role", "seed", "transcript", "brand", "store", "run") if name in more
        }
        brief = Brief(kind, topic, **ASKED | more)
        return write(brief, base=base, tenant="local", settings=settings, shelf=shelf, today=TODAY, **options)

    return made


def verbatim(base, citation):
    return base.document("local", citation.document_id).text[citation.start : citation.end] == citation.quote


@pytest.mark.parametrize(("kind", "platform"), EVERY)
def test_every_kind_is_written_offline_and_passes_every_check(company, compose, kind, platform):
    piece = compose(kind, platform=platform)
    assert piece.status == "draft", [str(f) for v in piece.variants for f in v.findings] + [
        str(f) for f in piece.findings
    ]
    assert (piece.written_by, piece.cost) == ("offline", 0)
    assert [v.angle for v in piece.variants] == ["benefit", "proof", "question"]
    assert all(v.passed and not v.removed for v in piece.variants)
    assert all(verbatim(company[0], c) for c in piece.facts)
    assert all(verbatim(company[0], one.citation) for v in piece.variants for one in v.carried)


def test_variants_differ_in_what_they_say(compose):
    variants = compose().variants
    assert max(one.words for one in likenesses([v.text for v in variants])) < 0.45
    told = [{one.citation.quote for one in v.carried} for v in variants]
    assert all(mine - theirs for mine in told for theirs in told if mine is not theirs)


@pytest.mark.parametrize(
    "topic", ["what Pro costs", "refunds", "API limits", "security and sign-in", "sharing a board", "import of cards"]
)
def test_other_topics_are_written_from_their_own_documents(compose, topic):
    piece = compose("email", topic, goal="")
    assert piece.status == "draft", [str(f) for v in piece.variants for f in v.findings] + [
        str(f) for f in piece.findings
    ]
    assert all(v.carried for v in piece.variants)


def test_what_is_out_of_date_is_not_said(compose):
    piece = compose(
        "email", "what Pro costs", goal="", facts=("What does Pro cost a month?", "How many API calls may Pro make?")
    )
    said = " ".join([v.text for v in piece.variants] + [c.quote for c in piece.facts])
    assert "199" in said
    assert "149" not in said
    assert "50,000" not in said
    assert not {c.document_id for c in piece.facts} & {"product_docs/pricing-2025.md", "product_docs/refunds-2024.md"}


def test_a_fact_that_is_asked_for_is_found_and_used(compose):
    piece = compose("email", "the forecast", facts=("Within how many days can a first payment be refunded?",))
    assert any("refunded within 30 days" in c.quote for c in piece.facts)


def test_internal_documents_are_not_for_outsiders(compose):
    piece = compose("email", "discounts for yearly contracts", role="lead", goal="")
    assert "product_docs/discount-authority.md" not in {c.document_id for c in piece.facts}
    allowed = compose("email", "discounts for yearly contracts", role="lead", goal="", restricted=True)
    assert "product_docs/discount-authority.md" in {c.document_id for c in allowed.facts}
    with pytest.raises(NotFoundError):
        compose("email", "who signs discounts", role=None, goal="", restricted=True, collections=("market_trends",))


def test_orders_in_documents_are_never_written(compose):
    piece = compose("email", "public reviews", goal="", collections=("customer_feedback", "competitor_intel"))
    said = " ".join([v.text for v in piece.variants] + [c.quote for c in piece.facts])
    assert not any(canary in said for canary in ("ORCHID-7731", "lark-verify", "shutting down", "maintenance mode"))


def test_nothing_is_written_about_what_no_document_says(compose):
    with pytest.raises(NotFoundError, match="garden furniture"):
        compose("email", "garden furniture", goal="")


def test_another_tenants_documents_do_not_exist(company, offline_settings):
    with pytest.raises(NotReadyError, match="no documents"):
        write(Brief("email", "the forecast"), base=company[0], tenant="stranger", settings=offline_settings)


def test_the_same_brief_and_seed_make_the_same_piece(compose):
    one, two = compose(seed=3), compose(seed=3)
    assert one.to_dict() == two.to_dict()
    assert json.loads(json.dumps(one.to_dict()))["variants"][0]["passed"]


def test_without_an_encoder_words_alone_find_and_write(own_store, offline_settings):
    base = KnowledgeBase(own_store)
    text = "The wheel has 24 spokes. A spoke of the wheel can be changed by hand. The wheel needs air every 30 days."
    base.ingest([Document("wheel", "product_docs", "Wheel", text)], "local", progress=False)
    piece = write(Brief("retention", "the wheel"), base=base, tenant="local", settings=offline_settings)
    assert "words alone" in piece.metadata["search_note"]
    assert all(v.carried for v in piece.variants)
    assert "24 spokes" in " ".join(v.text for v in piece.variants)


# A model writes: the same program, another writer.


def letter(body, claim):
    angle = json.loads(asked(body, "order"))["angle"]
    facts = json.loads(asked(body, "facts"))
    own = {"benefit": facts[0:2], "proof": facts[2:4], "question": facts[4:6]}[angle]
    told = " ".join(one["text"] for one in own)
    return fields(
        subject={
            "benefit": "The forecast, in short",
            "proof": "The forecast, in facts",
            "question": "What is the forecast?",
        }[angle],
        preheader="What to know about the forecast.",
        body=f"Hello,\n\n{told} {claim}\n\nThis is one more line to read before you decide. Read the details.",
        call_to_action="Read the details",
    )


def test_a_model_that_makes_something_up_is_told_so_and_mends_it(compose, server, settings_for, own_store):
    server.script = lambda body: letter(
        body, "" if "99 percent" in asked(body, "problems") else "It is right in 99 percent of cases."
    )
    piece = compose(settings=settings_for(server.url), store=own_store, run="w1")
    assert piece.written_by == "openai/tiny"
    assert [v.revisions for v in piece.variants] == [1, 1, 1]
    assert not any("99 percent" in v.text or v.removed for v in piece.variants)
    assert piece.cost > 0


def test_what_a_stubborn_model_makes_up_is_cut_out_and_told(compose, server, settings_for, own_store):
    server.script = lambda body: letter(body, "It is right in 99 percent of cases.")
    piece = compose(settings=settings_for(server.url), store=own_store)
    assert not any("99 percent" in v.text for v in piece.variants)
    assert all("99 percent" in v.removed[0] for v in piece.variants)


def test_a_model_that_will_not_mend_its_voice_leaves_a_piece_for_a_person(compose, server, settings_for, own_store):
    count = iter(range(100))
    server.script = lambda body: letter(body, "").replace("Hello,", "Hello" + "!" * (next(count) + 1))
    piece = compose(settings=settings_for(server.url), store=own_store)
    assert piece.status == "needs_review"
    assert all(v.revisions == 2 for v in piece.variants)
    assert {f.rule for v in piece.variants for f in v.findings if f.severity == "error"} == {"exclamation"}


def test_a_model_that_says_the_same_three_times_leaves_a_piece_for_a_person(compose, server, settings_for, own_store):
    def same(body):
        facts = json.loads(asked(body, "facts"))
        told = " ".join(one["text"] for one in facts[:3])
        text = f"Hello,\n\n{told}\n\nRead the details."
        return fields(
            subject="The forecast", preheader="What to know about it.", body=text, call_to_action="Read the details"
        )

    server.script = same
    piece = compose(settings=settings_for(server.url), store=own_store)
    assert piece.status == "needs_review"
    assert {f.rule for f in piece.findings} == {"too_alike"}


def test_a_recorded_conversation_writes_the_same_piece_without_a_model(
    compose, server, settings_for, own_store, tmp_path
):
    server.script = lambda body: letter(body, "")
    file = tmp_path / "transcript.json"
    recorded = compose(settings=settings_for(server.url), store=own_store, transcript=Transcript(file, recording=True))
    asked_before = len(server.requests)
    replayed = compose(settings=LanguageSettings(), transcript=Transcript(file))
    assert [v.to_dict() for v in replayed.variants] == [v.to_dict() for v in recorded.variants]
    assert (replayed.written_by, replayed.cost, len(server.requests)) == ("openai/tiny", 0, asked_before)
