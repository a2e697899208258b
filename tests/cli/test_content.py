"""write, content and optimize as a person and a machine call them."""

import json

import pytest

from growthbench.base.settings import Settings
from growthbench.cli.app import main
from growthbench.knowledge.base import KnowledgeBase
from growthbench.knowledge.documents import Document
from growthbench.language import providers
from growthbench.runs.reading import find_run
from growthbench.store.engine import open_store
from tests.language.loopback import Loopback, asked, dead_url, fields

WHEEL = (
    "# Wheel\n\nThe wheel has 24 spokes. A spoke of the wheel can be changed by hand. "
    "The wheel needs air every 30 days.\n\n"
    "The wheel cannot be folded. The wheel shows its pressure on a small screen. The wheel is not sold without a tyre."
)


@pytest.fixture
def small_home(monkeypatch):
    """A home with one document and no encoder to load."""
    monkeypatch.setattr("growthbench.workbench.ask.encoder_of", lambda home: None)
    settings = Settings.read()
    with open_store(settings.database_url) as store:
        KnowledgeBase(store).ingest(
            [Document("wheel", "product_docs", "Wheel", WHEEL)], settings.tenant, progress=False
        )
    return settings


def called(capsys, *argv):
    code = main([str(a) for a in argv])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_a_machine_gets_one_object_and_the_library_holds_it(capsys, small_home):
    code, out, _ = called(capsys, "write", "email", "--topic", "the wheel", "--link", "https://a.example", "--json")
    assert code == 0
    told = json.loads(out.splitlines()[-1])
    assert (told["kind"], told["status"], told["written_by"], told["cost_usd"]) == ("email", "draft", "offline", "0.00")
    assert [v["angle"] for v in told["variants"]] == ["benefit", "proof", "question"]
    content_id = told["metadata"]["content_ids"][0]
    code, out, _ = called(capsys, "content", "list", "--json")
    assert {a["content_id"] for a in json.loads(out)} == set(told["metadata"]["content_ids"])
    code, out, _ = called(capsys, "content", "approve", content_id, "--reason", "good")
    assert "is approved" in out
    code, out, _ = called(capsys, "content", "show", content_id, "--json")
    shown = json.loads(out)
    assert [one["status"] for one in shown["decisions"]] == ["draft", "approved"]
    assert shown["parts"] == told["variants"][0]["parts"]


def test_a_person_reads_text_and_nothing_is_kept_if_not_wanted(capsys, small_home):
    code, out, _ = called(capsys, "write", "social", "--topic", "the wheel", "--platform", "x", "--no-keep")
    assert code == 0
    assert "[1] benefit, passed" in out
    assert "rests on: Wheel (wheel)" in out
    code, out, _ = called(capsys, "content", "list")
    assert out.strip() == "nothing is in the library yet"


def test_optimising_offline_spends_nothing_is_refused_and_leaves_its_scores(capsys, small_home, tmp_path):
    passages = [line for line in WHEEL.replace("\n\n", " ").split(". ") if "wheel" in line.lower()]
    rows = [
        {
            "id": f"q{i}",
            "kind": "answerable",
            "question": f"{i}: {text}?",
            "page": "wheel",
            "passage": text.split("# Wheel ")[-1],
        }
        for i, text in enumerate(passages * 3)
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    code, out, _ = called(capsys, "optimize", "answers", "--budget", "0.00", "--questions", file, "--json")
    assert code == 0
    told = json.loads(out.splitlines()[-1])
    assert (told["accepted"], told["cost_usd"], told["written_by"]) == (False, "0.00", "offline")
    run = find_run(small_home, "prompt_answers@latest")
    assert run.params["run"] == told["run"]
    assert len(run.evaluation) == told["comparison"]["examples"]
    code, out, _ = called(capsys, "content", "prompts", "answers")
    assert "nothing was accepted yet" in out
    code, out, _ = called(capsys, "content", "prompts", "answers", "--compare", "0", "0", "--questions", file)
    assert "no difference shown" in out


def written(body):
    facts = [one["text"] for one in json.loads(asked(body, "facts"))]
    angle = json.loads(asked(body, "order"))["angle"]
    some = {"benefit": facts[:2], "proof": facts[2:4], "question": facts[4:6]}[angle]
    text = f"Hello,\n\n{' '.join(some)}\n\nRead the details. Reply to this e-mail if you have a question."
    return fields(
        subject="About the wheel", preheader="What to know about it", body=text, call_to_action="Read the details"
    )


def test_with_a_model_named_the_same_command_asks_it(capsys, small_home, monkeypatch):
    providers.forget_breakers()
    monkeypatch.setenv("GROWTHBENCH_LM", "openai/tiny")
    with Loopback(script=written) as server:
        monkeypatch.setenv("GROWTHBENCH_LM_BASE_URL", server.url)
        code, out, _ = called(capsys, "write", "email", "--topic", "the wheel", "--json")
    told = json.loads(out.splitlines()[-1])
    assert (code, told["written_by"], len(server.requests)) == (0, "openai/tiny", 3)
    assert "24 spokes" in json.dumps(told["variants"])


def test_a_model_that_is_away_is_one_line_and_nothing_is_kept(capsys, small_home, monkeypatch):
    providers.forget_breakers()
    monkeypatch.setenv("GROWTHBENCH_LM", "openai/tiny")
    monkeypatch.setenv("GROWTHBENCH_LM_BASE_URL", dead_url())
    code, out, err = called(capsys, "write", "email", "--topic", "the wheel")
    assert (code, out) == (2, "")
    assert "no language model answers" in err
    monkeypatch.setenv("GROWTHBENCH_LM", "openai/tiny,offline")
    code, out, _ = called(capsys, "write", "email", "--topic", "the wheel", "--no-keep")
    assert (code, "written by offline" in out) == (0, True)
    assert called(capsys, "content", "list")[1].strip() == "nothing is in the library yet"
    providers.forget_breakers()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("write", "poem", "--topic", "x"), "unknown kind of content 'poem'"),
        (("write", "email", "--topic", "garden furniture"), "no document that may be quoted"),
        (("write", "email"), "--topic"),
        (("write", "email", "--topic", "the wheel", "--link", "http://a"), "https://"),
        (("content", "show", "cnt_none"), "there is no content 'cnt_none'"),
        (("optimize", "email", "--budget", "2.00"), "12 are needed"),
        (("optimize", "poems", "--budget", "2.00"), "unknown program 'poems'"),
        (("optimize", "answers", "--budget", "much"), "budget must be a number"),
        (("content", "prompts", "email", "--serve", "3"), "no version 3 of the prompt of email"),
        (("content", "prompts", "poems"), "unknown program 'poems'"),
    ],
)
def test_mistakes_end_in_one_line(capsys, small_home, argv, said):
    code, out, err = called(capsys, *argv)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) <= 2
