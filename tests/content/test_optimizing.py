"""A compiled prompt speaks only where held-out examples show that it is better, and the budget holds."""

import json
import subprocess
import sys
import time
from pathlib import Path

import dspy
import pytest

from growthbench.base.errors import NotReadyError
from growthbench.content.comparing import compare, compare_prompts, comparison_record
from growthbench.content.optimizing import ProjectedCostError, optimize, project, split
from growthbench.content.studies import Study, answer_metric
from growthbench.knowledge.answer_program import QuestionAnswerer, SourceText
from growthbench.language import prompts, spending
from growthbench.language.settings import LanguageSettings
from growthbench.ledger.limits import BudgetError
from growthbench.store.engine import open_store
from tests.language.loopback import asked, fields

COUNT = 16
ROOT = Path(__file__).parents[2]
BEGINS = """
import sys
from growthbench.content.optimizing import optimize
from growthbench.language.settings import LanguageSettings
from growthbench.store.engine import open_store
from tests.content.test_optimizing import make_study
settings = LanguageSettings(("openai/tiny",), sys.argv[2], {"openai": "secret"}, (1_000_000, 2_000_000))
with open_store(sys.argv[1]) as store:
    optimize(make_study(), store=store, tenant="t", budget="2.00", settings=settings, run="killed", seed=1)
"""


def source(i):
    told = f"Part {i} is painted in colour number {700 + i}."
    return SourceText(number=1, title="Colours", match=0.9, text=f"{told} It dries fast.", nearest=told, excerpt=told)


@pytest.fixture
def study():
    return make_study()


def make_study():
    """Questions about painted parts; ``build`` makes the real answering program over fixed sources."""
    asked_of = {f"Which colour has part {i}?": [source(i)] for i in range(COUNT)}
    examples = [
        dspy.Example(key=f"q{i:02d}", question=q, golds=[asked_of[q][0].nearest]).with_inputs("question")
        for i, q in enumerate(asked_of)
    ]
    return Study("answers", lambda: QuestionAnswerer(asked_of.__getitem__), examples, answer_metric, 1.0, "reasoning")


def number_asked(body):
    return int(asked(body, "question").split("part ")[1].rstrip("?"))


def reply(i, right):
    quote = source(i).nearest if right else f"Part {i} is blue."
    return fields(claims=[{"text": quote, "source": 1, "quote": quote}])


def knows_every_third(body):
    """Answers every third question alone, and all of them when a right demonstration is in the prompt."""
    i = number_asked(body)
    shown = [m["content"] for m in body["messages"][:-1] if m["role"] == "assistant"]
    demonstrated = any("painted in colour number" in text for text in shown)
    return reply(i, i % 3 == 0 or demonstrated)


def confused_by_demonstrations(body):
    shown = [m for m in body["messages"][:-1] if m["role"] == "assistant"]
    return reply(number_asked(body), not shown)


def test_demonstrations_that_help_are_accepted_and_speak(study, store, server, settings_for):
    server.script = knows_every_third
    done = optimize(study, store=store, tenant="t", budget="2.00", settings=settings_for(server.url), seed=1)
    assert done.accepted, done.why
    assert done.version == 1
    assert done.comparison.difference.lo > 0
    assert done.comparison.a.mean() < 0.6 < done.comparison.b.mean() == 1.0
    speaks = prompts.served(store, "t", "answers")
    assert speaks.version == 1
    assert speaks.evidence["comparison"]["verdict"] == "better"
    assert speaks.evidence["written_by"] == "openai/tiny"
    assert done.cost == spending(store, "t", run=done.run).cost > 0


