"""A reply put together: verified sentences, and our own about what was found, not found and handed over."""

from collections.abc import Sequence

from growthbench.content.chat.escalation import SENTIMENT_BELOW, Facts, reasons
from growthbench.content.chat.looking_up import Found
from growthbench.content.chat.memory import Memory
from growthbench.content.chat.replies import ChatCitation, Escalation, Handling
from growthbench.content.chat.situation import Situation
from growthbench.content.chat.wording import Line, courtesies
from growthbench.language.guard import cleaned
from growthbench.language.orders import gives_orders


def handling_of(situation: Situation, facts: Facts, found: Found) -> Handling:
    """How a message is handled."""
    if found.claims:
        return "answer"
    if situation.small_talk:
        return "small_talk"
    if facts.asks:
        return "no_evidence"
    return "orders" if situation.orders and not situation.text else "statement"


def told(
    situation: Situation,
    facts: Facts,
    lines: Sequence[Line],
    handling: Handling,
    called: Escalation | None,
    memory: Memory,
) -> str:
    """The text of a reply."""
    own, parts = courtesies(), []
    if facts.sentiment < SENTIMENT_BELOW and not situation.asks:
        parts.append(own["opening"]["sorry"])
    if lines:
        parts += [own["outcome"]["repeated"]] if facts.repeated else []
        parts += map(str, lines)
        parts += [own["outcome"]["partly"]] if facts.asks and not facts.answered else []
    elif handling == "small_talk":
        parts.append(own["small_talk"][situation.small_talk])
    elif handling == "no_evidence" or (called is None and not facts.wants_person):
        parts.append(own["outcome"][handling])
    if called is not None:
        parts.append(own["handover"][called.reason])
    elif handling != "small_talk" and any(reason in memory.escalated for reason, _ in reasons(facts)):
        parts.append(own["handover"]["again"])
    return " ".join(parts)


def shown(found: Found, lines: Sequence[Line]) -> tuple[ChatCitation, ...]:
    """Citations whose marks stand in the lines."""
    marks = {n for line in lines for n in line.marks}
    cited = {c.number: c for claim in found.claims for c in claim.citations if c.number in marks}
    return tuple(cited[n] for n in sorted(cited))


def safe_notes(notes: Sequence[str]) -> tuple[str, ...]:
    """Notes that may be told: some quote documents."""
    plain = (" ".join(cleaned(note).split()) for note in notes if note and not gives_orders(note))
    return tuple(dict.fromkeys(note for note in plain if note))
