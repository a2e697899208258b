"""Does somebody ask for a person instead of a machine? Patterns, so that it is always known why.

They lie in ``person_wish.txt``: English, with the plainest wordings in German, French and Spanish.
"""

import re
from functools import cache
from importlib import resources

from growthbench.language.orders import visible

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»|`[^`]*`")
_NAMED = re.compile(r"<([A-Z]+)>")


def wants_person(message: str) -> bool:
    """Whether a message asks to be handed to a person; what stands in quotation marks is not asked for.

    >>> wants_person("Can I please talk to a real person?"), wants_person("How many people can use Free?")
    (True, False)
    """
    wished, unwanted = _patterns()
    text = visible(message).replace("\u2019", "'").lower()
    text = " ".join(re.sub(r"[,;:()!]", " ", _QUOTED.sub(" ", text)).split())
    return wished.search(unwanted.sub(" ", text)) is not None


@cache
def _patterns() -> tuple[re.Pattern, re.Pattern]:
    text = resources.files("growthbench.content.chat").joinpath("person_wish.txt").read_text(encoding="utf-8")
    head, _, rest = text.partition("## wishes\n")
    wishes, _, unwanted = rest.partition("## not wanted\n")
    known: dict[str, str] = {}
    for name, _, pattern in (line.partition(" = ") for line in _lines(head)):
        known[name] = _filled(pattern, known)
    return tuple(re.compile("|".join(f"(?:{_filled(line, known)})" for line in _lines(t))) for t in (wishes, unwanted))


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _filled(pattern: str, known: dict[str, str]) -> str:
    return _NAMED.sub(lambda found: known[found[1]], pattern)
