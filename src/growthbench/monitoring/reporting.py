"""One Evidently report: how far each column's distribution has moved, by the population stability index.

PSI = sum over bins of (c - r) ln(c / r), for the shares r of the reference and c of the current rows (Lewis 1994). The
method is fixed for every column: tests of significance call every shift of many rows a drift.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from growthbench.base.settings import be_quiet

if TYPE_CHECKING:
    import pandas as pd

THRESHOLD = 0.1
"""A column has drifted from this PSI on; 0.1 to 0.25 is usually called a moderate shift, more a major one."""

DRIFT_SHARE = 0.5
"""Evidently's headline says "drift" from this share of drifted columns on."""


def psi_report(
    reference: "pd.DataFrame", current: "pd.DataFrame", kinds: Mapping[str, str], html: Path
) -> dict[str, float]:
    """Write Evidently's drift report and give the PSI of every column.

    Parameters
    ----------
    reference, current : DataFrame
        Both with every column of ``kinds``; no column without values.
    kinds : mapping of str to {"number", "category"}
    html : Path
        Where the report is written: about 4 MB, readable offline.
    """
    be_quiet()
    with _quiet():
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        definition = DataDefinition(
            numerical_columns=[name for name, kind in kinds.items() if kind == "number"],
            categorical_columns=[name for name, kind in kinds.items() if kind == "category"],
        )
        preset = DataDriftPreset(columns=list(kinds), method="psi", threshold=THRESHOLD, drift_share=DRIFT_SHARE)
        datasets = [Dataset.from_pandas(frame[list(kinds)], definition) for frame in (current, reference)]
        snapshot = Report([preset], include_tests=True).run(*datasets)
        found = {
            metric["config"]["column"]: float(metric["value"])
            for metric in snapshot.dict()["metrics"]
            if metric["config"]["type"].endswith(":ValueDrift")
        }
        html.parent.mkdir(parents=True, exist_ok=True)
        snapshot.save_html(str(html))
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Evidently's warnings about itself, by name: its imports, and correlations of columns with one value."""
    with warnings.catch_warnings():
        for message in (
            "numpy.core is deprecated",
            "invalid escape sequence",
            "Call to deprecated function",
            "Use of deprecated class",
        ):
            warnings.filterwarnings("ignore", message=message, category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="\\s*invalid value encountered in", category=RuntimeWarning)
        yield
