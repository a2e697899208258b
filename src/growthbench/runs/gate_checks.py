"""The gate's questions, one function each: from runs to an answer with its figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import ArtifactError, NotFoundError
from growthbench.base.statistics import ece_floor, value_of
from growthbench.knowledge.evaluation.limits import LIMITS
from growthbench.learning.artifact import load_artifact
from growthbench.learning.configuration import PROGRAM
from growthbench.learning.task import Gates
from growthbench.runs.measures import (
    BASELINE,
    as_baseline,
    baselines_of,
    higher_is_better,
    in_scope,
    measures,
    task_of,
)
from growthbench.runs.paired import CommonRows, Difference, common_rows, paired_differences, slice_differences
from growthbench.runs.reading import RunView

if TYPE_CHECKING:
    from growthbench.runs.gate import GateParams

_OF_PROGRAMS = Gates(metric="accuracy", max_ece=0.1, max_slice_drop=0.1, min_slice_rows=20)
"""Labelled questions are hundreds, not thousands."""


@dataclass(frozen=True)
class Check:
    """One question of the gate and its answer.

    Attributes
    ----------
    name : str
    passed : bool
    detail : str
        One sentence with the figures.
    figures : mapping
        The same for machines.
    """

    name: str
    passed: bool
    detail: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """The gate's parameters with the task's own in place of ``task``; see `GateParams`."""

    kind: str
    metric: str
    margin: float
    max_ece: float
    max_slice_drop: float
    min_slice_rows: int
    min_common_rows: int
    resamples: int
    seed: int
    must_beat: tuple[str, ...]
    of_metrics: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)


def floor_of(kind: str) -> str:
    """The baseline that knows nothing: the outcome's share, or a program that never answers."""
    return "silence" if kind == PROGRAM else "prior"


def limits_of(run: RunView, params: "GateParams") -> Limits:
    """What holds for a run's task."""
    task = task_of(run.task, run.kind)
    gates = _OF_PROGRAMS if run.kind == PROGRAM else task.gates
    return Limits(
        kind=run.kind,
        metric=run.main_metric if params.metric == "task" else params.metric,
        margin=params.margin,
        max_ece=gates.max_ece if params.max_ece == "task" else params.max_ece,
        max_slice_drop=gates.max_slice_drop if params.max_slice_drop == "task" else params.max_slice_drop,
        min_slice_rows=gates.min_slice_rows if params.min_slice_rows == "task" else params.min_slice_rows,
        min_common_rows=params.min_common_rows,
        resamples=params.resamples,
        seed=params.seed,
        must_beat=(floor_of(run.kind), *task.baselines),
        of_metrics=LIMITS.get(run.task, {}),
    )


def golden_rows(run: RunView) -> Check:
    """The artifact is the one that was logged and reproduces its golden rows, bit for bit, here and now."""
    try:
        model = load_artifact(run.artifact)
    except (ArtifactError, NotFoundError) as exc:
        return Check("golden_rows", False, str(exc))
    same = model.digest == run.digest and model.task == run.task
    right = "is the configuration that was logged" if run.kind == PROGRAM else "reproduces its golden rows"
    said = right if same else f"is not the logged model {run.digest[:12]}: found {model!r}"
    return Check("golden_rows", same, f"the artifact {said}", {"digest": model.digest})


def leaks(run: RunView) -> Check:
    """No column that the alarm rang for is still read by the model."""
    if run.kind in ("text", PROGRAM):
        return Check("leaks", True, "a text has no columns that could leak")
    if "leaks" not in run.tables:
        return Check("leaks", False, "the run has no table of leaks: the alarm was not run")
    read = {column["name"] for column in run.features}
    kept = [row["column"] for row in run.tables["leaks"] if row["column"] in read]
    said = f"the model reads {', '.join(kept)}, of which the leak alarm says it knows the outcome"
    return Check("leaks", not kept, said if kept else "no alarm for a column the model reads", {"columns": kept})


def limits(run: RunView, limits: Limits) -> Check:
    """Metrics that have a bound of their own keep it."""
    broken = []
    for name, (least, most) in limits.of_metrics.items():
        value = run.metrics.get(name)
        if value is None:
            broken.append(f"{name} was not measured")
        elif least is not None and value < least:
            broken.append(f"{name} {value:.4g}, at least {least:g} is asked for")
        elif most is not None and value > most:
            broken.append(f"{name} {value:.4g}, at most {most:g} is allowed")
    figures = {name: run.metrics.get(name) for name in limits.of_metrics}
    said = "; ".join(broken) or (f"all hold: {', '.join(limits.of_metrics)}" if limits.of_metrics else "none are set")
    return Check("limits", not broken, said, figures)


