"""Prompts in versions: kept, served, taken back, one tenant apart from the other."""

import json

import pytest

from growthbench.base.errors import ConflictError, DataFormatError, NotFoundError
from growthbench.language import prompts


def test_a_kept_version_speaks_only_when_it_is_served(store):
    first = prompts.keep_prompt(store, "t", "email", '{"draft":1}', {"lo": 0.1})
    second = prompts.keep_prompt(store, "t", "email", '{"draft":2}', {})
    assert (first.version, second.version, second.name) == (1, 2, "email@2")
    assert prompts.served(store, "t", "email") is None
    prompts.serve_prompt(store, "t", "email", 1)
    prompts.serve_prompt(store, "t", "email", 2)
    assert prompts.served(store, "t", "email") == second
    assert prompts.roll_back_prompt(store, "t", "email") == 1
    assert prompts.served(store, "t", "email") == first
    assert [p.version for p in prompts.prompts_of(store, "t", "email")] == [2, 1]


def test_serving_what_is_served_keeps_the_way_back(store):
    for state in ("{}", "[]"):
        prompts.keep_prompt(store, "t", "email", state, {})
    prompts.serve_prompt(store, "t", "email", 1)
    prompts.serve_prompt(store, "t", "email", 2)
    prompts.serve_prompt(store, "t", "email", 2)
    assert prompts.roll_back_prompt(store, "t", "email") == 1
    prompts.serve_prompt(store, "t", "email", prompts.AS_WRITTEN)
    assert prompts.served(store, "t", "email") is None


def test_what_is_not_there_cannot_be_served(store):
    with pytest.raises(NotFoundError, match="no version 3"):
        prompts.serve_prompt(store, "t", "email", 3)
    with pytest.raises(ConflictError, match="was ever served"):
        prompts.roll_back_prompt(store, "t", "email")


def test_another_tenant_has_prompts_of_its_own(store):
    prompts.keep_prompt(store, "t", "email", "{}", {})
    prompts.serve_prompt(store, "t", "email", 1)
    assert prompts.served(store, "other", "email") is None
    with pytest.raises(NotFoundError):
        prompts.prompt_of(store, "other", "email", 1)


def test_a_state_goes_out_and_in_as_it_was_and_holds_no_model():
    import dspy

    def make():
        return dspy.Predict("question -> answer")

    program = make()
    program.demos = [dspy.Example(question="1+1?", answer="2")]
    program.lm = dspy.LM("openai/tiny", api_key="secret", cache=False)
    module = dspy.Module()
    module.ask = program
    state = prompts.state_of(module)
    assert "secret" not in state
    assert "tiny" not in state
    empty = dspy.Module()
    empty.ask = make()
    again = prompts.load_into(empty, state)
    assert dict(again.ask.demos[0]) == {"question": "1+1?", "answer": "2"}
    assert prompts.state_of(again) == state


@pytest.mark.parametrize("state", ["{}", "not json", json.dumps({"other": {}}), "[]"])
def test_a_state_of_another_program_is_refused(state):
    import dspy

    module = dspy.Module()
    module.ask = dspy.Predict("question -> answer")
    with pytest.raises(DataFormatError, match="compile it again"):
        prompts.load_into(module, state)
