"""The offline engine: answers the same DSPy programs without a model, by functions registered for their signatures.

::

    class DraftEmail(dspy.Signature): ...

    @offline.writer(DraftEmail)
    def draft_email(inputs):
        return {"email": ...}

A program has one code path: it calls its predictor; with no model set, this engine hands the inputs to the signature's
writer and puts the outputs into the form that the program's adapter reads. Writers are deterministic and say nothing
that is not in their inputs; the results say ``written_by: offline``.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from growthbench.base.errors import ConflictError
from growthbench.language.asking import Asking, mark
from growthbench.language.errors import NoOfflineWriterError

Writer = Callable[[dict[str, Any]], Mapping[str, Any]]
REASONING = "Written offline, by rules, from the inputs alone."

_HEADER = re.compile(r"^(\s*)\[\[(?= ## \w+ ## \]\])", re.MULTILINE)
_WRITERS: dict[str, tuple[Any, Writer]] = {}


def writer(signature) -> Callable[[Writer], Writer]:
    """Register a function that writes a signature's outputs from its inputs.

    Parameters
    ----------
    signature : type
        A ``dspy.Signature`` class; its name must be its own.

    Raises
    ------
    ConflictError
        Another signature of that name has a writer.
    """
    name, own = signature.__name__, (signature.__module__, signature.__qualname__)
    known = _WRITERS[name][0] if name in _WRITERS else signature
    if (known.__module__, known.__qualname__) != own:
        raise ConflictError(
            f"two signatures are called {name}: in {known.__module__} and in {signature.__module__}; rename one"
        )
    mark(signature)

    def register(function: Writer) -> Writer:
        _WRITERS[name] = (signature, function)
        return function

    return register


def writers() -> list[str]:
    """Names of the signatures that can be written offline."""
    return sorted(_WRITERS)


def forget(name: str) -> None:
    """Take a writer away: for tests."""
    _WRITERS.pop(name, None)


def written(asking: Asking) -> str:
    """The reply to a program, in the form of its adapter.

    Raises
    ------
    NoOfflineWriterError
        The signature has no writer, or the writer left outputs out.
    """
    if asking.signature is None:
        raise NoOfflineWriterError(
            "the offline engine answers DSPy programs with a signature, not bare prompts: set GROWTHBENCH_LM to a model"
        )
    name = asking.program
    if name not in _WRITERS:
        raise NoOfflineWriterError(
            f"nothing is registered to write {name} offline: set GROWTHBENCH_LM to a model, or register a function "
            f"with language.offline.writer({name}); registered are {', '.join(writers()) or 'none'}"
        )
    outputs = dict(_WRITERS[name][1](dict(asking.inputs)))
    if "reasoning" in asking.signature.output_fields:
        outputs.setdefault("reasoning", REASONING)
    missing = [n for n, f in asking.signature.output_fields.items() if n not in outputs and f.is_required()]
    if missing:
        raise NoOfflineWriterError(f"the offline writer of {name} wrote no {', '.join(missing)}")
    fields = {n: outputs[n] for n in asking.signature.output_fields if n in outputs}
    return _formatted(asking, fields)


def _formatted(asking: Asking, fields: dict[str, Any]) -> str:
    signature = asking.signature
    for name in list(signature.output_fields):
        if fields.get(name) is None:  # left out it is read as its default or None; written out, as the word "None"
            signature = signature.delete(name)
    told = {name: _plain(value) for name, value in fields.items() if value is not None}
    return asking.adapter.format_assistant_message_content(signature, told)


def _plain(value: Any) -> Any:
    # a text that quotes a document must not open a field of its own
    return _HEADER.sub(r"\1[ [", value) if isinstance(value, str) else value
