"""A small search over the booster's settings, inside the training rows."""

import warnings
from collections.abc import Callable
from dataclasses import asdict, replace

from growthbench.learning.calibration import probabilities
from growthbench.learning.estimator import boosted_margins, data_of, log_loss
from growthbench.learning.frame import TrainingFrame
from growthbench.learning.params import BoosterParams, TrainParams
from growthbench.learning.splits import stratified_folds


def search_booster(
    frame: TrainingFrame, params: TrainParams, fits: int = 1, step: Callable[[], None] = lambda: None
) -> tuple[BoosterParams, list[dict]]:
    """The settings with the least out-of-fold log loss among ``params.search.trials``, the given ones first.

    Parameters
    ----------
    frame : TrainingFrame
        Training rows only.
    params : TrainParams
    fits : int
        How many searches share ``search.seconds``.
    step : callable
        Called after each trial.

    Returns
    -------
    best : BoosterParams
    trials : list of dict
        Settings tried, with ``log_loss`` and ``rounds``; in order.
    """
    if params.search.trials == 0:
        return params.booster, []
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data, _ = data_of(frame, frame.columns, params.seed)
    fold = stratified_folds(frame.y, params.folds, params.seed + 2, frame.group)
    tried: list[dict] = []

    def judge(trial) -> float:
        settings = replace(params.booster, **suggested(trial))
        margins, rounds = boosted_margins(data, fold, settings)
        loss = log_loss(data.y, probabilities(margins))
        tried.append(asdict(settings) | {"rounds": rounds, "log_loss": loss})
        step()
        return loss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=params.seed, n_startup_trials=8))
    study.enqueue_trial({name: getattr(params.booster, name) for name in _NAMES})
    study.optimize(judge, n_trials=params.search.trials, timeout=params.search.seconds / fits)
    return replace(params.booster, **study.best_params), tried


_NAMES = ("depth", "learning_rate", "min_child_weight", "subsample", "colsample", "reg_lambda")


def suggested(trial) -> dict:
    """One draw of the settings that matter."""
    return {
        "depth": trial.suggest_int("depth", 2, 8),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "min_child_weight": trial.suggest_float("min_child_weight", 0.5, 30, log=True),
        "subsample": trial.suggest_float("subsample", 0.5, 1.0),
        "colsample": trial.suggest_float("colsample", 0.2, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 50, log=True),
    }
