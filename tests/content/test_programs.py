"""The same programs on three engines: offline, a scripted model over HTTP, and a recorded conversation."""

import inspect
from importlib import import_module
from pathlib import Path

import dspy
import pytest
from pydantic import BaseModel

import growthbench
from growthbench.content.angles import ANGLES
from growthbench.content.brief import KINDS, PLATFORMS
from growthbench.content.chat.follow_up import FollowUps, ResolveFollowUp
from growthbench.content.chat.wording import NumberedClaim, ReplyWriter, WriteChatReply
from growthbench.content.programs import SIGNATURES, Drafter, FactText, Order
from growthbench.knowledge.answer_program import AnswerQuestion, QuestionAnswerer, SourceText
from growthbench.language import Transcript, offline, speaking
from growthbench.language.settings import LanguageSettings
from tests.language.loopback import fields

FACTS = [
    FactText(number=i, text=text, heading="Wheel")
    for i, text in enumerate(
        ("The wheel has 24 spokes.", "A spoke can be changed by hand.", "The wheel needs air every 30 days.",
         "A wheel cannot be folded.", "The wheel shows its pressure.", "It is not sold without a tyre."), 1
    )
]  # fmt: skip
SOURCE = SourceText(
    number=1, title="Wheel", match=0.9, text=FACTS[0].text, nearest=FACTS[0].text, excerpt=FACTS[0].text
)


SOURCE_TREE = Path(growthbench.__file__).parent


def name_of(path):
    return "growthbench." + ".".join(path.relative_to(SOURCE_TREE).with_suffix("").parts)


def drafting(kind):
    order = Order(
        kind=kind, platform=(PLATFORMS[kind] or ("",))[0], topic="the wheel", angle="proof", angle_means=ANGLES["proof"]
    )
    return lambda: Drafter(kind)(order=order, facts=FACTS, rules=["plain words"], problems=[])


PROGRAMS = {
    "answers": (
        AnswerQuestion,
        lambda: QuestionAnswerer(lambda _: [SOURCE])(question="How many spokes has the wheel?"),
    ),
    "chat_reply": (
        WriteChatReply,
        lambda: ReplyWriter()(message="Hi!", recent=[], claims=[NumberedClaim(number=1, text=FACTS[0].text)]),
    ),
    "chat_follow_up": (
        ResolveFollowUp,
        lambda: FollowUps()(message="And the tyre?", before=["What does the wheel cost?"], names=["wheel"]),
    ),
    **{kind: (SIGNATURES[kind], drafting(kind)) for kind in KINDS},
}


def plain(value):
    if isinstance(value, BaseModel):
        return value.model_dump()
    return [plain(one) for one in value] if isinstance(value, list) else value


def outputs(signature, prediction):
    return {name: plain(getattr(prediction, name)) for name in signature.output_fields if name in prediction}


def written_offline(name):
    signature, ask = PROGRAMS[name]
    with speaking(LanguageSettings(), None) as speech:
        found = outputs(signature, ask())
    assert speech.offline
    return found


def test_every_program_of_the_project_is_here():
    sources = (p for p in SOURCE_TREE.rglob("*.py") if "(dspy.Signature)" in p.read_text(encoding="utf-8"))
    here = [
        signature
        for path in sources
        for _, signature in inspect.getmembers(import_module(name_of(path)), inspect.isclass)
        if issubclass(signature, dspy.Signature) and signature is not dspy.Signature
    ]
    assert {s.__name__ for s in here} == {signature.__name__ for signature, _ in PROGRAMS.values()}
    assert {s.__name__ for s in here} <= set(offline.writers())


@pytest.mark.parametrize("name", PROGRAMS)
def test_offline_every_output_is_there_and_says_only_what_was_given(name):
    found = written_offline(name)
    assert set(found) == set(PROGRAMS[name][0].output_fields)
    assert all(found.values())
    assert found == written_offline(name)
    numbers = (
        set() if name.startswith("chat") else {word for word in str(found).replace(".", " ").split() if word.isdigit()}
    )
    assert numbers <= {"24", "30", "1"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_scripted_model_and_its_recording_are_read_the_same_way(name, server, settings_for, own_store, tmp_path):
    signature, ask = PROGRAMS[name]
    wanted = written_offline(name)
    server.script = lambda body: fields(**wanted)
    file = tmp_path / "transcript.json"
    with speaking(settings_for(server.url), own_store, transcript=Transcript(file, recording=True)) as speech:
        assert outputs(signature, ask()) == wanted
    assert (speech.written_by, len(speech.calls), len(server.requests)) == ("openai/tiny", 1, 1)
    assert speech.calls[0].program == signature.__name__
    with speaking(LanguageSettings(), None, transcript=Transcript(file)) as replayed:
        assert outputs(signature, ask()) == wanted
    assert (replayed.cost, len(server.requests)) == (0, 1)
