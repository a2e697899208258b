"""Expectations of a table that a model shall learn from: leads, customers, training frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from growthbench.base.errors import DataFormatError
from growthbench.events.expectations.judge import judge, library
from growthbench.events.expectations.report import ExpectationReport

_SAMPLE_ROWS = 200_000
_FEW_CLASSES = 20


def check_table(
    frame: pd.DataFrame,
    label: str,
    *,
    positive: Any = None,
    key: str | None = None,
    text: str | None = None,
    columns: Sequence[str] | None = None,
    ranges: Mapping[str, tuple[float | None, float | None]] | None = None,
    label_rate: tuple[float, float] = (0.01, 0.99),
    min_rows: int = 100,
    name: str = "table",
) -> ExpectationReport:
    """Look at a labelled table.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, d)
    label : str
        Target column.
    positive : optional
        Its positive value; the share of it must lie within ``label_rate``. None for several classes.
    key : str, optional
        Column that names each row: complete and unique.
    text : str, optional
        Column of texts: complete, 1 to 10,000 characters.
    columns : sequence of str, optional
        Columns that must be there (schema); others may be as well.
    ranges : mapping of str to (low, high), optional
        Limits of number columns; None is open.
    label_rate : (float, float), default (0.01, 0.99)
    min_rows : int, default 100
    name : str
        What to call it in the report.

    Returns
    -------
    ExpectationReport

    Raises
    ------
    DataFormatError
        The table has no rows or no columns.
    """
    if frame.empty:
        raise DataFormatError(f"{name} has no rows", field="rows")
    gx = library()
    wanted = [label, *([key] if key else []), *([text] if text else []), *(columns or ())]
    findings = judge("schema", frame.head(1), [_has(gx, c) for c in dict.fromkeys(wanted)])
    if any(not f.passed for f in findings):
        return ExpectationReport(name, len(frame), tuple(findings))
    facts = _facts(frame, label, positive, key)
    findings += judge("label and rows", pd.DataFrame([facts]), _fact_suite(gx, positive, label_rate, min_rows, key))
    sample = _sample(frame)
    findings += judge("columns", sample, _column_suite(gx, sample, label, key, text, ranges or {}))
    counts = frame[label].astype(str).value_counts().head(_FEW_CLASSES)
    rows = tuple((str(k), int(v)) for k, v in counts.items())
    return ExpectationReport(name, len(frame), tuple(findings), facts, rows, len(sample))


def _has(gx, column: str):
    return gx.expectations.ExpectColumnToExist(column=column, meta={"about": f"there is a column {column}"})


def _facts(frame: pd.DataFrame, label: str, positive: Any, key: str | None) -> dict[str, Any]:
    target, features = frame[label], frame.drop(columns=[label, *([key] if key else [])])
    facts = {
        "rows": len(frame),
        "columns": frame.shape[1],
        "missing_labels": int(target.isna().sum()),
        "classes": int(target.nunique()),
        "duplicate_share": float(features.duplicated().mean()) if features.shape[1] else 0.0,
        "missing_share": float(frame.isna().to_numpy().mean()),
    }
    if positive is not None:
        facts["label_rate"] = float((target == positive).mean())
    if key is not None:
        facts |= {"missing_keys": int(frame[key].isna().sum()), "repeated_keys": int(frame[key].duplicated().sum())}
    return facts


def _fact_suite(gx, positive: Any, label_rate: tuple[float, float], min_rows: int, key: str | None) -> list:
    rows = [
        ("rows", min_rows, None, "critical", f"at least {min_rows:,} rows"),
        ("missing_labels", None, 0, "critical", "every row has a label"),
        ("classes", 2, None, "critical", "the label has at least two values"),
        ("duplicate_share", None, 0.05, "warning", "at most 5 % of the rows repeat another one"),
        ("missing_share", None, 0.5, "warning", "at least half of the cells are filled"),
    ]
    if positive is not None:
        low, high = label_rate
        rows.append(("label_rate", low, high, "critical", f"{low:.0%} to {high:.0%} of the rows are positive"))
    if key is not None:
        rows += [
            ("missing_keys", None, 0, "critical", "every row has a key"),
            ("repeated_keys", None, 0, "critical", "a key comes once"),
        ]
    expect = gx.expectations.ExpectColumnMaxToBeBetween
    return [
        expect(column=column, min_value=low, max_value=high, severity=severity, meta={"about": about})
        for column, low, high, severity, about in rows
    ]


def _column_suite(gx, frame: pd.DataFrame, label: str, key: str | None, text: str | None, ranges) -> list:
    expect, suite = gx.expectations, []
    for column in (c for c in frame.columns if c not in (label, key, text)):
        suite.append(
            expect.ExpectColumnValuesToNotBeNull(
                column=column, mostly=0.01, severity="warning", meta={"about": f"{column} is filled in some rows"}
            )
        )
        suite.append(
            expect.ExpectColumnUniqueValueCountToBeBetween(
                column=column, min_value=2, severity="warning", meta={"about": f"{column} has more than one value"}
            )
        )
    for column in frame.select_dtypes("number").columns:
        low, high = ranges.get(column, (None, None))
        suite.append(_between(gx, column, low, high))
    if text is not None:
        about = {"about": f"{text} has 1 to 10,000 characters"}
        suite.append(expect.ExpectColumnValuesToNotBeNull(column=text, meta={"about": f"every row has a {text}"}))
        suite.append(expect.ExpectColumnValueLengthsToBeBetween(column=text, min_value=1, max_value=10_000, meta=about))
    return suite


def _between(gx, column: str, low: float | None, high: float | None):
    """Within its limits; without limits, within what a double can hold: infinities are critical."""
    largest = float(np.finfo(np.float64).max)
    told = low is not None or high is not None
    about = f"{column} lies between {low} and {high}" if told else f"{column} is finite"
    return gx.expectations.ExpectColumnValuesToBeBetween(
        column=column,
        min_value=-largest if low is None else low,
        max_value=largest if high is None else high,
        meta={"about": about},
    )


def _sample(frame: pd.DataFrame) -> pd.DataFrame:
    step = -(-len(frame) // _SAMPLE_ROWS)
    return frame.iloc[::step].reset_index(drop=True)
