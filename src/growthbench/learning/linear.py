"""The linear part of a model: one curve a column, added up in log-odds.

A logistic regression on standardised numbers and one-hot categories is a sum of one term a column: a straight (or
piecewise straight) line for a number, one value a category, one value for what is missing. Stored as these terms it
needs no scaler and no one-hot matrix, and each column's contribution can be read off. Beyond the range seen in
training a line goes on flat.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from growthbench.base.errors import ArtifactError


@dataclass(frozen=True)
class Term:
    """What one column adds, for k outputs (k = 1 for a binary model).

    Attributes
    ----------
    knots : ndarray, shape (m,)
        Ascending numbers where the line bends; empty for a category, whose codes 0..m-1 are the places.
    values : ndarray, shape (m, k)
        Log-odds at each knot, or for each category.
    missing : ndarray, shape (k,)
        Log-odds where the value is missing.
    centre : ndarray, shape (k,)
        Mean over the training rows: what the column is expected to add.
    """

    knots: np.ndarray
    values: np.ndarray
    missing: np.ndarray
    centre: np.ndarray

    def effects(self, x: np.ndarray) -> np.ndarray:
        """What each of n values adds, shape (n, k)."""
        if len(x) == 1:
            return np.array([self._one(float(x[0]))])
        absent = np.isnan(x)
        x = np.where(absent, self.knots[0] if len(self.knots) else 0.0, x)
        found = self._on_line(x) if len(self.knots) else self.values[x.astype(np.intp)] if len(self.values) else None
        if found is None:
            return np.repeat(self.missing[None], len(x), axis=0)
        return np.where(absent[:, None], self.missing, found)

    def _one(self, x: float) -> list[float]:
        """`effects` of a single value on plain floats: the same operations, so the same bits, ten times faster."""
        knots, values, missing = self._plain
        if x != x or not values:
            return missing
        if not knots:
            return values[int(x)]
        if len(knots) == 1:
            return values[0]
        x = min(max(x, knots[0]), knots[-1])
        left = min(max(bisect_right(knots, x) - 1, 0), len(knots) - 2)
        share = (x - knots[left]) / (knots[left + 1] - knots[left])
        return [a + share * (b - a) for a, b in zip(values[left], values[left + 1])]

    @cached_property
    def _plain(self) -> tuple[list[float], list[list[float]], list[float]]:
        return self.knots.tolist(), self.values.tolist(), self.missing.tolist()

    def _on_line(self, x: np.ndarray) -> np.ndarray:
        if len(self.knots) == 1:
            return np.repeat(self.values, len(x), axis=0)
        x = np.clip(x, self.knots[0], self.knots[-1])
        left = np.clip(np.searchsorted(self.knots, x, side="right") - 1, 0, len(self.knots) - 2)
        share = (x - self.knots[left]) / (self.knots[left + 1] - self.knots[left])
        return self.values[left] + share[:, None] * (self.values[left + 1] - self.values[left])


@dataclass(frozen=True)
class LinearPart:
    """Intercept (k,) and one `Term` for each of d columns."""

    intercept: np.ndarray
    terms: tuple[Term, ...]

    @property
    def n_features(self) -> int:
        """Number of columns d."""
        return len(self.terms)

    def margins(self, matrix: np.ndarray) -> np.ndarray:
        """Log-odds of encoded rows (n, d): float64, shape (n, k). Columns are added in order, so no batch matters."""
        if len(matrix) == 1:
            total = self.intercept.tolist()
            for x, term in zip(matrix[0].tolist(), self.terms):
                total = [a + b for a, b in zip(total, term._one(x))]
            return np.array([total])
        total = np.repeat(self.intercept[None], len(matrix), axis=0)
        for j, term in enumerate(self.terms):
            total = total + term.effects(matrix[:, j].astype(np.float64))
        return total

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """What each column adds beyond its mean, and last the bias: shape (n, k, d + 1).

        For a sum of independent terms these are the SHAP values (Lundberg & Lee 2017, corollary 1).
        """
        made = np.empty((len(matrix), len(self.intercept), self.n_features + 1))
        for j, term in enumerate(self.terms):
            made[:, :, j] = term.effects(matrix[:, j].astype(np.float64)) - term.centre
        made[:, :, -1] = self._bias
        return made

    @cached_property
    def _bias(self) -> np.ndarray:
        return self.intercept + sum((t.centre for t in self.terms), np.zeros_like(self.intercept))

    def to_json(self) -> dict:
        """The part as plain data; floats survive exactly."""
        return {
            "intercept": self.intercept.tolist(),
            "terms": [{name: getattr(t, name).tolist() for name in _FIELDS} for t in self.terms],
        }

    @classmethod
    def from_json(cls, data: Mapping) -> "LinearPart":
        """The inverse of `to_json`."""
        try:
            intercept = np.array(data["intercept"], np.float64)
            return cls(intercept, tuple(_term(t, len(intercept)) for t in data["terms"]))
        except (KeyError, TypeError, ValueError) as exc:
            raise ArtifactError(f"the linear part cannot be read: {exc!r}") from exc


_FIELDS = ("knots", "values", "missing", "centre")


def _term(data: Mapping[str, Sequence], k: int) -> Term:
    return Term(
        knots=np.array(data["knots"], np.float64),
        values=np.array(data["values"], np.float64).reshape(-1, k),
        missing=np.array(data["missing"], np.float64),
        centre=np.array(data["centre"], np.float64),
    )
