"""Offline writers of pages: blog article and landing page, sections by the headings that the facts stand under."""

from typing import Any

from growthbench.content.composing import (
    asked,
    capital,
    fitting,
    in_order,
    inputs_of,
    invitation,
    led_by,
    lowered,
    lowered_goal,
    names_keyword,
)
from growthbench.content.signatures import DraftArticle, DraftLanding, FactText, Order
from growthbench.language import offline

ARTICLE_FACTS, LANDING_FACTS = 9, 6
META_CHARS, META_LEAST = 155, 50


@offline.writer(DraftArticle)
def draft_article(inputs: dict[str, Any]) -> dict[str, Any]:
    """Title and description with the keyword, an introduction, a section per heading of the facts."""
    order, facts = inputs_of(inputs)
    chosen = _enough(order, facts, ARTICLE_FACTS, 130)
    return {
        "title": _title(order),
        "meta_description": _meta(order, chosen),
        "body": "\n\n".join([_introduction(order), *_sections(order, chosen), _ending(order)]),
    }


@offline.writer(DraftLanding)
def draft_landing(inputs: dict[str, Any]) -> dict[str, Any]:
    """The same, shorter, with a headline and one call to action."""
    order, facts = inputs_of(inputs)
    chosen = _enough(order, facts, LANDING_FACTS, 75)
    headline = capital(lowered_goal(order.goal)) if order.goal and order.angle == "benefit" else ""
    return {
        "title": _title(order),
        "meta_description": _meta(order, chosen),
        "headline": fitting(
            [headline or (asked(order) if order.angle == "question" else capital(_keyword(order)))], 90
        ),
        "body": "\n\n".join([_introduction(order), *_sections(order, chosen), _ending(order)]),
        "call_to_action": fitting([invitation(order)], 60, 8),
    }


def _keyword(order: Order) -> str:
    return order.keyword or order.topic


def _title(order: Order) -> str:
    keyword = capital(_keyword(order))
    named = f" | {order.company}" if order.company else ""
    by_angle = {
        "benefit": [f"{keyword}: what you can do with it{named}", f"{keyword}: what you can do with it"],
        "proof": [f"{keyword}: the facts in one page{named}", f"{keyword}: the facts in one page"],
        "question": [f"{keyword}: questions before you decide{named}", f"{keyword}: questions and answers"],
    }
    return fitting([*by_angle[order.angle], f"About {lowered(keyword)}, in short", keyword], 60)


def _meta(order: Order, chosen: list[FactText]) -> str:
    """Description of 50 to 155 characters: the keyword, and the first facts that fit."""
    keyword = capital(_keyword(order))
    text = (
        "" if chosen and names_keyword(chosen[0].text, keyword) and len(chosen[0].text) <= META_CHARS else f"{keyword}:"
    )
    for fact in chosen:
        if len(text) + 1 + len(fact.text) <= META_CHARS:
            text = f"{text} {fact.text}".strip()
        if len(text) >= META_LEAST * 2:
            break
    return (
        text
        if len(text) >= META_LEAST
        else f"{text.rstrip(':')}: what to know before you decide, in short.".replace("::", ":")
    )


def _introduction(order: Order) -> str:
    keyword = lowered(_keyword(order))
    hook = {
        "benefit": f"You want to {lowered_goal(order.goal)}. " if order.goal else "",
        "proof": "",
        "question": f"{asked(order)} ",
    }[order.angle]
    about = {
        "benefit": f"This page is about {keyword}, and what you can do with it.",
        "proof": f"This page lists the facts about {keyword}, each as our documentation has it.",
        "question": f"This page answers what readers ask about {keyword} before they decide.",
    }[order.angle]
    return f"{hook}{about}"


def _sections(order: Order, chosen: list[FactText]) -> list[str]:
    """One section a heading; the keyword stands in the first heading."""
    made: list[str] = []
    heading, keyword = "", capital(_keyword(order))
    for fact in in_order(chosen):
        own = fact.heading.rsplit(" > ", 1)[-1]
        if own != heading:
            heading = own
            same = names_keyword(own, keyword) or names_keyword(keyword, own)
            named = own if made else keyword if same else f"{keyword}: {lowered(own)}"
            made.append(f"## {named}\n\n{fact.text}")
        else:
            made[-1] += f" {fact.text}"
    if len(made) == 1:
        made.append(f"## More about {lowered(_keyword(order))}\n\nRead on, or ask us.")
    return made


def _enough(order: Order, facts: list[FactText], own: int, words: int) -> list[FactText]:
    """The angle's facts first, then others until there are enough words for a page."""
    chosen = led_by(order, facts, max(3, min(own, -(-len(facts) // 2))))
    for fact in facts:
        if sum(len(one.text.split()) for one in chosen) < words and fact not in chosen and len(chosen) < own + 4:
            chosen.append(fact)
    return chosen


def _ending(order: Order) -> str:
    return f"[{invitation(order)}]({order.link})" if order.link else f"{invitation(order)}."
