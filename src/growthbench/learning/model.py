"""A loaded model: what training, evaluation, the service and reviews all score with."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.learning.blend import Blend
from growthbench.learning.columns import Column
from growthbench.learning.folder import manifest_digest
from growthbench.learning.reasons import Explanation
from growthbench.learning.thresholds import Thresholds

if TYPE_CHECKING:
    from growthbench.features.plan import Plan


@dataclass(frozen=True)
class Scores:
    """Answers for n rows.

    Attributes
    ----------
    score : ndarray of float64
        Calibrated probability of ``yes``, shape (n,); of each class, shape (n, k), for several classes.
    log_odds : ndarray of float64
        Calibrated log-odds (n,), or logits (n, k).
    raw : ndarray of float64
        Margins before calibration: (n,) or (n, k).
    label : list of str
        Class decided for; the likeliest of several.
    band : list of str or None
        Band of a binary score, where the model has bands.
    confidence : ndarray of float64, shape (n,)
        Probability of the likelier class: of ``yes`` or of ``no``, or of the label.
    refused : ndarray of bool, shape (n,), or None
        Text only: the text belongs to none of the classes, as far as the model can tell.
    """

    score: np.ndarray
    log_odds: np.ndarray
    raw: np.ndarray
    label: list[str]
    band: list[str] | None
    confidence: np.ndarray
    refused: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.label)


class Model(ABC):
    """A verified artifact, ready to score; safe to use from several threads.

    Attributes
    ----------
    manifest : dict
        As stored: task, kind, classes, source, params, hashes, file digests.
    columns : tuple of Column
        What a row must name.
    thresholds : Thresholds
    blend : Blend or None
        Parts served beside the model's own score.
    plan_json : str or None
        How the columns are computed from the log, if they are features of it.
    """

    columns: tuple[Column, ...]
    tolerance: float = 0.0
    """How far a golden row's margin may be from what is stored; 0: not one bit."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        thresholds: Thresholds,
        blend: Blend | None = None,
        plan_json: str | None = None,
    ):
        self.manifest = dict(manifest)
        self.thresholds, self.blend, self.plan_json = thresholds, blend, plan_json
        self.classes = tuple(manifest["classes"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.task} {self.digest[:12]}: {len(self.columns)} columns>"

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.manifest["task"]

    @property
    def kind(self) -> str:
        """``binary``, ``multiclass`` or ``text``."""
        return self.manifest["kind"]

    @cached_property
    def digest(self) -> str:
        """Content digest: equal for equal models, whoever trained them, whenever."""
        return manifest_digest(self.manifest)

    @property
    def feature_hash(self) -> str:
        """Identity of the features the model reads."""
        return self.manifest.get("feature_hash", "")

    @cached_property
    def plan(self) -> "Plan | None":
        """The plan that computes the columns for a person, or None for a model of a plain table."""
        if self.plan_json is None:
            return None
        from growthbench.features.plan import Plan

        try:
            return Plan.from_json(json.loads(self.plan_json))
        except (ValueError, KeyError, TypeError) as exc:
            raise ArtifactError(f"plan.json cannot be read: {exc!r}") from exc

    @abstractmethod
    def score(self, columns: Mapping[str, Sequence]) -> Scores:
        """Score rows given as columns.

        Raises
        ------
        BadInputError
            A column is unknown, absent, or of another type; ``field`` names it.
        """

    @abstractmethod
    def columns_of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list]:
        """Rows, each naming every column, turned into columns; their names are checked."""

    @abstractmethod
    def _explain(self, columns: Mapping[str, Sequence], row: int, label: str | None) -> Explanation:
        """All reasons of one row, the largest first."""

    def score_rows(self, rows: Sequence[Mapping[str, Any]]) -> Scores:
        """Score rows given as mappings; the same answers as `score` of their columns."""
        return self.score(self.columns_of(rows))

    def explain(
        self, columns: Mapping[str, Sequence], row: int = 0, top: int | None = None, label: str | None = None
    ) -> Explanation:
        """Why a row has its score: contributions that sum with the bias to the calibrated log-odds.

        Parameters
        ----------
        columns : mapping of str to sequence
        row : int
            Which of the rows.
        top : int, optional
            At most so many reasons; the others are summed up in ``rest``.
        label : str, optional
            Class to explain where there are several; by default the one decided for.
        """
        if label is not None and label not in self.classes:
            raise BadInputError(f"unknown class {label!r}: the model knows {', '.join(self.classes)}", field="label")
        one = {name: plain(values[row : row + 1]) for name, values in columns.items()}
        return self._explain(one, 0, label).top(top)

    def reasons(self, columns: Mapping[str, Sequence], row: int = 0, top: int | None = None) -> list[dict[str, Any]]:
        """``column value contribution`` of one row, the largest contribution first: see `explain`."""
        return self.explain(columns, row, top).reasons

    def parts(self, columns: Mapping[str, Sequence], score: np.ndarray | None = None) -> dict[str, np.ndarray] | None:
        """Parts of the blend by name, with ``blend`` and ``qualified``; None for a model without a blend.

        Parameters
        ----------
        columns : mapping of str to sequence
        score : ndarray, optional
            Calibrated probabilities, if they were computed already.
        """
        if self.blend is None:
            return None
        return self.blend.evaluate(columns, self.score(columns).score if score is None else score)


def plain(values: Sequence) -> list:
    """A column as a list of Python values: of a list, an array or a pandas Series."""
    return values.tolist() if hasattr(values, "tolist") else list(values)


def said_value(value: Any) -> Any:
    """A value as it is told in a reason: plain Python, None for NaN."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and value != value else value


def classes_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Classes of a manifest, checked."""
    classes = manifest.get("classes")
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(c, str) for c in classes):
        raise ArtifactError(f"the manifest names no classes, found {classes!r}")
    return tuple(classes)
