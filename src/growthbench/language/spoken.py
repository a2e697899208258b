"""Which wording of a program speaks: the one place that names it, and the note of those that spoke in a block.

A *prompt version* is ``PROGRAM@VERSION-DIGEST``, such as ``email@2-9f8e7d6c``: the program, the number of its compiled
version (`language.prompts`) or ``builtin`` for the program as it was written, and the first eight characters of the
digest of its state: demonstrations, instructions, fields. The number says what was chosen, the digest what was said, so
two releases whose built-in instructions differ have two versions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from growthbench.base.ids import digest
from growthbench.language.prompts import AS_WRITTEN, load_into, state_of

if TYPE_CHECKING:
    import dspy

BUILTIN = "builtin"
"""Version of a program that was never compiled, or whose compiled versions were taken back."""
UNNAMED = "unnamed"
"""Version of a state that a caller tries out, without a number."""
SILENT = "none"
"""What is told of a block in which no program spoke: a template answered, or nothing was found to speak of."""

_DIGITS = 8
_noted: ContextVar[dict[str, None] | None] = ContextVar("growthbench_prompts_noted", default=None)


def prompt_version(program: str, version: int | str, state: str) -> str:
    """The name of a wording.

    >>> prompt_version("email", 2, "{}")
    'email@2-7cf4b3ea'
    >>> prompt_version("email", BUILTIN, "{}")
    'email@builtin-7cf4b3ea'
    """
    return f"{program}@{version}-{digest(state)[:_DIGITS]}"


def speaking_as(
    module: "dspy.Module", program: str, state: str | None = None, version: int | None = AS_WRITTEN
) -> "dspy.Module":
    """A program ready to speak, noted as one that does.

    Parameters
    ----------
    module : dspy.Module
    program : str
        Its name among the prompts.
    state : str, optional
        Of the version that is served; as it was written by default.
    version : int, optional
        Its number.

    Raises
    ------
    DataFormatError
        The state is of another program.
    """
    loaded, noted = load_into(module, state), _noted.get()
    if noted is not None:
        name = version or (BUILTIN if state is None else UNNAMED)
        noted[prompt_version(program, name, state_of(loaded) if state is None else state)] = None
    return loaded


@contextmanager
def prompts_noted() -> Iterator[dict[str, None]]:
    """A block that notes the prompt versions of all programs that speak in it, in the order of their first word."""
    noted: dict[str, None] = {}
    before = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(before)


def versions_told(noted: dict[str, None]) -> str:
    """The versions that spoke in a block, as a trace is tagged with them.

    >>> versions_told({"answers@builtin-9f8e7d6c": None, "chat_reply@1-7cf4b3ea": None})
    'answers@builtin-9f8e7d6c, chat_reply@1-7cf4b3ea'
    >>> versions_told({})
    'none'
    """
    return ", ".join(noted) or SILENT
