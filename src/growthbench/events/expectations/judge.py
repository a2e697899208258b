"""Run expectations with Great Expectations, quietly, and tell the outcome in our own words."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd

from growthbench.base.settings import be_quiet
from growthbench.events.expectations.report import Finding

_EXAMPLES = 5
_NOISE = (("module 'sre_(constants|parse|compile)' is deprecated", DeprecationWarning),)
"""What great_expectations itself does on Python 3.11."""


def judge(suite: str, frame: pd.DataFrame, expectations: Sequence[Any]) -> list[Finding]:
    """Findings of a list of expectations on one frame, in the order of the list.

    Parameters
    ----------
    suite : str
        Name of the group.
    frame : pandas.DataFrame
    expectations : sequence of great_expectations.expectations.Expectation
        Each with ``meta={"about": ...}`` and a severity.
    """
    gx = library()
    with _quiet():
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = _no_bars()
        asset = context.data_sources.add_pandas("frame").add_dataframe_asset(suite)
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
        numbered = [_numbered(expectation, i) for i, expectation in enumerate(expectations)]
        outcome = batch.validate(
            gx.ExpectationSuite(name=suite, expectations=numbered),
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": _EXAMPLES},
        )
    results = sorted(outcome.to_json_dict()["results"], key=lambda r: r["expectation_config"]["meta"]["place"])
    return [_finding(suite, result) for result in results]


def library():
    """The module great_expectations, imported with its telemetry off."""
    be_quiet()
    with _quiet():
        import great_expectations

    return great_expectations


def _no_bars():
    from great_expectations.data_context.types.base import ProgressBarsConfig

    return ProgressBarsConfig(globally=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars, no thread that watches them (tqdm would leave one running for good), no warnings of imports."""
    from tqdm import tqdm

    before = tqdm.monitor_interval
    tqdm.monitor_interval = 0
    try:
        with warnings.catch_warnings():
            for message, kind in _NOISE:
                warnings.filterwarnings("ignore", message, kind)
            yield
    finally:
        tqdm.monitor_interval = before


def _numbered(expectation, place: int):
    expectation.meta = {**(expectation.meta or {}), "place": place}
    return expectation


def _finding(suite: str, result: dict) -> Finding:
    config, found = result["expectation_config"], result["result"]
    return Finding(
        suite=suite,
        about=config["meta"].get("about", config["type"]),
        column=config["kwargs"].get("column", ""),
        severity=config["severity"],
        passed=bool(result["success"]),
        observed=_observed(result, found),
        kind=config["type"],
        examples=tuple(str(v) for v in found.get("partial_unexpected_list", ())[:_EXAMPLES]),
    )


def _observed(result: dict, found: dict) -> str:
    if not found:
        return _exception(result["exception_info"])
    if "observed_value" in found:
        return _words(found["observed_value"])
    if "unexpected_count" in found:
        share = found.get("unexpected_percent") or 0.0
        return f"{found['unexpected_count']:,} of {found['element_count']:,} ({share:.3g} %) are not"
    return ""


def _exception(told: dict) -> str:
    inner = told if "exception_message" in told else next(iter(told.values()), {})
    return " ".join(str(inner.get("exception_message") or "could not be computed").split())[:200]


def _words(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{value:,}" if isinstance(value, int) or float(value).is_integer() else f"{value:.4g}"
