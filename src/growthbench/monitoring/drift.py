"""The drift stage: training rows against the newest rows, in one report for people and one summary for machines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.jsonio import write_json
from growthbench.base.text_table import table
from growthbench.monitoring.decisions import DecisionDrift, answers, decision_drift
from growthbench.monitoring.frames import MISSING, check_frames, report_frames, sampled
from growthbench.monitoring.reporting import THRESHOLD, psi_report

if TYPE_CHECKING:
    import pandas as pd

    from growthbench.learning.columns import Column
    from growthbench.learning.model import Model

_EFFECTS = 10

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ColumnDrift:
    """How far one column moved.

    Attributes
    ----------
    name : str
    kind : {"number", "category"}
    psi : float
        Population stability index; of a number over its present values.
    drifted : bool
        ``psi`` is 0.1 or more, or the share of missing values moved as far.
    missing_reference, missing_current : float
        Share (0..1) of missing values.
    """

    name: str
    kind: str
    psi: float
    drifted: bool
    missing_reference: float
    missing_current: float


@dataclass(frozen=True)
class DriftSummary:
    """What the drift stage found.

    Attributes
    ----------
    columns : tuple of ColumnDrift
        The furthest moved first.
    share : float
        Share (0..1) of columns that drifted.
    score_psi : float or None
        PSI of the model's scores, None without a model.
    decisions : DecisionDrift or None
        What the model makes of it.
    rows_reference, rows_current : int
        Rows looked at, after sampling.
    left_out : mapping of str to str
        Columns not looked at, with the reason.
    html, json : Path
        The two files.
    """

    columns: tuple[ColumnDrift, ...]
    share: float
    score_psi: float | None
    decisions: DecisionDrift | None
    rows_reference: int
    rows_current: int
    left_out: Mapping[str, str]
    html: Path
    json: Path

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without the paths."""
        return {
            "columns": [asdict(column) for column in self.columns],
            "share": self.share,
            "threshold": THRESHOLD,
            "score_psi": self.score_psi,
            "decisions": self.decisions.to_dict() if self.decisions else None,
            "rows_reference": self.rows_reference,
            "rows_current": self.rows_current,
            "left_out": dict(self.left_out),
        }

    def __str__(self) -> str:
        lines = [
            f"{sum(c.drifted for c in self.columns)} of {len(self.columns)} columns drifted (PSI >= {THRESHOLD:g})"
        ]
        drifted = [asdict(c) for c in self.columns if c.drifted]
        if drifted:
            lines.append(table(drifted, ["name", "kind", "psi", "missing_reference", "missing_current"]))
        if self.decisions:
            d = self.decisions
            lines.append(
                f"mean {d.score} {d.mean_reference:.4f} -> {d.mean_current:.4f} ({d.shift:+.4f}, 95 % "
                f"{d.shift_lo:+.4f} to {d.shift_hi:+.4f}); at least {d.moved:.1%} of the rows get another {d.decision}"
            )
            if d.effects:
                lines.append(table([asdict(e) for e in d.effects]))
        return "\n".join(lines)


def drift_report(
    reference: "pd.DataFrame",
    current: "pd.DataFrame",
    columns: "Mapping[str, str] | Sequence[Column]",
    out: Path,
    model: "Model | None" = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> DriftSummary:
    """Compare the rows a model was trained on with the newest ones.

    Parameters
    ----------
    reference, current : DataFrame
        Training rows and newest rows with every one of ``columns``; more than 20,000 rows are sampled.
    columns : sequence of learning.columns.Column, or mapping of str to {"number", "category", "text"}
        What is compared, beside the model's own columns. Of texts only the model's answers are.
    out : Path
        Folder for ``index.html`` (Evidently's report) and ``drift.json``.
    model : learning.model.Model, optional
        Scores both sets, so that the drift of scores and decisions is told, and which columns cause it.
    seed : int
        Of the sampling.
    progress : callable, optional
        Told (what, done, total).

    Raises
    ------
    BadInputError
        A column is absent, nothing can be compared, or there are fewer than 100 rows on a side (a PSI would be noise).
    """
    columns = dict(columns) if isinstance(columns, Mapping) else {c.name: c.kind for c in columns}
    if model is not None:
        columns |= {c.name: c.kind for c in model.columns}
    check_frames(reference, current, columns)
    said = progress or (lambda *_: None)
    said("comparing columns", 0, 3)
    plain = [sampled(frame, columns, seed) for frame in (reference, current)]
    said("scoring", 1, 3)
    read = [{c.name: frame[c.name] for c in model.columns} if model is not None else {} for frame in plain]
    scored = [answers(model.score(frame)) if model is not None else {} for frame in read]
    frames, kinds, left_out = report_frames(plain, scored, columns)
    said("writing the report", 2, 3)
    html, json = Path(out) / "index.html", Path(out) / "drift.json"
    psi = psi_report(*frames, kinds, html)
    found = _columns(plain, columns, psi, left_out)
    decisions = None
    if model is not None:
        look_at = [c.name for c in found if c.drifted and c.name in read[0]][:_EFFECTS]
        decisions = decision_drift(model, *read, look_at=look_at, seed=seed)
    summary = DriftSummary(
        columns=found,
        share=sum(c.drifted for c in found) / len(found) if found else 0.0,
        score_psi=psi.get("(score)"),
        decisions=decisions,
        rows_reference=len(frames[0]),
        rows_current=len(frames[1]),
        left_out=left_out,
        html=html,
        json=json,
    )
    write_json(summary.to_dict(), json)
    said("writing the report", 3, 3)
    return summary


def _columns(plain: list[dict], columns, psi: Mapping[str, float], left_out) -> tuple[ColumnDrift, ...]:
    found = []
    for name, kind in columns.items():
        companion = psi.get(f"{name} {MISSING}", 0.0)
        if kind == "text" or (name in left_out and not companion):
            continue
        missing = [float(np.mean([_absent(v) for v in frame[name].tolist()])) for frame in plain]
        own = psi.get(name, companion)
        found.append(ColumnDrift(name, kind, own, max(own, companion) >= THRESHOLD, *missing))
    return tuple(sorted(found, key=lambda c: (-c.psi, c.name)))


def _absent(value: Any) -> bool:
    return value is None or value != value
