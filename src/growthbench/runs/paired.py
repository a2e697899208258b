"""Two evaluations of the same rows, metric by metric, with intervals of the difference from the same resamples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import BadInputError
from growthbench.base.statistics import LEVEL, Metric, paired, value_of
from growthbench.runs.measures import higher_is_better, measures

if TYPE_CHECKING:
    import pandas as pd

_CELLS = 10_000_000

_SLICE = "slice_"


@dataclass(frozen=True)
class Difference:
    """One metric of run ``a`` and run ``b``, and how far they lie apart.

    Attributes
    ----------
    name : str
    a, b : float
    lo, hi : float
        Ends of the 95 % interval of ``b - a``; NaN where there is none.
    rows : int
    paired : bool
        Both were measured on the same rows, so the interval is that of the paired bootstrap.
    part : str
        Slice it was measured on, such as ``industry = retail``; empty for all rows.
    """

    name: str
    a: float
    b: float
    lo: float
    hi: float
    rows: int
    paired: bool = True
    part: str = ""

    @property
    def difference(self) -> float:
        """``b - a``."""
        return self.b - self.a

    @property
    def gain(self) -> float:
        """``b - a`` with the sign that makes more the better."""
        return self.difference if higher_is_better(self.name) else -self.difference

    @property
    def gain_interval(self) -> tuple[float, float]:
        """The interval of `gain`."""
        return (self.lo, self.hi) if higher_is_better(self.name) else (-self.hi, -self.lo)

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``no difference shown`` (of b); ``not compared`` without a paired interval."""
        lo, hi = self.gain_interval
        if not self.paired or not np.isfinite([lo, hi]).all():
            return "not compared"
        return "better" if lo > 0 else "worse" if hi < 0 else "no difference shown"

    def to_dict(self) -> dict:
        """Plain data; an absent interval is None."""
        numbers = {"a": self.a, "b": self.b, "difference": self.difference, "lo": self.lo, "hi": self.hi}
        plain = {key: float(value) if np.isfinite(value) else None for key, value in numbers.items()}
        head = {"name": self.name} | ({"slice": self.part} if self.part else {})
        return head | plain | {"rows": self.rows, "paired": self.paired, "verdict": self.verdict}


@dataclass(frozen=True, eq=False)
class CommonRows:
    """The rows that two evaluations share, in one order.

    Attributes
    ----------
    a, b : DataFrame
        Lines of the two evaluations with the same keys and labels, in the order of ``b``.
    rows_a, rows_b : int
        How many rows each evaluation has.
    relabelled : int
        Rows of the same key that have another label in the two; they are left out.
    """

    a: "pd.DataFrame"
    b: "pd.DataFrame"
    rows_a: int
    rows_b: int
    relabelled: int

    def __len__(self) -> int:
        return len(self.b)

    @property
    def group(self) -> np.ndarray | None:
        """Who each row is about, where the evaluation tells."""
        return self.b["group"].to_numpy() if "group" in self.b else None

    @property
    def identical(self) -> bool:
        """Both evaluations say the same of every row."""
        return len(self) == self.rows_a == self.rows_b and all(
            name in self.a and self.a[name].equals(self.b[name]) for name in self.b
        )

    def only(self, chosen: np.ndarray) -> "CommonRows":
        """Some of the rows."""
        some = [frame[chosen].reset_index(drop=True) for frame in (self.a, self.b)]
        return CommonRows(*some, self.rows_a, self.rows_b, 0)


def common_rows(a: "pd.DataFrame", b: "pd.DataFrame") -> CommonRows:
    """Pair the rows of two evaluations by their key."""
    import pandas as pd

    place = pd.Index(a["key"]).get_indexer(pd.Index(b["key"]))
    there = place >= 0
    first, second = a.iloc[place[there]].reset_index(drop=True), b[there].reset_index(drop=True)
    same = (first["label"].eq(second["label"]) | (first["label"].isna() & second["label"].isna())).to_numpy(bool)
    both = [frame[same].reset_index(drop=True) for frame in (first, second)]
    return CommonRows(*both, len(a), len(b), int((~same).sum()))


