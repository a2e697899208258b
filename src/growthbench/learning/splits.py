"""Which rows are learned from and which are judged on; no label window of the first reaches into the second."""

from dataclasses import dataclass

import numpy as np

from growthbench.base.clock import DAY_US, to_iso
from growthbench.base.errors import BadInputError


@dataclass(frozen=True)
class TimeSplit:
    """Rows before and after a cut.

    Attributes
    ----------
    train, test : ndarray of int
        Row numbers. Rows whose label window crosses the cut are in neither.
    cut : int
        UTC µs; every test moment is at or after it, every training label was complete by then.
    """

    train: np.ndarray
    test: np.ndarray
    cut: int


def stratified_folds(y: np.ndarray, folds: int, seed: int, group: np.ndarray | None = None) -> np.ndarray:
    """Fold number of each row, shape (n,): stratified, shuffled, and whole groups together when groups repeat.

    Raises
    ------
    BadInputError
        A class has fewer rows than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    counts = np.unique(y, return_counts=True)[1]
    if counts.min() < folds:
        raise BadInputError(f"{folds} folds need {folds} rows of every class, the rarest has {counts.min()}", "folds")
    grouped = group is not None and len(np.unique(group)) < len(group)
    kind = StratifiedGroupKFold if grouped else StratifiedKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    fold = np.empty(len(y), np.int64)
    for number, (_, rows) in enumerate(splitter.split(np.zeros((len(y), 1)), y, group if grouped else None)):
        fold[rows] = number
    return fold


def time_split(time: np.ndarray, window_days: int, test_share: float) -> TimeSplit:
    """Newest ``test_share`` of rows for the test; training rows end one label window before its first moment.

    The cut is the moment in the data whose share of later rows comes closest to ``test_share``, among those that leave
    anything to learn from.

    Raises
    ------
    BadInputError
        All moments lie within one label window: there is nothing to learn from before the embargo.
    """
    embargo = window_days * DAY_US
    starts, counts = np.unique(time, return_counts=True)
    later = counts[::-1].cumsum()[::-1] / counts.sum()
    fitting = np.flatnonzero(starts - embargo >= starts[0])
    if not len(fitting):
        raise BadInputError(
            f"a time split needs moments more than {window_days} days apart (the embargo); "
            f"they lie between {to_iso(starts[0])[:10]} and {to_iso(starts[-1])[:10]}",
            "window_days",
        )
    cut = int(starts[fitting[np.argmin(np.abs(later[fitting] - test_share))]])
    return TimeSplit(np.flatnonzero(time <= cut - embargo), np.flatnonzero(time >= cut), cut)


def split_kind(task, frame) -> str:
    """``given``, ``time`` or ``folds``: what the task asks for, as far as the frame can."""
    if frame.splits is not None:
        return "given"
    return "time" if task.split == "time" and frame.time is not None else "folds"
