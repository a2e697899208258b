"""The gate a model passes before it is served: each check says what it saw, and one failure refuses."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from growthbench.base.errors import GateError, SettingsError
from growthbench.learning.params import build
from growthbench.runs import gate_checks as checks
from growthbench.runs.reading import RunView


def _at(low: float, high: float, default: Any):
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True)
class GateParams:
    """Section ``gate`` of ``params.yaml``; ``task`` means: what the task's own `learning.task.Gates` say.

    Attributes
    ----------
    metric : str
        The metric by which candidate and champion are compared.
    margin : float
        How much worse than the champion the candidate may be, in units of the metric, 95 % sure. 0 asks for better:
        the paired interval of the gain must lie above 0.
    max_ece : float or "task"
        Largest expected calibration error, the floor of a perfectly calibrated model taken off.
    max_slice_drop : float or "task"
        A slice collapses when it loses more than this of the metric, and loses at all for sure.
    min_slice_rows : int or "task"
        Smaller slices are not judged.
    min_common_rows : int
        Fewer rows in common with the champion's evaluation are too few to compare on.
    resamples : int
        Most resamples of the paired bootstrap, see `paired.resamples_for`.
    seed : int
    """

    metric: str = "task"
    margin: float = _at(0, 1e12, 0.0)
    max_ece: float | Literal["task"] = _at(0, 1, "task")
    max_slice_drop: float | Literal["task"] = _at(0, 1e12, "task")
    min_slice_rows: int | Literal["task"] = _at(1, 10**9, "task")
    min_common_rows: int = _at(2, 10**9, 200)
    resamples: int = _at(100, 100_000, 1_000)
    seed: int = _at(0, 2**31, 0)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> "GateParams":
        """Parameters of a plain mapping.

        Raises
        ------
        SettingsError
            Unknown key, wrong type, or out of range; ``field`` names it.
        """
        return build(cls, given, "gate.")

    @classmethod
    def load(cls, path: str | os.PathLike | None) -> "GateParams":
        """Section ``gate`` of a ``params.yaml``; defaults without a file or section."""
        if path is None:
            return cls()
        import yaml

        try:
            sections = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
            return cls.from_mapping(dict(sections.get("gate") or {}))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError) as exc:
            raise SettingsError(f"cannot read section gate of {path}: {exc}", field="gate") from exc


@dataclass(frozen=True)
class GateResult:
    """All answers of the gate.

    Attributes
    ----------
    candidate, champion : str or None
        Run ids.
    checks : tuple of Check
    """

    candidate: str
    champion: str | None
    checks: tuple[checks.Check, ...]

    @property
    def passed(self) -> bool:
        """No check failed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        """One sentence for each failed check."""
        return [f"{check.name}: {check.detail}" for check in self.checks if not check.passed]

    def require(self) -> None:
        """Raise `GateError` with the reasons unless all checks passed."""
        if not self.passed:
            raise GateError(self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """The evidence, as it goes into the deployment's row."""
        return {
            "passed": self.passed,
            "candidate": self.candidate,
            "champion": self.champion,
            "checks": [
                {"name": c.name, "passed": c.passed, "detail": c.detail, "figures": dict(c.figures)}
                for c in self.checks
            ],
        }

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        marks = {True: "ok", False: "FAILED"}
        return "\n".join(f"{check.name:<{width}}  {marks[check.passed]:<6}  {check.detail}" for check in self.checks)


def check(candidate: RunView, champion: RunView | None, params: GateParams | None = None) -> GateResult:
    """Judge a candidate: golden rows, leaks, calibration, baselines, and against the champion: metric and slices.

    Nothing is raised for a bad candidate: see `GateResult.require`.

    Parameters
    ----------
    candidate : RunView
    champion : RunView or None
        None where nothing is served yet: then the candidate has only itself and the baselines to beat.
    params : GateParams, optional
    """
    limits = checks.limits_of(candidate, params or GateParams())
    made = (
        checks.golden_rows(candidate),
        checks.leaks(candidate),
        *([checks.limits(candidate, limits)] if limits.of_metrics else []),
        checks.calibration(candidate, limits),
        checks.baselines(candidate, limits),
        checks.champion(candidate, champion, limits),
        checks.slices(candidate, champion, limits),
    )
    return GateResult(candidate.id, champion.id if champion else None, made)
