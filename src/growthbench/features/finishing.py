"""The one floating operation of a feature, the same offline and online."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Terms = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Step:
    """How a column comes from parts: ``(sum of over) / (sum of under + plus)``, all exact integers before the division.

    Attributes
    ----------
    column : str
        Finished column.
    over, under : tuple of (part, coefficient)
        Integer combinations of raw parts.
    plus : int
        Added to the denominator (1 makes it a plain number).
    text : bool
        The column is its single part, a text, unchanged.
    """

    column: str
    over: Terms
    under: Terms = ()
    plus: int = 1
    text: bool = False

    def to_json(self) -> list:
        """A JSON value."""
        return [self.column, [list(t) for t in self.over], [list(t) for t in self.under], self.plus, self.text]

    @classmethod
    def from_json(cls, value: Sequence) -> "Step":
        """The step of a JSON value."""
        column, over, under, plus, text = value
        return cls(column, tuple(map(tuple, over)), tuple(map(tuple, under)), plus, text)


class Finisher:
    """All steps of a catalogue at once: a handful of array operations for any number of columns.

    IEEE 754 division of two integers below 2^53 is correctly rounded, so that every machine gives the same bits.
    """

    def __init__(self, steps: Sequence[Step]):
        self.steps = tuple(steps)
        numbers = [s for s in self.steps if not s.text]
        self.parts = tuple(dict.fromkeys(p for s in numbers for p, _ in (*s.over, *s.under)))
        at = {p: i for i, p in enumerate(self.parts)}
        self._columns = [s.column for s in numbers]
        self._over = _coefficients([s.over for s in numbers], at)
        self._under = _coefficients([s.under for s in numbers], at)
        self._plus = np.array([s.plus for s in numbers], np.int64)[:, None]

    def __call__(self, raw: Mapping[str, Sequence]) -> dict[str, np.ndarray]:
        """Finish raw columns (lists with None, arrays or masked arrays, all of one length).

        Returns
        -------
        dict of str to numpy.ndarray
            float64 with NaN where a part is NULL or the denominator 0; object arrays of str or None.
        """
        numbers = dict(zip(self._columns, self._divide(raw), strict=True))
        return {s.column: _text(raw[s.over[0][0]]) if s.text else numbers[s.column] for s in self.steps}

    def _divide(self, raw: Mapping[str, Sequence]) -> np.ndarray:
        if not self._columns:
            return np.empty((0, 0))
        if len(first := raw[self.parts[0]]) == 1 and isinstance(first, list):  # arrays may be masked
            return self._divide_one({p: raw[p][0] for p in self.parts})
        values, missing = _matrix([raw[p] for p in self.parts])
        over, null = _combine(self._over, values, missing)
        under, unknown = _combine(self._under, values, missing)
        under += self._plus
        known = ~(null | unknown) & (under != 0)
        result = np.full(over.shape, np.nan)
        np.divide(over, under, out=result, where=known)  # int64 / int64: both become float64, then one division
        return result

    def _divide_one(self, raw: Mapping[str, int | None]) -> np.ndarray:
        """`_divide` of a single row on plain integers: the same operations, so the same bits, three times faster."""
        return np.array([[_divided(raw, step)] for step in self.steps if not step.text], np.float64)


def _divided(raw: Mapping[str, int | None], step: Step) -> float:
    over, under = 0, step.plus
    for part, factor in step.over:
        if (value := raw[part]) is None:
            return _NAN
        over += value * factor
    for part, factor in step.under:
        if (value := raw[part]) is None:
            return _NAN
        under += value * factor
    return float(over) / float(under) if under else _NAN


_NAN = float("nan")


def _coefficients(terms: Sequence[Terms], at: Mapping[str, int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Term by term: (part index, coefficient) of every column; coefficient 0 where a column has fewer terms."""
    depth = max((len(t) for t in terms), default=0)
    layers = []
    for k in range(depth):
        index = np.array([at[t[k][0]] if k < len(t) else 0 for t in terms])
        factor = np.array([t[k][1] if k < len(t) else 0 for t in terms], np.int64)
        layers.append((index, factor[:, None]))
    return layers


def _combine(layers, values: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total, null = np.int64(0), np.False_
    for index, factor in layers:
        total = total + values[index] * factor
        null = null | (missing[index] & (factor != 0))
    return total, null


def _matrix(columns: Sequence[Sequence]) -> tuple[np.ndarray, np.ndarray]:
    """Integers [parts, rows] and where they are NULL."""
    if all(isinstance(c, np.ndarray) for c in columns):
        return np.stack([np.ma.getdata(c) for c in columns]), np.stack([np.ma.getmaskarray(c) for c in columns])
    values = np.array([[0 if v is None else v for v in c] for c in columns], np.int64)
    return values, np.array([[v is None for v in c] for c in columns], np.bool_)


def _text(column: Sequence) -> np.ndarray:
    result = np.empty(len(column), object)
    result[:] = column
    return result
