"""The dated table of formats: which parts a kind of content has on a platform, and how long they may be."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from growthbench.content.brief import PLATFORMS, Brief


@dataclass(frozen=True)
class PartRule:
    """Limits of one part; None where there is none.

    Attributes
    ----------
    max_chars, min_chars, max_words, min_words : int or None
    advice_chars : int or None
        Where the platform cuts a longer text off: advice, no error.
    count : tuple of int or None
        Least and most of a list; None for a single text.
    source : str
        Key of the table's ``sources``.
    """

    max_chars: int | None = None
    min_chars: int | None = None
    max_words: int | None = None
    min_words: int | None = None
    advice_chars: int | None = None
    count: tuple[int, int] | None = None
    source: str = ""

    def told(self, part: str) -> str:
        """In words, for a writer.

        >>> PartRule(max_chars=30, count=(3, 15)).told("headlines")
        'headlines: 3 to 15, each at most 30 characters'
        """
        said = []
        if self.count:
            said.append(f"{self.count[0]} to {self.count[1]}")
        if self.max_chars:
            said.append(f"{'each ' if self.count else ''}at most {self.max_chars} characters")
        if self.max_words:
            said.append(f"at most {self.max_words} words")
        if self.min_words:
            said.append(f"at least {self.min_words} words")
        return f"{part}: {', '.join(said) or 'any length'}"


@dataclass(frozen=True)
class Formats:
    """The table: ``rules[kind, platform][part]``; platform "" where none is told apart."""

    about: Mapping[str, Any]
    sources: Mapping[str, str]
    rules: Mapping[tuple[str, str], Mapping[str, PartRule]]

    def of(self, brief: Brief) -> Mapping[str, PartRule]:
        """Rules of a brief's parts, in their order."""
        return self.rules[brief.kind, brief.platform]


@cache
def formats() -> Formats:
    """The table that ships with the package."""
    file = resources.files("growthbench.content").joinpath("formats.toml")
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    rules = {}
    for kind, platforms in PLATFORMS.items():
        own = {part: rule for part, rule in told[kind].items() if part not in platforms}
        for platform in platforms or ("",):
            merged = own | told[kind].get(platform, {})
            rules[kind, platform] = {part: _rule(row) for part, row in merged.items()}
    return Formats(told["about"], told["sources"], rules)


def _rule(row: Mapping[str, Any]) -> PartRule:
    return PartRule(**{**row, **({"count": tuple(row["count"])} if "count" in row else {})})
