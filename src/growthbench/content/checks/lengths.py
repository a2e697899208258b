"""Does every part fit its format?"""

from collections.abc import Iterator, Mapping

from growthbench.content.findings import ADVICE, Finding
from growthbench.content.formats import PartRule
from growthbench.content.pieces import Parts

CHECK = "lengths"


def check_lengths(parts: Parts, rules: Mapping[str, PartRule]) -> list[Finding]:
    """Findings about missing, too long, too short, too few and repeated texts.

    >>> [f.rule for f in check_lengths({"subject": "Hi"}, {"subject": PartRule(min_chars=5)})]
    ['too_short']
    """
    found: list[Finding] = []
    for part, rule in rules.items():
        value = parts.get(part)
        if value is None or (isinstance(value, str) and not value.strip()):
            found.append(Finding(CHECK, "missing", "is missing", f"write {rule.told(part)}", part=part))
        elif rule.count is None:
            found += _text(part, str(value), rule)
        else:
            found += _list(part, list(value), rule)
    return found


def counted(text: str, source: str = "") -> int:
    """Characters as the platform counts them: on X a link counts 23."""
    if source != "x":
        return len(text)
    return sum(23 if word.startswith("https://") else len(word) for word in text.split(" ")) + text.count(" ")


def _list(part: str, texts: list[str], rule: PartRule) -> Iterator[Finding]:
    low, high = rule.count
    if not low <= len(texts) <= high:
        yield Finding(CHECK, "count", f"there are {len(texts)}", f"write {low} to {high} of them", part=part)
    seen: dict[str, int] = {}
    for i, text in enumerate(texts):
        yield from _text(f"{part}[{i}]", text, rule)
        if (key := " ".join(text.lower().split())) in seen:
            yield Finding(
                CHECK, "repeated", f"says the same as number {seen[key] + 1}", "say something else", part=f"{part}[{i}]"
            )
        seen.setdefault(key, i)


def _text(part: str, text: str, rule: PartRule) -> Iterator[Finding]:
    long, words = counted(text, rule.source), len(text.split())
    if rule.max_chars and long > rule.max_chars:
        said = f"has {long} characters, at most {rule.max_chars} fit"
        yield Finding(CHECK, "too_long", said, "shorten it", part=part, start=rule.max_chars, end=len(text))
    elif rule.advice_chars and long > rule.advice_chars:
        said = f"has {long} characters, after {rule.advice_chars} it is cut off"
        yield Finding(CHECK, "cut_off", said, "say what counts first", ADVICE, part, rule.advice_chars, len(text))
    if rule.max_words and words > rule.max_words:
        yield Finding(
            CHECK, "too_long", f"has {words} words, at most {rule.max_words} are allowed", "shorten it", part=part
        )
    if rule.min_chars and long < rule.min_chars:
        yield Finding(CHECK, "too_short", f"has {long} characters, it needs {rule.min_chars}", "say more", part=part)
    if rule.min_words and words < rule.min_words:
        yield Finding(CHECK, "too_short", f"has {words} words, it needs {rule.min_words}", "say more", part=part)
