"""Can a blog post or landing page be found? Ten checks of titles, headings, keyword, links and readability.

What they check is common ground of search engines' own guides (Google Search Central, SEO starter guide). The points
are ours, and say how much of it is done; they are no forecast of a rank.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from growthbench.content.checks.readability import reading_ease
from growthbench.content.findings import ADVICE, Finding
from growthbench.content.pieces import Parts
from growthbench.text.analysis import stems, words

CHECK = "seo"
PASSING = 60
"""Score from which on the check finds no error."""
PLAIN = 50.0
"""Flesch Reading Ease from which on a text counts as easily read ("fairly difficult" ends at 60, "difficult" at 50)."""
DENSEST = 0.04
_HEADING = re.compile(r"^#{2,3} +(.+)$", re.MULTILINE)
_H1 = re.compile(r"^# +(.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]+\]\((https://[^)\s]+)\)|https://\S+")


@dataclass(frozen=True)
class Point:
    """One check: ``points`` if it holds."""

    rule: str
    points: int
    holds: bool
    message: str
    fix: str
    part: str


@dataclass(frozen=True)
class Seo:
    """Score 0-100 with its findings."""

    score: int
    findings: list[Finding]
    reading_ease: float | None


def check_seo(parts: Parts, keyword: str, link: str = "") -> Seo:
    """Score a page and say what would raise it.

    Parameters
    ----------
    parts : mapping
        ``title meta_description body`` and, of a landing page, ``headline``.
    keyword : str
        What searchers type; its words may be inflected and stand in any order.
    link : str
        The link that must be in the text, if any.
    """
    points = _points(parts, keyword, link)
    score = round(100 * sum(p.points for p in points if p.holds) / sum(p.points for p in points))
    found = [Finding(CHECK, p.rule, p.message, p.fix, ADVICE, p.part) for p in points if not p.holds]
    if score < PASSING:
        said = f"the page scores {score} of 100, it needs {PASSING}"
        found.append(Finding(CHECK, "score", said, "mend what is named above, the heaviest first"))
    return Seo(score, found, reading_ease(_plain(str(parts.get("body", "")))))


def _points(parts: Parts, keyword: str, link: str) -> list[Point]:
    title, meta, body = (str(parts.get(name, "")) for name in ("title", "meta_description", "body"))
    headings, ease, density = _HEADING.findall(body), reading_ease(_plain(body)), _density(keyword, body)
    has = _contains(keyword)
    told = f"the keyword {keyword!r}"
    title_fits, meta_fits = 15 <= len(title) <= 60, 50 <= len(meta) <= 155
    in_it, easy = f"{told} is not in", ease is None or ease >= PLAIN
    told_ease = f"Flesch Reading Ease is {ease}, plain text has {PLAIN:.0f}"
    rows = [
        ("keyword_in_title", 15, has(title), f"{in_it} the title", "use it in the title", "title"),
        ("title_length", 10, title_fits, f"the title has {len(title)} characters", "use 15 to 60", "title"),
        ("keyword_in_meta", 10, has(meta), f"{in_it} the description", "use it there", "meta_description"),
        (
            "meta_length",
            10,
            meta_fits,
            f"the description has {len(meta)} characters",
            "use 50 to 155",
            "meta_description",
        ),
        ("headings", 10, len(headings) >= 2, f"there are {len(headings)} headings", "write at least two", "body"),
        ("one_h1", 5, not _H1.search(body), "has a first-level heading", "the title is the only one", "body"),
        ("keyword_in_heading", 10, any(map(has, headings)), f"{told} is in no heading", "use it in one", "body"),
        ("keyword_early", 10, has(_first(body)), f"{in_it} the first paragraph", "use it there", "body"),
        (
            "keyword_density",
            5,
            0 < density <= DENSEST,
            f"{told} makes {density:.1%} of the words",
            "use up to 4%",
            "body",
        ),
        ("readable", 10, easy, told_ease, "write shorter sentences and words", "body"),
    ]
    if link:
        linked = any(link in found[0] for found in _LINK.finditer(body))
        rows.append(("link", 5, linked, "the link is missing", f"link to {link}", "body"))
    return [Point(*row) for row in rows]


def _contains(keyword: str) -> Callable[[str], bool]:
    wanted = set(stems(keyword))
    return lambda text: wanted <= set(stems(text))


def _density(keyword: str, body: str) -> float:
    wanted, found = stems(keyword), stems(body)
    if not wanted or not found:
        return 0.0
    return min(found.count(one) for one in wanted) / max(len(words(body)), 1)


def _first(body: str) -> str:
    plain = [block for block in re.split(r"\n\s*\n", body) if block.strip() and not block.lstrip().startswith("#")]
    return plain[0] if plain else ""


def _plain(body: str) -> str:
    return re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", re.sub(r"^#+ .*$", "", body, flags=re.MULTILINE))
