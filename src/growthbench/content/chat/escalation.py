"""When a person is called: rules over facts, in one place. Nothing that anybody wrote is read here.

Each reason calls a person once in a conversation, alone or beside a weightier one: who was called comes, and the
assistant does not call again.
"""

from collections.abc import Collection
from dataclasses import dataclass

from growthbench.base.ids import new_id
from growthbench.content.chat.replies import Escalation, Reason

SENTIMENT_BELOW = -0.5
REPEATED = 2
"""How often the same answer may be given again before somebody else should look."""
MOST_TURNS = 40
"""Messages of a person in one conversation."""


@dataclass(frozen=True)
class Facts:
    """What decides.

    Attributes
    ----------
    sentiment : float
    wants_person : bool
    complex : str
        Why the message is beyond an assistant, or empty.
    asks, answered : bool
        Whether something was asked, and whether the documents answer it.
    repeated : int
        How often the same answer was given directly before.
    turns : int
        Messages of the person so far, this one counted.
    """

    sentiment: float = 0.0
    wants_person: bool = False
    complex: str = ""
    asks: bool = False
    answered: bool = False
    repeated: int = 0
    turns: int = 1


def reasons(facts: Facts) -> list[tuple[Reason, str]]:
    """Rules that hold, the weightiest first, each with its fact."""
    found: list[tuple[Reason, str]] = []
    if facts.wants_person:
        found.append(("explicit_wish", "asked for a person"))
    if facts.complex:
        found.append(("complex", facts.complex))
    if facts.sentiment < SENTIMENT_BELOW:
        found.append(("sentiment", f"sentiment {facts.sentiment:.2f}"))
    if facts.asks and not facts.answered:
        found.append(("no_evidence", "the documents do not answer it"))
    if facts.repeated >= REPEATED:
        found.append(("repetition", f"the same answer {facts.repeated + 1} times"))
    if facts.turns >= MOST_TURNS:
        found.append(("too_long", f"{facts.turns} messages"))
    return found


def decide(facts: Facts, before: Collection[str] = ()) -> Escalation | None:
    """Whether a person is called now.

    Parameters
    ----------
    facts : Facts
    before : collection of str
        Reasons that called one before in this conversation.
    """
    new = [(reason, detail) for reason, detail in reasons(facts) if reason not in before]
    if not new:
        return None
    (reason, detail), *rest = new
    return Escalation(new_id("esc"), reason, detail, tuple(other for other, _ in rest))
