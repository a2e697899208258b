"""What a DSPy program asks for, beside the text of its prompt: signature, inputs, adapter, and which try it is.

DSPy hands an engine nothing but the prompt. Its callbacks see the rest, in the same context just before, and leave it
here.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

NAME_MARK = "growthbench_signature"


@dataclass
class Asking:
    """One question of a program to a language model.

    Attributes
    ----------
    signature, inputs, adapter
        As DSPy's adapter was given them.
    rollout : object
        DSPy's ``rollout_id``: asked again on purpose, another answer is wanted.
    candidate : int
        How many answers to this call were given before (``n`` over 1).
    """

    signature: Any = None
    inputs: dict[str, Any] | None = None
    adapter: Any = None
    rollout: Any = None
    candidate: int = 0

    @property
    def program(self) -> str | None:
        """Name of the signature."""
        return None if self.signature is None else signature_name(self.signature)

    def turn(self) -> str:
        """What tells this answer apart from others to the same prompt; each call counts."""
        self.candidate += 1
        first = self.rollout is None and self.candidate == 1
        return "" if first else f"{self.rollout}/{self.candidate}"


_NOW: ContextVar[Asking | None] = ContextVar("growthbench_asking", default=None)


def now_asked() -> Asking:
    """What is asked in this context."""
    return _NOW.get() or Asking()


def signature_name(signature) -> str:
    """The name of a signature as its author wrote it.

    DSPy builds a nameless class whenever a field is added or an instruction changed (ChainOfThought, optimisers); the
    fields go along, so `mark` writes the name on them.
    """
    for field in signature.output_fields.values():
        if name := (field.json_schema_extra or {}).get(NAME_MARK):
            return name
    return signature.__name__


def mark(signature) -> str:
    """Write a signature's name on its output fields."""
    for field in signature.output_fields.values():
        field.json_schema_extra[NAME_MARK] = signature.__name__
    return signature.__name__


@cache
def listener():
    """The DSPy callback that notes what is asked."""
    from dspy.utils.callback import BaseCallback

    class Listener(BaseCallback):
        def on_adapter_format_start(self, call_id, instance, inputs):
            if "signature" in inputs:  # streaming formats single fields, too
                _NOW.set(Asking(inputs["signature"], dict(inputs["inputs"]), instance))

        def on_lm_start(self, call_id, instance, inputs):
            before = _NOW.get() or Asking()
            given = (inputs.get("kwargs") or {}) if isinstance(inputs, dict) else {}
            rollout = given.get("rollout_id", instance.kwargs.get("rollout_id"))
            _NOW.set(Asking(before.signature, before.inputs, before.adapter, rollout))

        def on_lm_end(self, call_id, outputs, exception=None):
            _NOW.set(None)

    return Listener()
