"""The leak alarm: columns that know the outcome, by name and with evidence.

A column is judged alone (out-of-fold target rate of its values or of 20 quantile bins, missing values a bin of their
own) and together with the others (a small booster with and without it). It is implausible when one of these holds:

- ``alone``: alone it ranks as nothing honest does, AUC >= 0.95;
- ``rivals``: alone (AUC >= 0.75) it ranks at least as well as all other columns together;
- ``halves``: with AUC >= 0.70 alone, it takes half or more of the error that all others together leave;
- ``decides``: one of its values (or its being empty, or filled) makes the outcome all but certain, lower end of the
  95 % Wilson interval >= 0.98 on 50 rows or more, where at most 60 % have the outcome (binary tasks only).

Found columns are put aside one after the other and the rest is judged again, so that the second leak is not hidden by
the first. Honest columns of the public tables stay clear of every line: the strongest reach AUC 0.77 alone (Bank) and
take 0.38 of the error (X Education). Weak leaks cannot be told from honest columns by their figures: that is what
``known_leaks`` is for.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import pandas as pd

from growthbench.learning.frame import TrainingFrame
from growthbench.learning.splits import stratified_folds
from growthbench.learning.threads import side_by_side

ALONE, RIVAL, HALVES = 0.95, 0.85, 0.70
_BINS, _PRIOR_ROWS, _MAX_ROWS, _FOLDS, _SUSPECTS = 20, 10.0, 20_000, 3, 6


@dataclass(frozen=True)
class Leak:
    """One suspicious column.

    Attributes
    ----------
    column : str
    known, found : bool
        Named by the data set's registry; found by its figures.
    auc_alone, auc_missing : float
        Out-of-fold AUC of the column alone, and of its being missing (0.5 = tells nothing).
    auc_without, auc_with : float
        AUC of all other columns still trusted, without and with it; NaN if it was not tried.
    evidence : str
        One sentence: why it was found, or the registry's reason.
    """

    column: str
    known: bool
    found: bool
    auc_alone: float
    auc_missing: float
    auc_without: float
    auc_with: float
    evidence: str

    def row(self) -> dict:
        """The leak as one row of a table, NaN as None."""
        return {k: None if isinstance(v, float) and v != v else v for k, v in asdict(self).items()}


def find_leaks(frame: TrainingFrame, seed: int = 0) -> list[Leak]:
    """Judge every column of a frame; binary and multiclass (there: each class of 5 % or more against the rest).

    Parameters
    ----------
    frame : TrainingFrame
        At most 20,000 rows are looked at, drawn by ``seed``.

    Returns
    -------
    list of Leak
        Known and found columns, the strongest alone first; empty if all is well.
    """
    rows = _sample(len(frame), seed)
    X, known = frame.X.iloc[rows].reset_index(drop=True), frame.known_leaks
    evidence: dict[str, Leak] = {}
    for outcome in _outcomes(frame.y[rows], len(frame.classes)):
        for leak in _judge(X, outcome, known, seed, binary=len(frame.classes) == 2):
            before = evidence.get(leak.column)
            if before is None or (leak.found, leak.auc_alone) > (before.found, before.auc_alone):
                evidence[leak.column] = leak
    return sorted(evidence.values(), key=lambda leak: (-leak.found, -leak.auc_alone))


def leak_text(leaks: list[Leak], dropped: bool) -> str:
    """The alarm as a table for people."""
    lines = [f"LEAK ALARM: {len(leaks)} column(s) seem to know the outcome"]
    for leak in leaks:
        state = "known, dropped" if leak.known and dropped else "known, KEPT" if leak.known else "FOUND, KEPT"
        lines.append(f"  {leak.column:<32} {state:<15} AUC alone {leak.auc_alone:.3f}  {leak.evidence}")
    return "\n".join(lines)


def alone(values: np.ndarray, y: np.ndarray, fold: np.ndarray) -> tuple[float, np.ndarray]:
    """Out-of-fold AUC (mean over folds) and scores of one column alone: smoothed target rate of its value or bin."""
    from sklearn.metrics import roc_auc_score

    score = np.empty(len(y))
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        codes = bin_codes(values, train)
        size = codes.max() + 1
        n = np.bincount(codes[train], minlength=size)
        hits = np.bincount(codes[train], weights=y[train], minlength=size)
        rate = (hits + _PRIOR_ROWS * y[train].mean()) / (n + _PRIOR_ROWS)
        score[test] = rate[codes[test]]
    aucs = [roc_auc_score(y[fold == k], score[fold == k]) for k in np.unique(fold)]
    return float(np.mean(aucs)), score


def bin_codes(values: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Bin of each value: 0 for missing, then categories, or quantiles of the training rows' numbers."""
    if values.dtype == object:
        return pd.factorize(values)[0] + 1
    missing = np.isnan(values)
    if missing[train].all():
        return (~missing).astype(np.int64)
    inner = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = np.unique(np.nanquantile(values[train], inner))
    return np.where(missing, 0, 1 + np.searchsorted(edges, values, side="right"))


