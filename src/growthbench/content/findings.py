"""What a check found: where, how bad, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "advice"]
ERROR, ADVICE = "error", "advice"


@dataclass(frozen=True)
class Finding:
    """One thing a check found.

    Attributes
    ----------
    check : str
        brand, claims, seo, lengths, likeness or safety.
    rule : str
        Short name, such as ``forbidden_word``.
    message : str
        What was found.
    fix : str
        What to do about it, as an instruction to the writer.
    severity : {"error", "advice"}
        Errors keep a variant from passing.
    part : str
        Of the variant, such as ``subject``; empty for the whole.
    start, end : int or None
        Characters of the part.
    """

    check: str
    rule: str
    message: str
    fix: str
    severity: Severity = ERROR
    part: str = ""
    start: int | None = None
    end: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def __str__(self) -> str:
        where = f"{self.part}: " if self.part else ""
        return f"{where}{self.message}; {self.fix}"


def errors(found: "list[Finding] | tuple[Finding, ...]") -> list[Finding]:
    """Those that keep a variant from passing."""
    return [one for one in found if one.severity == ERROR]
