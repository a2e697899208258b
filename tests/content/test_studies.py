"""What a program is measured on: labelled questions, and what people made of drafts."""

import pytest

from growthbench.base.errors import NotReadyError, UnknownNameError
from growthbench.content import Brief, library, write
from growthbench.content.optimizing import optimize, split
from growthbench.content.pieces import DRAFT
from growthbench.content.studies import study_of
from growthbench.language import speaking
from tests.content.conftest import SAMPLE

TOPICS = ("the forecast", "refunds", "API limits", "import of cards", "security and sign-in")


@pytest.fixture(scope="module")
def edited(company):
    """Drafts of five topics; a person shortened every subject."""
    from growthbench.language.settings import LanguageSettings

    base, shelf = company
    for topic in TOPICS:
        piece = write(Brief("email", topic), base=base, tenant="local", shelf=shelf, settings=LanguageSettings())
        assert piece.status == DRAFT
        for asset in library.keep(base.store, "local", piece, "agent:writer"):
            library.edit(base.store, "local", asset.content_id, {"preheader": "Read the details."}, "ann")
    return base


def test_edited_drafts_make_a_study_whose_best_text_is_the_persons(edited):
    study = study_of("email", edited, tenant="local")
    assert len(study.examples) == 3 * len(TOPICS)
    example = study.examples[0]
    assert study.metric(example, example) == 1.0  # the accepted text itself
    with speaking(None, None):
        drafted = study.metric(example, study.build()(**example.inputs()))
    assert 0.5 < drafted < 1.0


def test_drafts_can_be_optimised_and_offline_nothing_is_gained(edited):
    study = study_of("email", edited, tenant="local")
    done = optimize(study, store=edited.store, tenant="local", budget="0.00")
    assert (done.accepted, done.cost, done.written_by) == (False, 0, "offline")
    assert done.demos > 0


def test_labelled_questions_make_a_study_of_answers(company):
    base, _ = company
    study = study_of("answers", base, tenant="local", questions=SAMPLE / "questions.jsonl", most=14)
    assert len(study.examples) == 14
    with speaking(None, None):
        program = study.build()
        scores = [study.metric(e, program(**e.inputs())) for e in study.examples]
    assert set(scores) <= {0.0, 1.0}
    assert sum(scores) >= 7


def test_what_is_not_there_is_said(company):
    base, _ = company
    with pytest.raises(NotReadyError, match="edit and approve more drafts"):
        split(study_of("blog", base, tenant="local").examples, 0)
    with pytest.raises(NotReadyError, match="labelled questions"):
        study_of("answers", base, tenant="local")
    with pytest.raises(UnknownNameError):
        study_of("poems", base, tenant="local")
