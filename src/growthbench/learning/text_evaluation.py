"""Figures of a text model: how often it is right, how honest its probabilities are, what it turns away."""

from typing import TYPE_CHECKING

import numpy as np

from growthbench.base.statistics import Estimate, ece, ece_floor, estimate, mean_of

if TYPE_CHECKING:
    import pandas as pd


def text_metrics(predictions: "pd.DataFrame", count: int, rng: np.random.Generator) -> dict[str, Estimate]:
    """Metrics of `TextResult.predictions` with 95 % bootstrap intervals.

    Parameters
    ----------
    predictions : DataFrame
    count : int
        Resamples.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to Estimate
        In scope, whether refused or not: ``accuracy top3 log_loss ece ece_floor``, ``in_scope_refused`` (share);
        out of scope, where there are such texts: ``oos_recall``, the share refused.
    """
    outside = predictions["out_of_scope"].to_numpy(bool)
    inside = predictions[~outside]
    hit = (inside["label"] == inside["predicted"]).to_numpy(float)
    sure = inside["calibrated"].to_numpy(float)
    metrics = {
        "accuracy": mean_of(hit),
        "top3": mean_of(inside["label_rank"].to_numpy() <= 3),
        "log_loss": mean_of(-np.log(np.clip(inside["label_probability"].to_numpy(float), 1e-15, 1.0))),
        "ece": ece(hit, sure),
        "in_scope_refused": mean_of(inside["refused"].to_numpy(float)),
    }
    made = estimate(metrics, len(inside), count, rng) | {"ece_floor": ece_floor(sure, rng)}
    if outside.any():
        refused = mean_of(predictions["refused"].to_numpy(float)[outside])
        made |= estimate({"oos_recall": refused}, int(outside.sum()), count, rng)
    return made
