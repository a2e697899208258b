"""Which wording spoke is told by what was said, not by what somebody believes to be served."""

import threading

import dspy
import pytest

from growthbench.base.errors import DataFormatError
from growthbench.base.ids import digest
from growthbench.language.prompts import keep_prompt, state_of
from growthbench.language.spoken import SILENT, prompts_noted, speaking_as, versions_told


class Greet(dspy.Signature):
    """Greet somebody."""

    name: str = dspy.InputField()
    greeting: str = dspy.OutputField()


class Greeter(dspy.Module):
    def __init__(self, instructions=Greet.instructions):
        super().__init__()
        self.greet = dspy.Predict(Greet.with_instructions(instructions))


def spoken(*programs):
    with prompts_noted() as noted:
        for args in programs:
            speaking_as(*args)
    return list(noted)


def test_a_program_as_it_was_written_is_named_by_what_it_says():
    (one,), (same,), (other,) = (spoken((Greeter(*i), "greet")) for i in ((), (), ("Greet somebody warmly.",)))
    assert one == same == f"greet@builtin-{digest(state_of(Greeter()))[:8]}"
    assert other.startswith("greet@builtin-")
    assert other != one


def test_a_compiled_version_is_named_by_its_number_and_the_digest_that_the_store_has(store):
    state = state_of(Greeter("Say good day."))
    kept = keep_prompt(store, "a", "greet", state, {})
    program = Greeter()
    with prompts_noted() as noted:
        assert speaking_as(program, "greet", kept.state, kept.version) is program
    assert program.greet.signature.instructions == "Say good day."
    assert list(noted) == [f"{kept.name}-{kept.digest[:8]}"] == [f"greet@1-{digest(state)[:8]}"]


def test_a_state_that_is_tried_out_is_no_version():
    state = state_of(Greeter("Say good day."))
    assert spoken((Greeter(), "greet", state)) == [f"greet@unnamed-{digest(state)[:8]}"]


def test_a_block_notes_each_version_once_in_order_and_nothing_of_other_blocks():
    assert spoken((Greeter(), "b"), (Greeter(), "a"), (Greeter(), "b"))[0].startswith("b@builtin-")
    assert len(spoken((Greeter(), "b"), (Greeter(), "a"), (Greeter(), "b"))) == 2
    with prompts_noted() as noted:
        beside = threading.Thread(target=speaking_as, args=(Greeter(), "other request"))
        beside.start()
        beside.join()
        speaking_as(Greeter(), "mine")
    assert [name.partition("@")[0] for name in noted] == ["mine"]
    speaking_as(Greeter(), "nobody listens")
    assert versions_told(noted).startswith("mine@builtin-")
    assert versions_told({}) == SILENT == "none"


def test_a_state_of_another_program_is_refused_and_not_noted():
    with prompts_noted() as noted, pytest.raises(DataFormatError, match="compile it again"):
        speaking_as(Greeter(), "greet", '{"other": {}}', 1)
    assert noted == {}
