"""Two runs side by side, and nothing shown that is the same in both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from growthbench.base.errors import BadInputError
from growthbench.base.jsonio import write_text
from growthbench.runs import differences
from growthbench.runs.paired import (
    CommonRows,
    Difference,
    common_rows,
    paired_differences,
    slice_differences,
    unpaired_differences,
)
from growthbench.runs.reading import RunView
from growthbench.runs.row_differences import rows_that_differ
from growthbench.runs.tracker import Progress

_FEW = 100
_SLICE_RESAMPLES = 200


@dataclass(frozen=True, repr=False)
class Review:
    """What differs between run ``a`` and run ``b``; empty where nothing does.

    Attributes
    ----------
    a, b : RunView
    params : list of dict
        ``name a b``.
    data, features, code, environment : mapping
        What went in; see `runs.differences`.
    rows : mapping of str to int
        ``a``, ``b``, ``common``, ``relabelled``: rows evaluated, and those the metrics below are measured on.
    metrics : list of Difference
        Metrics that differ, the task's main one first.
    slices : list of Difference
        Slices on which the main metric moved for sure (all intervals hold together).
    slices_looked_at : int
    answers : list of dict
        Questions that came out otherwise, see `row_differences.rows_that_differ`.
    """

    a: RunView
    b: RunView
    params: list[dict[str, Any]]
    data: Mapping[str, Any]
    features: Mapping[str, Any]
    code: Mapping[str, Any]
    environment: Mapping[str, Any]
    rows: Mapping[str, int]
    metrics: list[Difference]
    slices: list[Difference] = field(default_factory=list)
    slices_looked_at: int = 0
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def paired(self) -> bool:
        """The metrics were measured on common rows."""
        return not self.metrics or self.metrics[0].paired

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``no difference shown`` (b against a), ``not compared``, or ``nothing differs``."""
        if self.metrics:
            return next(
                (m.verdict for m in self.metrics if m.name == self.b.main_metric),
                "no difference shown",
            )
        inputs = (self.params, self.data, self.features, self.code, self.environment)
        return "no difference shown" if any(inputs) else "nothing differs"

    @property
    def claim(self) -> str:
        """The verdict as a sentence that stands on intervals alone."""
        from growthbench.runs.review_text import claim

        return claim(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "a": {"run_id": self.a.id, "name": self.a.name},
            "b": {"run_id": self.b.id, "name": self.b.name},
            "params": self.params,
            "data": dict(self.data),
            "features": dict(self.features),
            "code": dict(self.code),
            "environment": dict(self.environment),
            "rows": dict(self.rows),
            "metrics": [one.to_dict() for one in self.metrics],
            "slices": [one.to_dict() for one in self.slices],
            "slices_looked_at": self.slices_looked_at,
            "answers": self.answers,
            "verdict": self.verdict,
            "claim": self.claim,
        }

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        from growthbench.runs.review_text import text

        return text(self)

    def _repr_html_(self) -> str:
        from growthbench.runs.review_page import fragment

        return fragment(self)

    def to_html(self, path: Path) -> Path:
        """Write a page that needs nothing but a browser; pictures are inside."""
        from growthbench.runs.review_page import page

        write_text(page(self), path)
        return Path(path)


def review(a: RunView, b: RunView, seed: int = 0, progress: Progress | None = None) -> Review:
    """Compare two runs of one task: what went in, and what came out on the same rows.

    Metrics are compared by the paired bootstrap on the rows that both evaluations hold. Where they have too few in
    common (other data), the recorded metrics stand side by side with unpaired intervals and nothing is claimed.

    Parameters
    ----------
    a, b : RunView
        The earlier run, or champion, and the one that is judged.
    seed : int
        Of the bootstrap.
    progress : callable, optional
        Told (what, done, total).

    Raises
    ------
    BadInputError
        The runs are of different tasks.
    """
    if a.task != b.task or a.kind != b.kind:
        raise BadInputError(
            f"runs of one task can be compared: {a.name} is {a.task} ({a.kind}), {b.name} is {b.task} ({b.kind})",
            field="run",
        )
    said = progress or (lambda *_: None)
    said("comparing what went in", 0, 3)
    rows = common_rows(a.evaluation, b.evaluation)
    said("comparing metrics", 1, 3)
    metrics = _metrics(a, b, rows, seed)
    said("comparing slices", 2, 3)
    slices = _slices(b, rows, seed)
    said("comparing slices", 3, 3)
    return Review(
        a=a,
        b=b,
        params=differences.params_that_differ(a, b),
        data=differences.data_that_differs(a, b),
        features=differences.features_that_differ(a, b),
        code=differences.code_that_differs(a, b),
        environment=differences.environment_that_differs(a, b),
        rows={"a": rows.rows_a, "b": rows.rows_b, "common": len(rows), "relabelled": rows.relabelled},
        metrics=metrics,
        slices=[one for one in slices if one.verdict in ("better", "worse")],
        slices_looked_at=len(slices),
        answers=rows_that_differ(rows),
    )


def _metrics(a: RunView, b: RunView, rows: CommonRows, seed: int) -> list[Difference]:
    if rows.identical:
        return []
    if len(rows) < _FEW:
        found = unpaired_differences(b.kind, a.metrics, b.metrics, rows.rows_b)
    else:
        found = paired_differences(rows, b.kind, params=b.params, seed=seed)
    differing = [one for one in found if one.difference != 0 or one.lo != 0 or one.hi != 0]
    return sorted(differing, key=lambda one: one.name != b.main_metric)


def _slices(b: RunView, rows: CommonRows, seed: int) -> list[Difference]:
    if rows.identical or len(rows) < _FEW:
        return []
    return slice_differences(rows, b.kind, b.main_metric, count=_SLICE_RESAMPLES, seed=seed)
