"""What was expected of some data and what was found."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from growthbench.base.errors import GateError
from growthbench.base.jsonio import write_json, write_text

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One expectation and its outcome.

    Attributes
    ----------
    suite : str
        Group it is shown in.
    about : str
        The expectation in words.
    column : str
        What it looks at; empty for the whole table.
    severity : {"critical", "warning", "info"}
    passed : bool
    observed : str
        What was found, in words.
    kind : str
        Name of the expectation in Great Expectations.
    examples : tuple of str
        A few values that were not expected.
    """

    suite: str
    about: str
    column: str
    severity: Severity
    passed: bool
    observed: str
    kind: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExpectationReport:
    """The outcome of all expectations on one log or table.

    Attributes
    ----------
    name : str
        What was looked at, such as ``world:b2b``.
    rows : int
    findings : tuple of Finding
    facts : mapping of str to number
        Figures of the whole data, exact.
    counts : sequence of (str, int)
        A profile: events by name, or rows by label.
    sampled : int
        Rows that the row-by-row expectations saw (all, or an even sample).
    """

    name: str
    rows: int
    findings: tuple[Finding, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    counts: Sequence[tuple[str, int]] = ()
    sampled: int = 0

    @property
    def failed(self) -> list[Finding]:
        """Findings that are not as expected, of any severity."""
        return [f for f in self.findings if not f.passed]

    @property
    def failed_critical(self) -> list[Finding]:
        """Findings that stop the pipeline."""
        return [f for f in self.failed if f.severity == "critical"]

    @property
    def passed(self) -> bool:
        """No critical finding failed."""
        return not self.failed_critical

    def require(self) -> "ExpectationReport":
        """The report itself if it passed.

        Raises
        ------
        GateError
            With one reason per critical finding that failed.
        """
        if not self.passed:
            raise GateError([f"{self.name}: {f.about}: {f.observed}" for f in self.failed_critical])
        return self

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "name": self.name,
            "passed": self.passed,
            "rows": self.rows,
            "sampled": self.sampled,
            "failed": {s: sum(f.severity == s for f in self.failed) for s in ("critical", "warning", "info")},
            "facts": dict(self.facts),
            "counts": [list(c) for c in self.counts],
            "findings": [asdict(f) | {"examples": list(f.examples)} for f in self.findings],
        }

    def to_html(self) -> str:
        """One page that needs nothing else: no network, no script."""
        from growthbench.events.expectations.page import page

        return page(self)

    def write(self, folder: str | os.PathLike) -> Path:
        """Write ``expectations.html`` and ``expectations.json`` into a folder; returns the page's path."""
        folder = Path(folder)
        write_json(self.to_json(), folder / "expectations.json")
        write_text(self.to_html(), folder / "expectations.html")
        return folder / "expectations.html"

    def __str__(self) -> str:
        lines = [f"{self.name}: {len(self.findings)} expectations on {self.rows:,} rows, {len(self.failed)} not met"]
        lines += [f"  {f.severity:8}  {f.about}: {f.observed}" for f in self.failed]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        import html

        return f'<iframe srcdoc="{html.escape(self.to_html())}" style="width:100%;height:32em;border:0"></iframe>'
