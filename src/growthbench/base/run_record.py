"""What a piece of work did, told without knowing who writes it down (the rim that called it does)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

METRICS = ("auc", "ap", "log_loss", "brier", "ece", "lift_at_10", "cost")
"""The one list of metric names for binary tasks; each also as ``_lo`` and ``_hi``, ends of its 95 % interval."""

TEXT_METRICS = ("accuracy", "log_loss", "ece", "oos_recall", "in_scope_refused", "top3")
"""Metric names of multiclass and text tasks (``oos_*`` where out-of-scope rows exist)."""


@dataclass(frozen=True)
class RunRecord:
    """One training or evaluation, complete enough to be reviewed against another.

    Attributes
    ----------
    task, data : str
        Task name and data source, such as ``churn`` and ``dataset:telco-churn``.
    params : mapping
        Flat experiment parameters.
    metrics : mapping of str to float
        Names of `METRICS` or `TEXT_METRICS`, with ``_lo`` and ``_hi``; further ones keep a prefix (``gain_...``).
    evaluation : Path
        ``evaluation.parquet``: columns ``key fold label score calibrated`` and one per slice (``slice_*``).
    artifact : Path
        Model folder.
    plots : mapping of str to Path
        PNG files by name: roc, pr, calibration, lift, slices.
    tables : mapping of str to list of dict
        Small tables: baselines, slices, leaks.
    card : str
        Markdown model card.
    feature_hash, data_hash : str
        Identity of what the model saw.
    tags : mapping of str to str
    """

    task: str
    data: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    evaluation: Path
    artifact: Path
    card: str
    feature_hash: str
    data_hash: str
    plots: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, list[dict]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