def _judge(X: pd.DataFrame, y: np.ndarray, known: Mapping[str, str], seed: int, binary: bool) -> list[Leak]:
    fold = stratified_folds(y, _FOLDS, seed)
    single = {c: alone(X[c].to_numpy(), y, fold)[0] for c in X}
    missing = {c: _missing_auc(X[c], y) for c in X}
    sure = {c: _decides(X[c], y) if binary else "" for c in X}
    found, tried = {}, {}
    for name in X:
        if single[name] >= ALONE:
            found[name] = f"alone it reaches AUC {single[name]:.3f}"
        elif sure[name]:
            found[name] = sure[name]
    while suspects := [c for c in X if c not in found and single[c] >= HALVES]:
        trusted = [c for c in X if c not in found]
        everything = small_auc(X[trusted], y, fold, seed) if len(trusted) > 1 else 0.5
        suspects = sorted(suspects, key=lambda c: -single[c])[:_SUSPECTS] if len(trusted) > 1 else []
        rests = [X[[c for c in trusted if c != name]] for name in suspects]
        without = side_by_side(partial(small_auc, y=y, fold=fold, seed=seed), rests)
        tried |= {name: (auc, everything) for name, auc in zip(suspects, without)}
        reasons = {name: _implausible(single[name], auc, everything) for name, auc in zip(suspects, without)}
        worst = next((name for name in suspects if reasons[name]), None)
        if worst is None:
            break
        found[worst] = reasons[worst]
    return [
        Leak(c, c in known, c in found, single[c], missing[c], *tried.get(c, (np.nan, np.nan)), found.get(c, ""))
        if c in found
        else Leak(c, True, False, single[c], missing[c], *tried.get(c, (np.nan, np.nan)), known[c])
        for c in X
        if c in found or c in known
    ]


def _implausible(single: float, without: float, everything: float) -> str:
    cut = 1 - (1 - everything) / max(1 - without, 1e-9)
    if single >= RIVAL and single >= without:
        return f"alone (AUC {single:.3f}) it ranks as well as all others together ({without:.3f})"
    if cut >= 0.5:
        return f"it takes {cut:.0%} of the error that all others leave (AUC {without:.3f} -> {everything:.3f})"
    return ""


def small_auc(X: pd.DataFrame, y: np.ndarray, fold: np.ndarray, seed: int) -> float:
    """Out-of-fold AUC, mean over folds, of 50 small trees: a quick judge, not a model to keep."""
    import xgboost as xgb
    from sklearn.metrics import roc_auc_score

    matrix = np.column_stack([v if (v := X[c].to_numpy()).dtype != object else _codes(v) for c in X])
    types = ["c" if X[c].dtype == object else "float" for c in X]
    settings = {
        "objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "max_depth": 4, "max_bin": 64,
        "learning_rate": 0.15, "colsample_bytree": 0.6, "min_child_weight": 5, "seed": seed,
    }  # fmt: skip
    aucs = []
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        data = xgb.DMatrix(matrix[train], y[train], feature_types=types, enable_categorical=True)
        booster = xgb.train(settings, data, 50)
        score = booster.predict(xgb.DMatrix(matrix[test], feature_types=types, enable_categorical=True))
        aucs.append(roc_auc_score(y[test], score))
    return float(np.mean(aucs))


def _codes(values: np.ndarray) -> np.ndarray:
    codes = pd.factorize(values)[0].astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def _missing_auc(values: pd.Series, y: np.ndarray) -> float:
    """AUC of being missing, or of being there: whichever tells more; two rates decide it."""
    gone = values.isna().to_numpy()
    if not gone.any() or gone.all():
        return 0.5
    return 0.5 + abs(gone[y == 1].mean() - gone[y == 0].mean()) / 2


def _decides(values: pd.Series, y: np.ndarray) -> str:
    if y.mean() > 0.6:
        return ""
    texts = values if values.dtype == object else values.notna().map({True: "(filled)", False: None})
    table = pd.DataFrame({"value": texts.fillna("(empty)"), "y": y}).groupby("value")["y"].agg(["sum", "size"])
    table = table[(table["size"] >= 50) & (table["size"] < len(y))]
    for value, (hits, n) in table.sort_values("size", ascending=False).iterrows():
        if _wilson_low(hits, n) >= 0.98:
            return f"{value!r} all but decides it: {hits:.0f} of {n:.0f} rows have the outcome"
    return ""


def _wilson_low(hits: float, n: float, z: float = 1.96) -> float:
    """Lower end of Wilson's interval of a share (Wilson 1927, eq. 4)."""
    p = hits / n
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float((middle - half) / (1 + z * z / n))


def _outcomes(y: np.ndarray, classes: int):
    if classes == 2:
        return [y]
    rare = max(10 * _FOLDS, 0.05 * len(y))
    return [made for k in range(classes) if (made := (y == k).astype(np.int64)).sum() >= rare]


def _sample(n: int, seed: int) -> np.ndarray:
    if n <= _MAX_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, _MAX_ROWS, replace=False))
