"""Versions that never change, decisions that are added, tenants that never meet, no personal data."""

import pytest
import sqlalchemy as sa

from growthbench.base.errors import BadInputError, ConflictError, NotFoundError, UnknownNameError
from growthbench.content import library
from growthbench.content.brief import Brief
from growthbench.content.examples import training_examples
from growthbench.content.findings import Finding
from growthbench.content.pieces import Piece, Variant
from growthbench.knowledge.citations import Citation
from growthbench.store.content_tables import content_library

FACT = Citation("d", "d#1", "Prices", "Pro costs EUR 199.", 0, 18, "2026-09-01")


def piece(status="draft", findings=(), kind="email"):
    parts = {
        "subject": "Prices",
        "preheader": "In short",
        "body": "Pro costs EUR 199. Ask ann@example.com.",
        "call_to_action": "Read",
    }
    variants = tuple(Variant(angle, parts, findings=tuple(findings)) for angle in ("benefit", "proof", "question"))
    return Piece(Brief(kind, "prices"), variants, status, (FACT,), (), "offline", 0, {"seed": 1})


@pytest.fixture
def kept(store):
    return library.keep(store, "t", piece(), "ann")


def test_a_piece_is_kept_as_one_asset_a_variant(store, kept):
    assert [a.variant_of for a in kept] == [None, kept[0].content_id, kept[0].content_id]
    found = library.list_content(store, "t")
    assert {a.content_id for a in found} == {a.content_id for a in kept}
    one = library.get(store, "t", kept[0].content_id)
    assert one == kept[0]
    assert (one.version, one.status, one.brand_check, one.created_by) == (1, "draft", "passed", "ann")
    assert one.metadata["sources"][0]["quote"] == "Pro costs EUR 199."


def test_personal_data_is_not_kept(store, kept):
    with store.reading() as connection:
        rows = connection.execute(sa.select(content_library)).all()
    assert rows
    assert not any("ann@example.com" in str(value) for row in rows for value in row)
    assert "[email removed]" in kept[0].body


@pytest.mark.parametrize("version", [0, -1, 2, 2**63, 10**30])
def test_a_version_that_is_not_there_is_not_found(store, kept, version):
    for act in (library.get, lambda *of, version: library.approve(*of, by="ann", version=version)):
        with pytest.raises(NotFoundError, match=f"in version {version}"):
            act(store, "t", kept[0].content_id, version=version)


def test_an_edit_is_a_new_version_and_the_old_one_stays(store, kept):
    new = library.edit(store, "t", kept[0].content_id, {"subject": "What Pro costs"}, "ben")
    assert (new.version, new.status, new.title, new.created_by) == (2, "draft", "What Pro costs", "ben")
    assert new.brand_check == "not checked"
    assert library.get(store, "t", new.content_id) == new
    assert library.get(store, "t", new.content_id, version=1) == kept[0]
    assert [a.version for a in library.versions_of(store, "t", new.content_id)] == [2, 1]
    assert [a.version for a in library.list_content(store, "t") if a.content_id == new.content_id] == [2]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "changes nothing"),
        ({"subject": "Prices"}, "changes nothing"),
        ({"headline": "x"}, "no part 'headline'"),
        ({"subject": ["x"]}, "subject must be a text"),
        ({"subject": 3}, "subject must be a text"),
    ],
)
def test_edits_that_make_no_sense_are_refused(store, kept, parts, said):
    with pytest.raises(BadInputError, match=said):
        library.edit(store, "t", kept[0].content_id, parts, "ben")
    assert len(library.versions_of(store, "t", kept[0].content_id)) == 1


def test_decisions_are_added_and_the_last_one_holds(store, kept):
    content_id = kept[0].content_id
    assert library.approve(store, "t", content_id, "ben", "good").status == "approved"
    with pytest.raises(ConflictError, match="approved already"):
        library.approve(store, "t", content_id, "ben")
    assert library.refuse(store, "t", content_id, "cy", "call 030 1234567").status == "refused"
    told = library.decisions_of(store, "t", content_id)
    assert [one["status"] for one in told] == ["draft", "approved", "refused"]
    assert told[2]["reason"] == "call [phone removed]"


def test_an_edit_of_an_approved_text_is_not_approved(store, kept):
    library.approve(store, "t", kept[0].content_id, "ben")
    library.edit(store, "t", kept[0].content_id, {"subject": "Other"}, "ben")
    assert library.get(store, "t", kept[0].content_id).status == "draft"
    assert library.get(store, "t", kept[0].content_id, 1).status == "approved"


def test_what_did_not_pass_is_kept_for_review_and_found_by_status(store, kept):
    bad = Finding("brand", "forbidden_word", "says 'x'", "do not")
    made = library.keep(store, "t", piece("needs_review", [bad]), "agent:writer")
    assert {a.status for a in made} == {"needs_review"}
    assert {a.brand_check for a in made} == {"failed"}
    assert {a.content_id for a in library.list_content(store, "t", status="needs_review")} == {
        a.content_id for a in made
    }
    assert library.list_content(store, "t", kind="blog") == []
    assert len(library.list_content(store, "t", limit=2)) == 2


def test_another_tenant_sees_and_changes_nothing(store, kept):
    content_id = kept[0].content_id
    assert library.list_content(store, "other") == []
    for call in (
        lambda: library.get(store, "other", content_id),
        lambda: library.versions_of(store, "other", content_id),
        lambda: library.approve(store, "other", content_id, "eve"),
        lambda: library.edit(store, "other", content_id, {"subject": "x"}, "eve"),
        lambda: library.rate(store, "other", content_id, 1.0),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert library.decisions_of(store, "other", content_id) == []


def test_performance_is_noted_in_hundredths(store, kept):
    assert library.rate(store, "t", kept[0].content_id, 3.14).performance_score == 3.14
    assert library.get(store, "t", kept[0].content_id).performance_score == 3.14
    with pytest.raises(BadInputError, match=r"0 to 9\.99"):
        library.rate(store, "t", kept[0].content_id, 10)


def test_unknown_names_and_nobody_are_refused(store, kept):
    with pytest.raises(UnknownNameError):
        library.list_content(store, "t", status="published")
    with pytest.raises(UnknownNameError):
        library.list_content(store, "t", kind="poem")
    with pytest.raises(BadInputError, match="say who"):
        library.approve(store, "t", kept[0].content_id, " ")


def test_what_people_edit_or_approve_becomes_an_example(store, kept):
    assert training_examples(store, "t", "email") == []
    library.edit(store, "t", kept[0].content_id, {"subject": "What Pro costs"}, "ben")
    library.approve(store, "t", kept[1].content_id, "ben")
    library.edit(store, "t", kept[2].content_id, {"subject": "Bad"}, "ben")
    library.refuse(store, "t", kept[2].content_id, "ben")
    found = {e.key.split("/")[0]: e for e in training_examples(store, "t", "email")}
    assert set(found) == {kept[0].content_id, kept[1].content_id}
    edited = found[kept[0].content_id]
    assert (edited.accepted["subject"], edited.drafted["subject"]) == ("What Pro costs", "Prices")
    assert (edited.angle, edited.seed, edited.brief.topic) == ("benefit", 1, "prices")
    assert found[kept[1].content_id].drafted is None
    assert training_examples(store, "other", "email") == []
