"""How a trained run looks in a notebook and in a terminal."""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from growthbench.workbench.training import TrainedRun


def metric_rows(run: "TrainedRun") -> list[dict]:
    """One row per metric: value and ends of its 95 % interval."""
    bounds = ("_lo", "_hi")
    names = [m for m in run.metrics if not m.endswith(bounds)]
    return [
        {"metric": m, "value": run.metrics[m], "low": run.metrics.get(f"{m}_lo"), "high": run.metrics.get(f"{m}_hi")}
        for m in names
    ]


def run_text(run: "TrainedRun") -> str:
    """Metrics with intervals, baselines and leaks as aligned text."""
    from growthbench.base.text_table import table

    parts = [f"run {run.run_id}: {run.task} on {run.data}", table(metric_rows(run))]
    if run.tables.get("leaks"):
        parts += ["", "leaks:", table(run.tables["leaks"])]
    if run.tables.get("baselines"):
        parts += ["", "against baselines:", table(run.tables["baselines"])]
    return "\n".join(parts)


def run_html(run: "TrainedRun") -> str:
    """The same as tables for a notebook."""
    import pandas as pd

    parts = [f"<p>run <code>{escape(run.run_id)}</code>: <b>{escape(run.task)}</b> on {escape(run.data)}</p>"]
    for title, rows in (
        ("", metric_rows(run)),
        ("leaks", run.tables.get("leaks", [])),
        ("against baselines", run.tables.get("baselines", [])),
    ):
        if rows:
            parts += [f"<p>{title}</p>" if title else "", pd.DataFrame(rows).to_html(index=False, na_rep="")]
    return "".join(parts)
