"""Do the variants differ enough to be worth testing against each other?

By words: share of common three-word runs (Jaccard on stems). By meaning, where there is an encoder: cosine of the
texts. Variants that say the same thing in other words have few common runs and nearly the same meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from growthbench.content.findings import Finding
from growthbench.text.analysis import stems

if TYPE_CHECKING:
    from growthbench.text.encoder import Encoder

CHECK = "likeness"
SAME_WORDS, SAME_WORDS_OF_PAGES = 0.45, 0.6
"""Share of common three-word runs from which on two variants are one; pages about one topic share more of its facts."""
SAME_MEANING = 0.97
"""Cosine from which on they are; variants about one topic lie at .7 to .95."""


@dataclass(frozen=True)
class Likeness:
    """How alike two variants are; ``meaning`` is None without an encoder, ``limit`` is that of `words`."""

    first: int
    second: int
    words: float
    meaning: float | None
    limit: float = SAME_WORDS

    @property
    def too_alike(self) -> bool:
        """Whether they count as one."""
        return self.words >= self.limit or (self.meaning is not None and self.meaning >= SAME_MEANING)


def likenesses(texts: Sequence[str], encoder: "Encoder | None" = None, pages: bool = False) -> list[Likeness]:
    """Of every pair of texts."""
    limit = SAME_WORDS_OF_PAGES if pages else SAME_WORDS
    vectors = encoder.encode(list(texts)) if encoder is not None and len(texts) > 1 else None
    return [
        Likeness(
            i, j, common_runs(texts[i], texts[j]), None if vectors is None else float(vectors[i] @ vectors[j]), limit
        )
        for i, j in combinations(range(len(texts)), 2)
    ]


def check_likeness(found: Sequence[Likeness]) -> list[Finding]:
    """An error for every pair that counts as one."""
    return [
        Finding(
            CHECK,
            "too_alike",
            f"variants {one.first + 1} and {one.second + 1} share {one.words:.0%} of their three-word runs"
            + ("" if one.meaning is None else f", cosine {one.meaning:.2f}"),
            "give them different angles and facts, not different words",
        )
        for one in found
        if one.too_alike
    ]


def common_runs(a: str, b: str, length: int = 3) -> float:
    """Jaccard of runs of stems, in [0, 1]; single stems where a text is too short for runs.

    >>> common_runs("Pro costs EUR 199 a month", "Pro costs EUR 199 a month")
    1.0
    """
    first, second = stems(a), stems(b)
    length = min(length, len(first), len(second)) or 1
    runs = [{tuple(s[i : i + length]) for i in range(len(s) - length + 1)} for s in (first, second)]
    whole = runs[0] | runs[1]
    return len(runs[0] & runs[1]) / len(whole) if whole else 1.0
