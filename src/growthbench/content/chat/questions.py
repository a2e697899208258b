"""Which questions of a message are looked up, each made to stand alone."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from growthbench.content.chat.memory import Memory, facts_of
from growthbench.content.chat.names import Names
from growthbench.content.chat.person_wish import wants_person
from growthbench.content.chat.situation import MANY_QUESTIONS, Situation
from growthbench.knowledge.corpus import View

_OWN = re.compile(r"\b(?:my|our) (plan|subscription|account)\b", re.IGNORECASE)
_SHORT = 4

Standing = Callable[[str, Sequence[str], Sequence[str]], str]
"""From a question, earlier ones and names to a question that stands alone."""


@dataclass(frozen=True)
class Asked:
    """What is looked up, and the names in it, the newest first."""

    questions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Questions:
    """Finds the questions of messages."""

    def __init__(self):
        self._names = Names()

    def of(
        self,
        situation: Situation,
        memory: Memory,
        before: Sequence[str],
        traits: Mapping[str, str],
        standing: Standing,
        visible: tuple[str, str | None, View],
    ) -> Asked:
        """Questions of a message, at most as many as are answered at once.

        Parameters
        ----------
        before : sequence of str
            What the person wrote earlier, as a caller tells it.
        standing : callable
        visible : (tenant, role, View)
            The documents, whose names count.
        """
        if situation.small_talk or not situation.text or (not situation.asks and facts_of(situation.text)):
            return Asked()

        def spoken(text: str) -> list[str]:
            return self._names.spoken(text, *visible)

        said = [*before, *memory.questions]
        names = list(dict.fromkeys((*(n for text in reversed(said) for n in spoken(text)), *memory.names)))
        questions, mine = [], spoken(situation.text)
        for question in situation.questions[:MANY_QUESTIONS]:
            if wants_person(question):
                continue
            leaning = situation.asks or len(question.split()) <= _SHORT
            alone = standing(question, said, names) if leaning else question
            alone = _OWN.sub(lambda m: _by_name(m, traits, memory, spoken), alone)
            questions.append(alone)
            said.append(alone)
            mine += spoken(alone)
            names = list(dict.fromkeys((*spoken(alone), *names)))
        return Asked(tuple(questions), tuple(dict.fromkeys(reversed(mine))))


def _by_name(found: re.Match, traits: Mapping[str, str], memory: Memory, spoken: Callable[[str], list[str]]) -> str:
    """ "My plan" by its name, where the profile or the person told it and the documents know it."""
    known = spoken(memory.facts.get("plan") or traits.get("plan") or "")
    return f"the {known[0]} {found[1]}" if len(known) == 1 else found[0]
