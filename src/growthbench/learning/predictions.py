"""The table of predictions that evaluation, reviews and ``evaluation.parquet`` share."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from growthbench.learning.frame import TrainingFrame


def prediction_rows(
    test: TrainingFrame,
    fold: np.ndarray,
    score: np.ndarray,
    calibrated: np.ndarray,
    rivals: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """Predictions of unseen rows, one row each.

    Binary: ``key fold label score calibrated``, ``baseline_NAME`` (its score), ``slice_NAME``; label is 0 or 1, score
    the probability before calibration. Several classes: ``label predicted`` are names, ``score`` and ``calibrated`` the
    probability of the predicted class, ``label_probability label_rank`` those of the label, ``score_CLASS`` calibrated
    probabilities, ``baseline_NAME`` the probability it gave to the label, ``baseline_NAME_hit`` whether it was right.
    ``group`` (who the row is about) and ``time`` are there when the frame has them.
    """
    made: dict[str, np.ndarray] = {"key": test.key, "fold": fold}
    if calibrated.ndim == 1:
        made |= {"label": test.y, "score": score, "calibrated": calibrated}
        made |= {f"baseline_{name}": values for name, values in rivals.items()}
    else:
        made |= _several(test, score, calibrated)
        for name, values in rivals.items():
            made[f"baseline_{name}"] = values[np.arange(len(test)), test.y]
            made[f"baseline_{name}_hit"] = values.argmax(axis=1) == test.y
    for name in ("group", "time"):
        if (values := getattr(test, name)) is not None:
            made[name] = values
    made |= {f"slice_{name}": values for name, values in test.slices.items()}
    return pd.DataFrame(made)


def _several(test: TrainingFrame, score: np.ndarray, calibrated: np.ndarray) -> dict[str, np.ndarray]:
    rows, classes = np.arange(len(test)), np.array(test.classes, object)
    best = calibrated.argmax(axis=1)
    own = calibrated[rows, test.y]
    return {
        "label": classes[test.y],
        "predicted": classes[best],
        "score": score[rows, best],
        "calibrated": calibrated[rows, best],
        "label_probability": own,
        "label_rank": (calibrated >= own[:, None]).sum(axis=1),
        **{f"score_{name}": calibrated[:, k] for k, name in enumerate(test.classes)},
    }
