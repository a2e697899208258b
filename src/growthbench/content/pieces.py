"""What was written: a piece with its variants, what they rest on, and what the checks say."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from growthbench.content.brief import Brief
from growthbench.content.findings import Finding, errors
from growthbench.knowledge.citations import Citation
from growthbench.ledger.micros import dollars

DRAFT, NEEDS_REVIEW = "draft", "needs_review"

Parts = Mapping[str, str | list[str]]
"""Text by part: ``subject``, ``body`` ...; ``headlines`` and the like are lists."""


def texts_of(parts: Parts) -> Iterator[tuple[str, str]]:
    """Every text of a variant with the name of its part, such as ``headlines[2]``.

    >>> list(texts_of({"subject": "Hello", "headlines": ["A", "B"]}))
    [('subject', 'Hello'), ('headlines[0]', 'A'), ('headlines[1]', 'B')]
    """
    for name, value in parts.items():
        if isinstance(value, str):
            yield name, value
        else:
            yield from ((f"{name}[{i}]", text) for i, text in enumerate(value))


@dataclass(frozen=True)
class Carried:
    """A sentence of a variant and the document's words that carry it."""

    part: str
    text: str
    citation: Citation


@dataclass(frozen=True)
class Variant:
    """One draft.

    Attributes
    ----------
    angle : str
        benefit, proof or question.
    parts : mapping
    carried : tuple of Carried
        Factual sentences with what they rest on.
    findings : tuple of Finding
    revisions : int
        How often it was written again.
    removed : tuple of str
        Sentences that were taken out because no document carries them.
    scores : mapping of str to float
        ``seo`` (0-100), ``reading_ease`` (Flesch) where they apply.
    """

    angle: str
    parts: Parts
    carried: tuple[Carried, ...] = ()
    findings: tuple[Finding, ...] = ()
    revisions: int = 0
    removed: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """No check found an error."""
        return not errors(self.findings)

    @property
    def text(self) -> str:
        """All parts as one text."""
        return "\n\n".join(text for _, text in texts_of(self.parts))

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "angle": self.angle,
            "parts": dict(self.parts),
            "passed": self.passed,
            "findings": [one.to_dict() for one in self.findings],
            "carried": [{"part": c.part, "text": c.text, "citation": asdict(c.citation)} for c in self.carried],
            "revisions": self.revisions,
            "removed": list(self.removed),
            "scores": dict(self.scores),
        }


@dataclass(frozen=True)
class Piece:
    """What `write` gives.

    Attributes
    ----------
    brief : Brief
    variants : tuple of Variant
    status : {"draft", "needs_review"}
        needs_review: a check still finds an error after the last revision. A person approves, in either case.
    facts : tuple of Citation
        What the writer was shown, the best first.
    findings : tuple of Finding
        About the variants together.
    written_by : str
        ``offline`` or the model's name.
    cost : int
        Micro-USD.
    metadata : mapping
        Seed, prompt version, formats' date, search terms, days of the sources.
    """

    brief: Brief
    variants: tuple[Variant, ...]
    status: str
    facts: tuple[Citation, ...]
    findings: tuple[Finding, ...]
    written_by: str
    cost: int
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``growthbench write --json`` and the Desk give it."""
        return {
            "kind": self.brief.kind,
            "platform": self.brief.platform,
            "status": self.status,
            "variants": [one.to_dict() for one in self.variants],
            "facts": [asdict(one) for one in self.facts],
            "findings": [one.to_dict() for one in self.findings],
            "written_by": self.written_by,
            "cost_usd": dollars(self.cost),
            "metadata": dict(self.metadata),
            "brief": self.brief.to_dict(),
        }

    def __str__(self) -> str:
        head = f"{self.brief.kind}{f' for {self.brief.platform}' if self.brief.platform else ''}: {self.status}"
        lines = [f"{head}, written by {self.written_by}, {dollars(self.cost)} USD"]
        for number, one in enumerate(self.variants, 1):
            lines.append(f"\n[{number}] {one.angle}, {'passed' if one.passed else 'not passed'}")
            lines += [_told(name, value) for name, value in one.parts.items()]
            lines += [f"  ! {found}" for found in errors(one.findings)]
        lines += [f"! {found}" for found in self.findings]
        titles = dict.fromkeys(
            f"{c.citation.title} ({c.citation.document_id})" for v in self.variants for c in v.carried
        )
        return "\n".join([*lines, f"\nrests on: {', '.join(titles) or 'nothing'}"])

    def _repr_markdown_(self) -> str:
        return f"```\n{self}\n```"


def _told(name: str, value: str | list[str]) -> str:
    text = value if isinstance(value, str) else "\n".join(f"- {one}" for one in value)
    return (
        f"  {name}: " + text.replace("\n", "\n    ")
        if "\n" not in text
        else f"  {name}:\n    " + text.replace("\n", "\n    ")
    )
