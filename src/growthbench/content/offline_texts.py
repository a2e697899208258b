"""Offline writers of short texts: e-mail, retention message, advertisement, post.

They choose, order and frame: every statement about the product is a fact in the document's own words; around it stands
talk with the reader that claims nothing. So what they write is dry, and true.
"""

from typing import Any

from growthbench.content.composing import (
    asked,
    capital,
    fitting,
    hashtags,
    inputs_of,
    invitation,
    led_by,
    lowered,
    lowered_goal,
    names_keyword,
    rules_of,
    short_forms,
)
from growthbench.content.formats import PartRule
from growthbench.content.signatures import DraftAd, DraftEmail, DraftPost, DraftRetention, FactText, Order
from growthbench.language import offline

EMAIL_FACTS, RETENTION_FACTS, POST_FACTS = 4, 3, 3
SUBJECT_CHARS, SUBJECT_WORDS = 50, 9
BODY_WORDS = 118


@offline.writer(DraftEmail)
def draft_email(inputs: dict[str, Any]) -> dict[str, Any]:
    """Greeting, hook of the angle, facts, invitation."""
    order, facts = inputs_of(inputs)
    chosen = led_by(order, facts, EMAIL_FACTS)
    subject = _subject(order, chosen)
    return {
        "subject": subject,
        "preheader": fitting(_openers(order, chosen, subject), 90),
        "body": _letter(order, chosen, _hook(order)),
        "call_to_action": fitting([invitation(order)], 60, 8),
    }


@offline.writer(DraftRetention)
def draft_retention(inputs: dict[str, Any]) -> dict[str, Any]:
    """A shorter letter without a push."""
    order, facts = inputs_of(inputs)
    chosen = led_by(order, facts, RETENTION_FACTS)
    hooks = {
        "benefit": f"One thing you can use this week: {lowered(order.topic)}.",
        "proof": f"A short note on {lowered(order.topic)}, in facts.",
        "question": f"{asked(order)} If you are deciding, this is what to know.",
    }
    return {
        "subject": _subject(order, chosen),
        "body": _letter(order, chosen, hooks[order.angle], "Reply to this e-mail if you have a question."),
        "call_to_action": fitting([invitation(order)], 60, 8),
    }


@offline.writer(DraftAd)
def draft_ad(inputs: dict[str, Any]) -> dict[str, Any]:
    """Headlines and descriptions that stand alone, each a fact or an invitation that fits."""
    order, facts = inputs_of(inputs)
    rules = rules_of(order)
    chosen = led_by(order, facts, 5)
    heads = [form for fact in chosen for form in short_forms(fact) if not form.endswith(".")]
    topic = order.keyword or order.topic
    heads = {
        "benefit": [
            _goal_line(order),
            *heads,
            capital(topic),
            order.company,
            invitation(order),
            f"See {lowered(topic)}",
        ],
        "proof": [*heads, capital(topic), order.company, invitation(order), f"Read about {lowered(topic)}"],
        "question": [
            asked(order),
            *heads,
            f"Ask about {lowered(topic)}",
            order.company,
            invitation(order),
            "Questions?",
        ],
    }[order.angle] + [f"About {lowered(topic)}", "Read the details", "See how it works", "Look closer"]
    texts = [form for fact in chosen for form in short_forms(fact) if form.endswith(".")]
    about = "" if names_keyword(invitation(order), topic) else f" Read about {lowered(topic)}."
    texts += [
        f"{invitation(order)}.{about}",
        f"See the details of {lowered(topic)}.",
        f"Read about {lowered(topic)} first.",
    ]
    return {"headlines": _some(heads, rules["headlines"], 4), "descriptions": _some(texts, rules["descriptions"], 3)}


@offline.writer(DraftPost)
def draft_post(inputs: dict[str, Any]) -> dict[str, Any]:
    """A first line that makes sense alone, facts as far as they fit, invitation and link."""
    order, facts = inputs_of(inputs)
    rules = rules_of(order)
    room = min(rules["post"].max_chars, 900)
    tags = hashtags(order, min(rules["hashtags"].count[1], 3))
    ending = _ending(order)
    hook = {
        "benefit": _goal_line(order) + "." if order.goal else f"{capital(order.topic)}, in short.",
        "proof": f"{capital(order.topic)}, in facts.",
        "question": asked(order),
    }[order.angle]
    lines, left = [hook], room - len(hook) - len(ending) - sum(len(tag) + 1 for tag in tags) - 6
    for fact in led_by(order, facts, POST_FACTS):
        form = next((f for f in short_forms(fact) if f.endswith(".") and len(f) + 2 <= left), None)
        if form:
            lines.append(form)
            left -= len(form) + 2
    return {"post": "\n\n".join([*lines, ending]), "hashtags": tags}


def _subject(order: Order, chosen: list[FactText]) -> str:
    topic = capital(order.topic)
    forms = [f for fact in chosen[:3] for f in short_forms(fact) if not f.endswith(".")]
    by_angle = {
        "benefit": [_goal_line(order), f"{topic}, in short", topic],
        "proof": [*(f for f in forms if any(c.isdigit() for c in f)), f"{topic}, in facts", *forms],
        "question": [asked(order), f"{topic}: what to know", f"Questions about {lowered(order.topic)}"],
    }
    return fitting([*by_angle[order.angle], topic], SUBJECT_CHARS, SUBJECT_WORDS)


def _openers(order: Order, chosen: list[FactText], subject: str) -> list[str]:
    told = [form for fact in chosen for form in short_forms(fact) if form.rstrip(".") not in subject]
    return [*told, f"What to know about {lowered(order.topic)}."]


def _hook(order: Order) -> str:
    topic = lowered(order.topic)
    if order.angle == "proof":
        return f"These are the facts about {topic}, as our documentation has them:"
    if order.angle == "question":
        return f"{asked(order)} Before you decide, this is worth knowing."
    if order.goal:
        return f"You want to {lowered_goal(order.goal)}. This is what our documentation says about {topic}."
    return f"This is worth knowing about {topic}."


def _letter(order: Order, chosen: list[FactText], hook: str, closing: str = "") -> str:
    ending = "\n\n".join(text for text in (closing, _ending(order), order.company) if text)
    bullets = order.angle == "proof"
    kept: list[str] = []
    for fact in chosen:
        if len(" ".join([hook, *kept, fact.text, ending]).split()) + 4 <= BODY_WORDS:
            kept.append(fact.text)
    told = "\n".join(f"- {text}" for text in kept) if bullets else " ".join(kept)
    return "\n\n".join(["Hello,", hook, told, ending])


def _ending(order: Order) -> str:
    return f"{invitation(order)}: {order.link}" if order.link else f"{invitation(order)}."


def _goal_line(order: Order) -> str:
    return capital(lowered_goal(order.goal)) if order.goal else ""


def _some(candidates: list[str], rule: PartRule, wanted: int) -> list[str]:
    """The first different texts that fit."""
    least, most = rule.count
    found: list[str] = []
    for text in candidates:
        known = {one.lower().rstrip(".") for one in found}
        inside = any(text.lower().rstrip(".") in one or one in text.lower() for one in known)
        fits = (rule.min_chars or 1) <= len(text) <= (rule.advice_chars or rule.max_chars)
        if fits and not inside and len(found) < min(max(wanted, least), most):
            found.append(text)
    return found
