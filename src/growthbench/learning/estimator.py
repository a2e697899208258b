"""The one recipe of all table models: boosted trees and a logistic regression, added in log-odds and calibrated.

Everything is decided inside the training rows, by stratified inner folds (whole people together): how many trees (early
stopping), what share the linear part gets (least log loss out of fold), and the calibration (fitted on out-of-fold
margins). Then trees and linear part are fitted again on all training rows, trees once a seed. Judging a model means
running this whole recipe without the rows that are judged.

The default settings of `params.BoosterParams` are one choice for every table. They were chosen among 12 by the mean log
loss, relative to each other, on two tables without a target (Iranian churn, iFood) and on folds of another seed (17) of
the four tables whose figures are checked on seed 0; nothing is tuned to one table. The settings differ little.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from growthbench.base.statistics import log_losses
from growthbench.learning.calibration import Calibration, probabilities
from growthbench.learning.calibration_fit import fit_calibration
from growthbench.learning.columns import Column
from growthbench.learning.encoder import Encoder, fit_encoder
from growthbench.learning.engine import Booster
from growthbench.learning.frame import TrainingFrame
from growthbench.learning.linear import LinearPart
from growthbench.learning.linear_fit import fit_linear
from growthbench.learning.params import BoosterParams, TrainParams
from growthbench.learning.splits import stratified_folds
from growthbench.learning.table_model import Member
from growthbench.learning.threads import side_by_side

SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Shares of the linear part that ``auto`` chooses from."""


