"""A run is complete or it is not written: what a later review, gate or audit will ask for must be there."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from growthbench.base.errors import BadInputError
from growthbench.base.jsonio import read_json
from growthbench.base.run_record import METRICS, TEXT_METRICS, RunRecord

REQUIRED = {
    "binary": METRICS,
    "multiclass": ("accuracy", "log_loss", "ece"),
    "text": ("accuracy", "log_loss", "ece"),
}
"""Metrics without which a run of a kind is not written; other names of `TEXT_METRICS` are given where they apply."""

EVALUATION_COLUMNS = {
    "binary": ("key", "fold", "label", "calibrated", "score"),
    "text": ("key", "fold", "label", "calibrated", "predicted"),
    "program": ("key", "label"),
}
"""Columns of ``evaluation.parquet``; what a program's rows are measured by stands in columns ``measure_*``."""
PLOTS = {"binary": ("roc", "pr", "calibration", "lift")}


def check_complete(record: RunRecord) -> None:
    """Refuse a record that lacks anything.

    Raises
    ------
    BadInputError
        Names everything that is missing or out of form; ``field`` is the first of it.
    """
    manifest = _manifest(record)
    kind = manifest.get("kind", "binary") if manifest else "binary"
    faults = [
        *_absent(record),
        *_evaluation_faults(record.evaluation, kind),
        *_metric_faults(record.metrics, kind),
        *_unlike_its_rows(record, kind),
        *_plot_faults(record.plots, kind),
    ]
    if manifest is None:
        faults.append(("artifact", f"no manifest.json in {record.artifact}"))
    elif manifest.get("task") != record.task:
        faults.append(
            ("artifact", f"the artifact is a model of {manifest.get('task')!r}, the record of {record.task!r}")
        )
    if faults:
        said = "; ".join(dict.fromkeys(text for _, text in faults))
        raise BadInputError(f"the run is incomplete and was not written: {said}", field=faults[0][0])


def base_metric(name: str) -> str:
    """The metric that a name is about: ``auc`` of ``auc``, ``auc_lo`` and ``auc_hi``.

    >>> base_metric("log_loss_lo"), base_metric("gain_auc")
    ('log_loss', 'gain_auc')
    """
    return name[:-3] if name.endswith(("_lo", "_hi")) else name


def _manifest(record: RunRecord) -> dict | None:
    file = Path(record.artifact) / "manifest.json"
    return read_json(file) if file.is_file() else None


def _absent(record: RunRecord) -> Iterable[tuple[str, str]]:
    for name in ("task", "data", "card", "feature_hash", "data_hash"):
        if not str(getattr(record, name) or "").strip():
            yield name, f"{name} is empty"
    if not record.params:
        yield "params", "params are empty"


def _evaluation_faults(file: Path, kind: str) -> Iterable[tuple[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not Path(file).is_file():
        yield "evaluation", f"no evaluation.parquet at {file}: without it no paired review is possible"
        return
    try:
        with pq.ParquetFile(file) as parquet:
            names, rows = parquet.schema_arrow.names, parquet.metadata.num_rows
    except pa.ArrowInvalid as exc:
        yield "evaluation", f"{file} is not a Parquet file: {exc}"
        return
    wanted = EVALUATION_COLUMNS.get(kind, EVALUATION_COLUMNS["text"])
    if missing := [name for name in wanted if name not in names]:
        yield "evaluation", f"evaluation.parquet has no column {', '.join(missing)}"
    elif not rows:
        yield "evaluation", "evaluation.parquet has no rows"
    else:
        keys = pq.read_table(file, columns=["key"])["key"]
        if keys.null_count or len(keys.unique()) != rows:
            yield (
                "evaluation",
                "the keys of evaluation.parquet must be unique and never missing: rows are paired by them",
            )


def _metric_faults(metrics: Mapping[str, float], kind: str) -> Iterable[tuple[str, str]]:
    listed = METRICS if kind == "binary" else TEXT_METRICS
    for name in REQUIRED.get(kind, ()):
        if name not in metrics:
            yield "metrics", f"metric {name} is missing"
    for name, value in metrics.items():
        if not math.isfinite(value):
            yield "metrics", f"metric {name} is {value}"
        base = base_metric(name)
        if base not in listed and "_" not in base:
            yield "metrics", f"metric {name} is not on the list ({', '.join(listed)}) and has no prefix such as gain_"
    for name in (n for n in listed if n in metrics):
        if absent := [end for end in (f"{name}_lo", f"{name}_hi") if end not in metrics]:
            yield "metrics", f"metric {name} has no interval: {', '.join(absent)} missing"
        elif metrics[f"{name}_lo"] > metrics[f"{name}_hi"]:
            yield "metrics", f"the interval of metric {name} is upside down"


def _unlike_its_rows(record: RunRecord, kind: str) -> Iterable[tuple[str, str]]:
    """Metrics that the rows of the evaluation do not give: then no review of it could be trusted."""
    import pandas as pd

    from growthbench.base.statistics import value_of
    from growthbench.runs.measures import measures

    if list(_evaluation_faults(record.evaluation, kind)):
        return
    rows = pd.read_parquet(record.evaluation)
    for name, metric in measures(rows, kind, record.params).items():
        found = value_of(metric, len(rows))
        if name in record.metrics and not math.isclose(found, record.metrics[name], rel_tol=1e-9, abs_tol=1e-12):
            yield "metrics", f"metric {name} is recorded as {record.metrics[name]:.6g}, its rows say {found:.6g}"


def _plot_faults(plots: Mapping[str, Path], kind: str) -> Iterable[tuple[str, str]]:
    for name in PLOTS.get(kind, ()):
        if name not in plots:
            yield "plots", f"plot {name} is missing"
    for name, file in plots.items():
        if not Path(file).is_file():
            yield "plots", f"plot {name} is not at {file}"
