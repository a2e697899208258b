"""The model card: what a person should know before using the model (after Mitchell et al. 2019)."""

from collections.abc import Mapping, Sequence

from growthbench.base.clock import to_iso

_MOST_SLICES, _MOST_COLUMNS = 24, 60


def card_text(task, frame, result, judged, tables: Mapping[str, Sequence[Mapping]], digest: str) -> str:
    """Markdown card of one training.

    Parameters
    ----------
    task : Task
    frame : TrainingFrame
    result : TrainingResult
    judged : evaluation.Judgement
    tables : mapping of str to list of dict
    digest : str
        Of the artifact.
    """
    parts = [
        f"# {task.name}: {frame.source}",
        task.about,
        f"Artifact `{digest[:16]}`, data `{frame.data_hash[:16]}`, features `{frame.feature_hash[:16]}`.",
        "## Data",
        *_data(frame, result),
        *_reads(result),
        "## Metrics",
        _split_sentence(result),
        _metrics(judged.metrics),
        "## Against rivals",
        "On the same rows; `model_minus_` is the model less the rival, with the paired 95 % interval.",
        markdown(tables["baselines"]),
    ]
    if tables.get("bands"):
        parts += [
            "## Bands",
            "Where the cheapest action changes, by the prices in the parameters.",
            markdown(tables["bands"]),
        ]
    parts += judged.notes
    parts += ["## Leaks", *_leaks(result)]
    if tables.get("slices"):
        parts += ["## Slices", markdown(tables["slices"][:_MOST_SLICES])]
    parts += ["## Columns", _columns(frame, result), "## Limits", *_limits(task, frame, result)]
    return "\n\n".join(p for p in parts if p) + "\n"


def markdown(rows: Sequence[Mapping], columns: Sequence[str] | None = None) -> str:
    """Rows as a Markdown table.

    >>> print(markdown([{"name": "prior", "auc": 0.5}]))
    | name | auc |
    | --- | --- |
    | prior | 0.5 |
    """
    if not rows:
        return "None."
    columns = list(columns or dict.fromkeys(c for row in rows for c in row))
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(c)) for c in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _data(frame, result) -> list[str]:
    rows = f"{len(frame):,} rows from `{frame.source}`"
    if frame.time is not None and len(frame):
        rows += f", moments {to_iso(frame.time.min())[:10]} to {to_iso(frame.time.max())[:10]} (UTC)"
    inside = frame.y[frame.y >= 0]
    if len(frame.classes) == 2:
        return [f"{rows}; {inside.mean():.2%} have the outcome."]
    outside = int((frame.y < 0).sum())
    return [f"{rows}; {len(frame.classes)} classes" + (f", {outside:,} texts out of scope." if outside else ".")]


def _reads(result) -> list[str]:
    """What a text model reads, and why not more."""
    used = result.params_used
    if "used.reads" not in used:
        return []
    told = [f"The model reads {used['used.reads']}."]
    if "used.valid_log_loss_meaning" in used:
        told.append(
            f"Log loss on validation texts: {used['used.valid_log_loss_words']:.4f} with words only, "
            f"{used['used.valid_log_loss_meaning']:.4f} with meaning as well."
        )
    return ["## What it reads", " ".join(told)]


def _split_sentence(result) -> str:
    split = result.split
    if split.get("kind") == "folds":
        return (
            f"{split['folds']} stratified folds: each row is predicted by a model made without it, calibration "
            f"included. The artifact is the same recipe on all {split['train_rows']:,} rows."
        )
    if split.get("kind") == "time":
        return (
            f"Trained on moments {' to '.join(split['train_period'])} ({split['train_rows']:,} rows), judged on "
            f"{' to '.join(split['test_period'])} ({split['test_rows']:,} rows), {split['embargo_days']} days of "
            f"embargo between them. The model judged is the artifact."
        )
    return f"Judged on {split.get('test_rows', 0):,} test rows; the model judged is the artifact."


def _metrics(metrics) -> str:
    rows = [{"metric": n, "value": e.value, "95 % from": e.lo, "to": e.hi} for n, e in metrics.items()]
    return markdown(rows)


def _leaks(result) -> list[str]:
    if not result.leaks:
        return ["No column is known or was found to hold the future."]
    dropped = result.params_used.get("leaks") == "drop"
    rows = [
        {
            "column": leak.column,
            "known": "yes" if leak.known else "no",
            "found": "yes" if leak.found else "no",
            "AUC alone": leak.auc_alone,
            "used": "no" if leak.known and dropped else "YES",
            "evidence": leak.evidence,
        }
        for leak in result.leaks
    ]
    return [markdown(rows)]


def _columns(frame, result) -> str:
    gone = {leak.column for leak in result.leaks if leak.known} if result.params_used.get("leaks") == "drop" else set()
    rows = [
        {"column": c.name, "kind": c.kind, "unit": c.unit, "about": c.about}
        for c in frame.columns
        if c.name not in gone
    ]
    more = f"\n\n... and {len(rows) - _MOST_COLUMNS} more." if len(rows) > _MOST_COLUMNS else ""
    return markdown(rows[:_MOST_COLUMNS]) + more


def _limits(task, frame, result) -> list[str]:
    limits = [
        "- It says what is likely, not what an action would change: nothing here measures the effect of a contact."
    ]
    if result.split.get("kind") == "folds":
        limits.append("- The rows have no time: how well it holds in the months to come was not measured.")
    else:
        limits.append("- It was judged on the period above only; drift has to be watched.")
    if any(leak.found and not leak.known for leak in result.leaks):
        limits.append(
            "- A column looks as if it knew the outcome and was kept: read the leaks before trusting a figure."
        )
    if task.confidence:
        limits.append(f"- Answers with a confidence under {task.confidence:g} are meant for a person.")
    return ["\n".join(limits)]


def _cell(value) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value).replace("|", "\\|")
