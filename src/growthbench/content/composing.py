"""What the offline writers share: which facts an angle leads with, and short forms of them."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from growthbench.base.ids import digest
from growthbench.content.angles import ANGLES
from growthbench.content.formats import PartRule, formats
from growthbench.content.signatures import FactText, Order
from growthbench.text.analysis import stems

_DENIES = re.compile(
    r"\b(?:not|no|cannot|never|nobody|none|without|only|at most|needs?|until|refused?)\b", re.IGNORECASE
)
_GIVES = re.compile(
    r"\b(?:can|may|adds?|shows?|says?|lets?|gets?|includes?|holds?|sends?|keeps?|draws?|counts?)\b", re.IGNORECASE
)


def inputs_of(inputs: dict[str, Any]) -> tuple[Order, list[FactText]]:
    """Order and facts of a request, whatever form they came in; facts that a problem names are left out."""
    order = inputs["order"] if isinstance(inputs["order"], Order) else Order.model_validate(inputs["order"])
    facts = [f if isinstance(f, FactText) else FactText.model_validate(f) for f in inputs["facts"]]
    problems = " ".join(inputs.get("problems") or [])
    return order, [f for f in facts if f.text not in problems]


def rules_of(order: Order) -> dict[str, PartRule]:
    """Formats of the order's kind on its platform."""
    return dict(formats().rules[order.kind, order.platform])


def led_by(order: Order, facts: Sequence[FactText], own: int) -> list[FactText]:
    """The facts of the order's angle, ``own`` at most: each angle in turn takes what suits it best, so leads differ.

    What is left over when there are fewer facts than wanted is shared, the nearest first.
    """
    suits: dict[str, Callable[[FactText], float]] = {
        "benefit": lambda f: 2.0 * bool(_GIVES.search(f.text)) - 1.5 * bool(_DENIES.search(f.text)),
        "proof": lambda f: 2.0 * bool(re.search(r"\d", f.text)) - 0.5 * bool(_DENIES.search(f.text)),
        "question": lambda f: 2.0 * bool(_DENIES.search(f.text)),
    }
    left = list(facts)
    taken: dict[str, list[FactText]] = {angle: [] for angle in ANGLES}
    rank = {f.number: i for i, f in enumerate(facts)}
    turn = ("proof", "benefit", "question")  # numbers are the rarest
    while left and any(len(taken[angle]) < own for angle in turn):
        for angle in (a for a in turn if len(taken[a]) < own and left):
            best = max(left, key=lambda f: (suits[angle](f) - 0.25 * rank[f.number], digest(str(order.seed), f.text)))
            taken[angle].append(best)
            left.remove(best)
    mine = taken[order.angle]
    least = min(own, 3)
    spare = [f for f in facts if f not in mine]
    return mine + spare[: max(0, least - len(mine))]


def in_order(facts: Iterable[FactText]) -> list[FactText]:
    """Facts of one heading together, headings in the order of their first fact."""
    told = list(facts)
    headings = list(dict.fromkeys(f.heading for f in told))
    return sorted(told, key=lambda f: headings.index(f.heading))


def capital(text: str) -> str:
    """The text with a capital at its beginning.

    >>> capital("plan with dates")
    'Plan with dates'
    """
    text = text.strip().rstrip(".!?")
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """The text to stand inside a sentence: a capital of an article or of a plain word at the beginning goes.

    >>> lowered("The forecast"), lowered("Larkboard Pro"), lowered("API limits")
    ('the forecast', 'Larkboard Pro', 'API limits')
    """
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first in ("The", "A", "An", "Our", "Your", "How", "What", "Why") else text


def fitting(candidates: Iterable[str], most: int, words: int | None = None) -> str:
    """The first text that fits; else the last one, cut at a word."""
    last = ""
    for text in candidates:
        text = " ".join(text.split())
        if text and len(text) <= most and (not words or len(text.split()) <= words):
            return text
        last = text or last
    cut = last[: most + 1].rsplit(" ", 1)[0][:most].rstrip(" ,;:-")
    return " ".join(cut.split()[:words]) if words else cut


def short_forms(fact: FactText) -> list[str]:
    """A fact, and what can be said of it in fewer words of its own, the longest first.

    >>> short_forms(FactText(number=1, text="The Pro plan costs EUR 199 a month.", heading="Prices"))
    ['The Pro plan costs EUR 199 a month.', 'The Pro plan costs EUR 199 a month', 'Pro plan costs EUR 199 a month']
    """
    plain = fact.text.rstrip(".")
    made = [fact.text, plain, re.sub(r"^(?:The|A|An) (?=[A-Z0-9])", "", plain)]
    for mark in (r";\s", r",\s(?:and|but|so|which|because|as)\s", r":\s"):
        first = re.split(mark, plain)[0]
        if 3 <= len(first.split()) < len(plain.split()):
            made += [f"{first}.", first]
    return list(dict.fromkeys(made))


def hashtags(order: Order, most: int) -> list[str]:
    """Tags of the order's own words.

    >>> hashtags(Order(kind="social", topic="board forecast", angle="proof", company="Larkboard"), 2)
    ['#BoardForecast', '#Larkboard']
    """
    tags = []
    for text in (order.keyword or order.topic, order.company, order.audience):
        told = re.findall(r"[A-Za-z0-9]+", text)
        if told and len(told) <= 3:
            tags.append("#" + "".join(word[:1].upper() + word[1:] for word in told))
    return list(dict.fromkeys(tags))[:most]


def asked(order: Order) -> str:
    """The reader's question that the order is about."""
    if order.goal:
        return f"How do you {lowered_goal(order.goal)}?"
    if re.match(r"(?:what|how|when|where|which|who|why)\b", order.topic, re.IGNORECASE):
        return f"Do you wonder {order.topic[:1].lower()}{order.topic[1:].rstrip('?')}?"
    return f"What should you know about {lowered(order.topic)}?"


def lowered_goal(goal: str) -> str:
    """A goal as it stands after "to" or "how do you".

    >>> lowered_goal("To plan with dates that hold.")
    'plan with dates that hold'
    """
    plain = re.sub(r"^(?:to|you can|be able to)\s+", "", goal.strip().rstrip(".!?"), flags=re.IGNORECASE)
    return plain[:1].lower() + plain[1:] if not plain[:2].isupper() else plain


def invitation(order: Order) -> str:
    """The call to action."""
    return capital(order.call_to_action) if order.call_to_action else "Read the details"


def names_keyword(text: str, keyword: str) -> bool:
    """Whether all words of the keyword are in a text."""
    return set(stems(keyword)) <= set(stems(text))