@dataclass(frozen=True)
class Estimator:
    """A fitted recipe.

    Attributes
    ----------
    encoder : Encoder
    parts : tuple of (bytes or LinearPart, float)
        Boosters as UBJSON and linear parts with their weights, as `artifact.save_artifact` takes them.
    calibration : Calibration
    rounds : int
        Trees of each booster.
    linear_share : float
    booster : BoosterParams
        Settings used, after the search if there was one.
    inner_log_loss : float
        Of the blend, out of fold, inside the training rows.
    """

    encoder: Encoder
    parts: tuple[tuple[bytes | LinearPart, float], ...]
    calibration: Calibration
    rounds: int
    linear_share: float
    booster: BoosterParams
    inner_log_loss: float

    def margins(self, matrix: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds (n, 1) or logits (n, k), by the engine that serves them."""
        return sum(m.weight * m.part.margins(matrix) for m in self._members())

    def predict(self, frame: TrainingFrame) -> tuple[np.ndarray, np.ndarray]:
        """Uncalibrated and calibrated probabilities of a frame's rows: (n,) each, or (n, k)."""
        margins = self.margins(self.encoder.encode(frame.inputs))
        return probabilities(margins), self.calibration.probabilities(margins)

    def _members(self) -> list[Member]:
        return [Member(p if isinstance(p, LinearPart) else Booster(p), w) for p, w in self.parts]


def fit_estimator(
    frame: TrainingFrame,
    params: TrainParams,
    booster: BoosterParams | None = None,
    step: Callable[[], None] = lambda: None,
) -> Estimator:
    """Run the recipe on all rows of a frame.

    Parameters
    ----------
    frame : TrainingFrame
        Training rows only.
    params : TrainParams
    booster : BoosterParams, optional
        In place of ``params.booster`` (what a search found).
    step : callable
        Called after each fit of an inner fold or member.

    Raises
    ------
    BadInputError
        A class is too rare for the inner folds, or a column is text.
    """
    settings = booster or params.booster
    encoder = fit_encoder(frame.X, frame.columns)
    data = Data.of(frame, encoder, params.seed)
    fold = stratified_folds(frame.y, params.folds, params.seed + 1, frame.group)
    trees, rounds = boosted_margins(data, fold, settings, step)
    share, margins = _blend(data, fold, trees, params, step)
    method = params.calibration if data.k == 2 else "auto"
    calibration = fit_calibration(margins, data.y, np.random.default_rng(params.seed), method)
    parts: list[tuple[bytes | LinearPart, float]] = []
    everything, final = np.arange(len(frame)), replace(settings, rounds=rounds)
    seeds = range(params.seed, params.seed + settings.members)
    for member in side_by_side(lambda seed: fit_booster(data, everything, final, seed), seeds, step):
        parts.append((bytes(member.save_raw("ubj")), (1.0 - share) / settings.members))
    if share > 0:
        parts.append((fit_linear(data.matrix, data.y, data.types, params.linear.c, params.linear.knots, data.k), share))
    loss = log_loss(data.y, probabilities(margins))
    return Estimator(encoder, tuple(parts), calibration, rounds, share, settings, loss)


def fits_of(params: TrainParams) -> int:
    """How often `fit_estimator` calls ``step``."""
    return params.folds + params.booster.members


def boosted_margins(
    data: "Data", fold: np.ndarray, settings: BoosterParams, step: Callable[[], None] = lambda: None
) -> tuple[np.ndarray, int]:
    """Out-of-fold margins (n, outputs) of boosted trees, and the number of trees (median of the folds' best)."""
    import xgboost as xgb

    def fit(k):
        return fit_booster(data, np.flatnonzero(fold != k), settings, data.seed, np.flatnonzero(fold == k))

    numbers = np.unique(fold)
    boosters = dict(zip(numbers, side_by_side(fit, numbers, step)))
    best = [b.best_iteration + 1 if settings.early_stopping else settings.rounds for b in boosters.values()]
    rounds = int(np.median(best))
    margins = np.empty((len(data.y), data.outputs))
    for k, booster in boosters.items():
        rows = np.flatnonzero(fold == k)
        held = xgb.DMatrix(data.matrix[rows], feature_types=data.types, enable_categorical=True)
        most = min(rounds, booster.num_boosted_rounds())
        margins[rows] = booster.predict(held, output_margin=True, iteration_range=(0, most)).reshape(len(rows), -1)
    return margins, rounds


def fit_booster(data: "Data", rows: np.ndarray, settings: BoosterParams, seed: int, watched: np.ndarray | None = None):
    """One XGBoost booster on some rows; with ``watched`` rows it stops when their log loss no longer falls."""
    import xgboost as xgb

    def matrix(these):
        return xgb.DMatrix(data.matrix[these], data.y[these], feature_types=data.types, enable_categorical=True)

    early = settings.early_stopping if watched is not None else 0
    train = xgb.QuantileDMatrix(
        data.matrix[rows], data.y[rows], feature_types=data.types, enable_categorical=True, max_bin=settings.max_bins
    )
    return xgb.train(
        booster_settings(settings, data.k, seed),
        train,
        settings.rounds,
        evals=[(matrix(watched), "watched")] if early else [],
        early_stopping_rounds=early or None,
        verbose_eval=False,
    )


def booster_settings(settings: BoosterParams, k: int, seed: int) -> dict:
    """XGBoost's own names for our settings; one thread, histograms, deterministic by seed."""
    objective = (
        {"objective": "binary:logistic", "eval_metric": "logloss"}
        if k == 2
        else {"objective": "multi:softprob", "eval_metric": "mlogloss", "num_class": k}
    )
    return objective | {
        "tree_method": "hist",
        "nthread": 1,
        "seed": seed,
        "eta": settings.learning_rate,
        "max_depth": settings.depth,
        "min_child_weight": settings.min_child_weight,
        "subsample": settings.subsample,
        "colsample_bytree": settings.colsample,
        "lambda": settings.reg_lambda,
        "alpha": settings.reg_alpha,
        "max_bin": settings.max_bins,
    }


def linear_margins(data: "Data", fold: np.ndarray, c: float, knots: int) -> np.ndarray:
    """Out-of-fold margins (n, outputs) of the logistic regression."""
    margins = np.empty((len(data.y), data.outputs))
    for k in np.unique(fold):
        rows = fold != k
        part = fit_linear(data.matrix[rows], data.y[rows], data.types, c, knots, data.k)
        margins[~rows] = part.margins(_known_codes(data, rows))
    return margins


def _known_codes(data: "Data", rows: np.ndarray) -> np.ndarray:
    """The other rows' matrix; categories beyond those of ``rows`` are missing, as the encoder would make them."""
    held = data.matrix[~rows].copy()
    for j, kind in enumerate(data.types):
        if kind == "c":
            most = np.nanmax(data.matrix[rows, j], initial=-1.0)
            held[held[:, j] > most, j] = np.nan
    return held


def log_loss(y: np.ndarray, probability: np.ndarray) -> float:
    """Mean log loss of probabilities of ``yes`` (n,), or of each class (n, k)."""
    return float(log_losses(y, probability).mean())


@dataclass(frozen=True)
class Data:
    matrix: np.ndarray
    y: np.ndarray
    types: list[str]
    k: int
    seed: int

    @classmethod
    def of(cls, frame: TrainingFrame, encoder: Encoder, seed: int) -> "Data":
        return cls(encoder.encode(frame.inputs), frame.y, encoder.feature_types, len(frame.classes), seed)

    @property
    def outputs(self) -> int:
        return 1 if self.k == 2 else self.k


def _blend(data: Data, fold, trees: np.ndarray, params: TrainParams, step) -> tuple[float, np.ndarray]:
    """Share of the linear part and the blended out-of-fold margins."""
    wanted = params.linear.weight
    if wanted == 0:
        return 0.0, trees
    lines = linear_margins(data, fold, params.linear.c, params.linear.knots)
    mixed = {s: s * lines + (1 - s) * trees for s in (SHARES if wanted == "auto" else (float(wanted),))}
    best = min(mixed, key=lambda s: log_loss(data.y, probabilities(mixed[s])))
    return best, mixed[best]


def data_of(frame: TrainingFrame, columns: tuple[Column, ...], seed: int) -> tuple["Data", Encoder]:
    """Encoded rows of a frame, for searches and baselines."""
    encoder = fit_encoder(frame.X, columns)
    return Data.of(frame, encoder, seed), encoder