def resamples_for(rows: int, most: int) -> int:
    """Resamples that take seconds: ``most`` for few rows, 250 for 40,000, never under 200 (or ``most``).

    >>> resamples_for(4_000, 1_000), resamples_for(40_000, 1_000), resamples_for(10**6, 1_000)
    (1000, 250, 200)
    """
    return min(most, max(200, _CELLS // max(rows, 1)))


def paired_differences(
    rows: CommonRows,
    kind: str,
    names: tuple[str, ...] | None = None,
    params: Mapping[str, Any] | None = None,
    count: int = 1000,
    seed: int = 0,
    part: str = "",
    by_fold: bool = True,
) -> list[Difference]:
    """Every metric that both evaluations allow, on their common rows.

    Parameters
    ----------
    rows : CommonRows
    kind : {"binary", "multiclass", "text"}
    names : tuple of str, optional
        Only these metrics.
    params : mapping, optional
        Parameters with the prices that ``cost`` is reckoned by, the same for both.
    count : int
        At most so many resamples, see `resamples_for`.
    seed : int
    part : str
        Name of the slice, if the rows are one.
    by_fold : bool
        See `measures.measures`.
    """
    if len(rows) < 2:
        raise BadInputError(f"a paired comparison needs common rows, found {len(rows)}", field="key")
    first, second = (measures(frame, kind, params, by_fold) for frame in (rows.a, rows.b))
    kept = [name for name in second if name in first and (names is None or name in names)]
    if not kept:
        raise BadInputError(f"none of {', '.join(names or ())} can be measured on both evaluations", field="metric")
    first, second = {name: first[name] for name in kept}, {name: second[name] for name in kept}
    drawn = resamples_for(len(rows), count)
    estimates = paired(first, second, len(rows), drawn, np.random.default_rng(seed), group=rows.group)
    return [
        Difference(
            name, _value(first, name, rows), _value(second, name, rows), found.lo, found.hi, len(rows), part=part
        )
        for name, found in estimates.items()
    ]


def slice_differences(
    rows: CommonRows, kind: str, name: str, min_rows: int = 200, count: int = 1000, seed: int = 0
) -> list[Difference]:
    """One metric on every slice of enough rows; the intervals hold for all of them together (Bonferroni).

    A slice is looked at when it has ``min_rows`` rows and, for a binary task, 10 of either label.
    """
    parts = list(_parts(rows, kind, min_rows))
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    wider = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / max(len(parts), 1)) / z
    found = []
    for title, chosen in parts:
        one = paired_differences(rows.only(chosen), kind, (name,), count=count, seed=seed, part=title, by_fold=False)[0]
        middle, half = (one.lo + one.hi) / 2, (one.hi - one.lo) / 2 * wider
        found.append(
            Difference(name, one.a, one.b, middle - half, middle + half, one.rows, paired=one.paired, part=title)
        )
    return found


def unpaired_differences(kind: str, a: Mapping[str, float], b: Mapping[str, float], rows: int) -> list[Difference]:
    """Differences of recorded metrics of runs on other rows, each interval from the two own ones (Newcombe's MOVER).

    They mix the difference of the models with that of the rows, so no verdict is drawn from them.
    """
    found = []
    for name in (n for n in b if n in a and f"{n}_lo" in a and f"{n}_lo" in b):
        (x, x_lo, x_hi), (y, y_lo, y_hi) = ((m[name], m[f"{name}_lo"], m[f"{name}_hi"]) for m in (a, b))
        lo, hi = y - x - sqrt((y - y_lo) ** 2 + (x_hi - x) ** 2), y - x + sqrt((y_hi - y) ** 2 + (x - x_lo) ** 2)
        found.append(Difference(name, x, y, lo, hi, rows, paired=False))
    return found


def _value(metrics: Mapping[str, Metric], name: str, rows: CommonRows) -> float:
    return value_of(metrics[name], len(rows))


def _parts(rows: CommonRows, kind: str, min_rows: int) -> Iterator[tuple[str, np.ndarray]]:
    for column in (c for c in rows.b if c.startswith(_SLICE)):
        values = rows.b[column].astype(object).to_numpy()
        for value in sorted({v for v in values if isinstance(v, str)}):
            chosen = values == value
            if chosen.sum() < min_rows:
                continue
            if kind == "binary" and np.bincount(rows.b["label"].to_numpy()[chosen].astype(int), minlength=2).min() < 10:
                continue
            yield f"{column.removeprefix(_SLICE)} = {value}", chosen
