"""Fit the linear part of a model with scikit-learn, and fold scaler, one-hot matrix and weights into its terms."""

import numpy as np

from growthbench.learning.linear import LinearPart, Term


def fit_linear(
    matrix: np.ndarray, y: np.ndarray, feature_types: list[str], c: float = 0.1, knots: int = 0, k: int = 2
) -> LinearPart:
    """Logistic regression (multinomial for k > 2), L2, on standardised numbers and one-hot categories.

    Parameters
    ----------
    matrix : ndarray of float32, shape (n, d)
        Encoded rows.
    y : ndarray of int, shape (n,)
        Class numbers 0..k-1.
    feature_types : list of {"q", "c"}
        As `Encoder.feature_types`.
    c : float, default 0.1
        Inverse strength of the penalty.
    knots : int, default 0
        Inner knots, at quantiles, where the line of a number may bend (hinge basis); 0 is a straight line.
    k : int, default 2
        Number of classes.

    Returns
    -------
    LinearPart
        Of one output for k = 2, else of k.
    """
    from sklearn.linear_model import LogisticRegression

    blocks = [_Block.of(matrix[:, j].astype(np.float64), t, knots) for j, t in enumerate(feature_types)]
    design = np.hstack([b.design for b in blocks]) if blocks else np.zeros((len(matrix), 0))
    solver = "newton-cholesky" if k == 2 else "lbfgs"
    head = LogisticRegression(C=c, solver=solver, max_iter=2000, tol=1e-6).fit(design, y)
    weights = head.coef_.T  # (columns of the design, outputs)
    terms, at = [], 0
    for block in blocks:
        terms.append(block.term(weights[at : at + block.design.shape[1]]))
        at += block.design.shape[1]
    return LinearPart(np.array(head.intercept_, np.float64), tuple(terms))


class _Block:
    """Columns of the design matrix that one input column becomes."""

    def __init__(self, design: np.ndarray, points: np.ndarray, at_points: np.ndarray, at_missing: np.ndarray):
        self.design, self.points, self.at_points, self.at_missing = design, points, at_points, at_missing

    def term(self, weights: np.ndarray) -> Term:
        """The block's columns times their weights, as a term."""
        return Term(
            knots=self.points,
            values=self.at_points @ weights,
            missing=self.at_missing @ weights,
            centre=self.design.mean(axis=0) @ weights,
        )

    @classmethod
    def of(cls, x: np.ndarray, kind: str, knots: int) -> "_Block":
        return cls._category(x) if kind == "c" else cls._number(x, knots)

    @classmethod
    def _category(cls, x: np.ndarray) -> "_Block":
        absent = np.isnan(x)
        size = 0 if absent.all() else int(np.nanmax(x)) + 1
        codes = np.where(absent, size, x).astype(int)
        eye = np.eye(size + 1)
        return cls(eye[codes], np.zeros(0), eye[:size], eye[size])

    @classmethod
    def _number(cls, x: np.ndarray, knots: int) -> "_Block":
        absent = np.isnan(x)
        present = x[~absent]
        if len(present) == 0:
            return cls(np.zeros((len(x), 1)), np.zeros(1), np.zeros((1, 1)), np.zeros(1))
        inner = np.quantile(present, np.arange(1, knots + 1) / (knots + 1)) if knots else np.zeros(0)
        points = np.unique(np.concatenate([[present.min()], inner, [present.max()]]))
        basis = np.maximum(present[:, None] - points[None, :-1], 0.0)  # one column for a straight line
        mean, spread = basis.mean(axis=0), basis.std(axis=0)
        spread[spread == 0.0] = 1.0
        scaled = np.zeros((len(x), basis.shape[1] + 1))
        scaled[~absent, :-1] = (basis - mean) / spread
        scaled[absent, -1] = 1.0
        lines = (np.maximum(points[:, None] - points[None, :-1], 0.0) - mean) / spread
        at_points = np.hstack([lines, np.zeros((len(points), 1))])
        return cls(scaled, points, at_points, np.eye(scaled.shape[1])[-1])
