"""Why rows are refused: the first reason found for each row."""

import numpy as np
import pyarrow as pa


class Problems:
    """Reasons by row of one batch.

    Parameters
    ----------
    n : int
        Rows of the batch.
    """

    def __init__(self, n: int):
        self._code = np.zeros(n, np.int32)
        self._reasons: list[str] = [""]

    def note(self, where, reason: str) -> None:
        """Refuse the rows of a mask (bool, NULL = no) for a reason, unless they are refused already."""
        mask = as_mask(where)
        if mask.any():
            self._reasons.append(reason)
            self._code[mask & (self._code == 0)] = len(self._reasons) - 1

    @property
    def fine(self) -> np.ndarray:
        """Mask of the rows without a problem."""
        return self._code == 0

    def items(self) -> list[tuple[int, str]]:
        """Place and reason of every refused row, in order."""
        return [(int(i), self._reasons[self._code[i]]) for i in np.flatnonzero(self._code)]


def as_mask(where) -> np.ndarray:
    """A bool array of a numpy or Arrow mask; NULL counts as False."""
    if isinstance(where, pa.ChunkedArray):
        where = where.combine_chunks()
    if isinstance(where, pa.Array):
        where = where.fill_null(False).to_numpy(zero_copy_only=False)
    return np.asarray(where, bool)