def test_the_served_prompt_makes_the_program_right(study, own_store, server, settings_for):
    """What was accepted is kept whole: loaded anew, it has the demonstrations that made the difference."""
    server.script = knows_every_third
    settings = settings_for(server.url)
    optimize(study, store=own_store, tenant="t", budget="2.00", settings=settings, seed=1)
    state = prompts.served(own_store, "t", "answers").state
    assert "painted in colour number" in json.dumps(json.loads(state)["answer"]["demos"])
    again = compare_prompts(
        study, None, state, store=own_store, tenant="t", settings=settings, names=("as written", "v1")
    )
    assert again.better
    assert again.b.mean() == 1.0


def test_demonstrations_that_hurt_are_refused(study, own_store, server, settings_for):
    server.script = confused_by_demonstrations
    done = optimize(study, store=own_store, tenant="t", budget="2.00", settings=settings_for(server.url), seed=1)
    assert not done.accepted
    assert done.demos > 0
    assert done.comparison.difference.hi < 0
    assert "refused" in done.why
    assert prompts.served(own_store, "t", "answers") is None
    assert prompts.prompts_of(own_store, "t", "answers") == []


def test_demonstrations_that_change_nothing_are_refused(study, own_store, server, settings_for):
    server.script = lambda body: reply(number_asked(body), number_asked(body) % 2 == 0)
    done = optimize(study, store=own_store, tenant="t", budget="2.00", settings=settings_for(server.url), seed=1)
    assert not done.accepted
    assert done.comparison.difference.value == 0


def test_what_would_cost_too_much_is_not_begun(study, own_store, server, settings_for):
    with pytest.raises(ProjectedCostError, match=r"budget is 0\.001"):
        optimize(study, store=own_store, tenant="t", budget="0.001", settings=settings_for(server.url))
    assert server.requests == []


def test_a_forced_run_stops_at_its_budget_and_accepts_nothing(study, own_store, server, settings_for):
    server.script = knows_every_third
    with pytest.raises(BudgetError):
        optimize(
            study, store=own_store, tenant="t", budget="0.02", settings=settings_for(server.url), force=True, run="r"
        )
    assert 0 < spending(own_store, "t", run="r").cost <= 20_000
    assert prompts.prompts_of(own_store, "t", "answers") == []


def test_a_run_begun_again_does_not_pay_twice_for_what_was_answered(study, own_store, server, settings_for):
    server.script = knows_every_third
    settings = settings_for(server.url)
    with pytest.raises(BudgetError):
        optimize(study, store=own_store, tenant="t", budget="0.02", settings=settings, force=True, run="r", seed=1)
    before = len(server.requests)
    done = optimize(study, store=own_store, tenant="t", budget="2.00", settings=settings, run="r", seed=1)
    assert done.accepted
    texts = [json.dumps(one["messages"]) for one in server.requests]
    assert len(set(texts)) == len(texts) > before


def test_a_killed_run_has_spent_within_its_budget_and_goes_on_where_it_was(study, tmp_path, server, settings_for):
    server.script = knows_every_third
    url = f"sqlite:///{tmp_path / 'killed.db'}"
    process = subprocess.Popen([sys.executable, "-c", BEGINS, url, server.url], cwd=ROOT)
    try:
        until = time.monotonic() + 120
        while len(server.requests) < 9 and time.monotonic() < until and process.poll() is None:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert len(server.requests) >= 9
    with open_store(url) as opened:
        assert prompts.prompts_of(opened, "t", "answers") == []
        done = optimize(
            study, store=opened, tenant="t", budget="2.00", settings=settings_for(server.url), run="killed", seed=1
        )
        assert done.accepted
        texts = [json.dumps(one["messages"]) for one in server.requests]
        assert len(texts) - len(set(texts)) <= 1  # the one that was under way
        assert 0 < spending(opened, "t", run="killed").cost <= 2_000_000


def test_the_projection_is_above_what_was_spent_and_not_far(study, own_store, server, settings_for):
    server.script = knows_every_third
    done = optimize(study, store=own_store, tenant="t", budget="2.00", settings=settings_for(server.url), seed=1)
    assert done.cost <= done.projected <= 6 * done.cost