def calibration(run: RunView, limits: Limits) -> Check:
    """Probabilities are frequencies: ECE within the floor of a perfectly calibrated model plus the limit."""
    rows = in_scope(run.evaluation)
    if "calibrated" not in rows:
        return Check("calibration", True, "no probabilities are told")
    p = rows["calibrated"].to_numpy(np.float64)
    found = value_of(measures(rows, run.kind)["ece"], len(rows))
    floor = ece_floor(p, np.random.default_rng(limits.seed)).value
    allowed = floor + limits.max_ece
    said = f"ece {found:.4f}, allowed {allowed:.4f} (floor {floor:.4f} + {limits.max_ece:g})"
    return Check("calibration", found <= allowed, said, {"ece": found, "floor": floor, "limit": limits.max_ece})


def baselines(run: RunView, limits: Limits) -> Check:
    """Shown better than the prior and the task's own baselines, not shown worse than any other."""
    rows = run.evaluation
    names = baselines_of(rows)
    # A task's own baseline may need columns that another source of data does not have; the prior needs none, and a
    # model that serves the blend beside its score had its columns.
    wanted = {floor_of(run.kind), *(["blend"] if (run.artifact / "blend.json").is_file() else [])}
    if absent := sorted(wanted - set(names)):
        said = f"evaluation.parquet has no column {', '.join(BASELINE + name for name in absent)} to compare with"
        return Check("baselines", False, said)
    must_beat = [name for name in limits.must_beat if name in names]
    found, failed = {}, []
    for name in names:
        one = _difference(common_rows(as_baseline(rows, name, limits.metric), rows), limits)
        found[name] = one.to_dict()
        lo, hi = one.gain_interval
        if not lo > 0 if name in must_beat else hi < 0:
            failed.append(f"{name} ({_figures(one)})")
    if failed:
        return Check("baselines", False, f"not better than the baseline {', '.join(failed)}", found)
    return Check(
        "baselines", True, f"better than {', '.join(must_beat)}; not shown worse than any of {', '.join(names)}", found
    )


def champion(run: RunView, champion: RunView | None, limits: Limits) -> Check:
    """Better than the champion by the paired interval, or within the margin that the parameters allow."""
    if champion is None:
        return Check("champion", True, "nothing is served yet")
    if champion.digest == run.digest:
        return Check("champion", True, "the same model is served already", {"digest": run.digest})
    rows = common_rows(champion.evaluation, run.evaluation)
    if len(rows) < limits.min_common_rows:
        said = f"{len(rows)} rows in common with the champion's evaluation, {limits.min_common_rows} are needed"
        return Check("champion", False, f"cannot be compared: {said}", {"rows": len(rows)})
    one = _difference(rows, limits)
    lowest = one.gain_interval[0]
    good = lowest > 0 if limits.margin == 0 else lowest >= -limits.margin
    wanted = "must lie above 0" if limits.margin == 0 else f"may reach down to {-limits.margin:g}"
    said = f"{_figures(one)} on {len(rows):,} common rows; the interval of the gain {wanted}"
    return Check("champion", bool(good), said, one.to_dict() | {"margin": limits.margin})


def slices(run: RunView, champion: RunView | None, limits: Limits) -> Check:
    """No slice fell: against the champion, or, where there is none, against knowing nothing."""
    if champion is None:
        if (floor := floor_of(run.kind)) not in baselines_of(run.evaluation):
            return Check("slices", False, f"there is neither a champion nor {BASELINE}{floor} to compare with")
        if run.kind == PROGRAM:  # silence is right about whatever has no answer: no slice of those could pass
            return Check("slices", True, "nothing is served yet")
        rows, drop = common_rows(as_baseline(run.evaluation, floor), run.evaluation), 0.0
    else:
        rows, drop = common_rows(champion.evaluation, run.evaluation), limits.max_slice_drop
    found = []
    if len(rows):
        counts = {"min_rows": limits.min_slice_rows, "count": limits.resamples, "seed": limits.seed}
        found = slice_differences(rows, limits.kind, limits.metric, **counts)
    fallen = [one for one in found if -one.gain > drop and one.gain_interval[1] < 0]
    figures = {"looked_at": len(found), "fallen": [one.to_dict() for one in fallen]}
    if fallen:
        said = ", ".join(f"{one.part} ({_figures(one)}, {one.rows:,} rows)" for one in fallen)
        return Check("slices", False, f"fell by more than {drop:g}: {said}", figures)
    if not found:
        return Check("slices", True, f"no slice of {limits.min_slice_rows} rows to look at", figures)
    worst = min(found, key=lambda one: one.gain)
    return Check("slices", True, f"none of {len(found)} fell; the least {worst.part} ({_figures(worst)})", figures)


def _difference(rows: CommonRows, limits: Limits) -> Difference:
    names = (limits.metric,)
    return paired_differences(rows, limits.kind, names, count=limits.resamples, seed=limits.seed)[0]


def _figures(one: Difference) -> str:
    arrow = "" if higher_is_better(one.name) else ", less is better"
    return f"{one.name} {one.difference:+.4f}, 95 % {one.lo:+.4f} to {one.hi:+.4f}{arrow}"