def test_offline_nothing_is_spent_and_nothing_gained(study, own_store):
    done = optimize(study, store=own_store, tenant="t", budget="0.00", settings=LanguageSettings())
    assert (done.projected, done.cost, done.written_by) == (0, 0, "offline")
    assert not done.accepted


def test_unreadable_replies_are_failures_of_their_example_only(study, own_store, server, settings_for):
    server.script = lambda body: "no fields at all" if number_asked(body) % 5 == 0 else knows_every_third(body)
    done = optimize(study, store=own_store, tenant="t", budget="2.00", settings=settings_for(server.url), seed=1)
    assert 0 < done.comparison.b.mean() < 1


def test_too_few_examples_are_refused(study):
    with pytest.raises(NotReadyError, match="there are 11 examples, 12 are needed"):
        split(study.examples[:11], 0)


def test_a_split_is_seeded_whole_and_without_overlap(study):
    train, held_out = split(study.examples, 3)
    keys = [e.key for e in train], [e.key for e in held_out]
    assert set(keys[0]) & set(keys[1]) == set()
    assert len(keys[0]) + len(keys[1]) == COUNT
    assert [e.key for e in split(study.examples, 3)[0]] == keys[0] != [e.key for e in split(study.examples, 4)[0]]


def test_a_projection_needs_no_server(study):
    settings = LanguageSettings(("openai/gpt-5-mini",), keys={"openai": "k"})
    assert project(study, study.examples[:8], study.examples[8:], settings, 4) > 0


def test_a_comparison_is_a_record_that_can_be_reviewed(tmp_path):
    import pandas as pd

    found = compare(
        "answers", "answers@0", "answers@1", [f"q{i}" for i in range(20)], [0.0] * 10 + [1.0] * 10, [1.0] * 20
    )
    record = comparison_record(found, tmp_path, data="sample", params={"seed": 0}, state="{}")
    rows = pd.read_parquet(record.evaluation)
    assert list(rows["key"]) == list(found.keys)
    assert record.metrics["gain_score"] == 0.5
    assert 0 < record.metrics["gain_score_lo"] < 0.5 < record.metrics["gain_score_hi"]
    assert "better" in record.card


def test_equal_scores_show_no_difference():
    found = compare("answers", "a", "b", ["x", "y", "z"], [0, 1, 1], [0, 1, 1])
    assert found.verdict == "no difference shown"


def test_an_accepted_prompt_of_answers_speaks_when_a_question_is_asked(own_store, server, settings_for):
    """What was accepted is in the prompt of `knowledge.answers.answer`, and gone again after a rollback."""
    from growthbench.knowledge.answers import answer
    from growthbench.knowledge.base import KnowledgeBase
    from growthbench.knowledge.documents import Document

    base = KnowledgeBase(own_store)
    text = "The wheel has 24 spokes. A spoke of the wheel can be changed by hand."
    base.ingest([Document("wheel", "product_docs", "Wheel", text)], "t", progress=False)
    demo = dspy.Example(question="Which colour has part 1?", sources=[source(1)], claims=[], augmented=True)
    program = QuestionAnswerer(lambda _: [])
    program.answer.demos = [demo]
    prompts.keep_prompt(own_store, "t", "answers", prompts.state_of(program), {})
    prompts.serve_prompt(own_store, "t", "answers", 1)
    server.script = lambda body: fields(
        claims=[{"text": "It has 24 spokes.", "source": 1, "quote": "The wheel has 24 spokes."}]
    )

    def asked_with():
        given = answer(
            base, "How many spokes has the wheel?", tenant="t", settings=settings_for(server.url), threshold=0.0
        )
        assert given.answered
        return json.dumps(server.requests[-1]["messages"])

    assert "Which colour has part 1?" in asked_with()
    prompts.roll_back_prompt(own_store, "t", "answers")
    assert "Which colour has part 1?" not in asked_with()
