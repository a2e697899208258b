"""The lead score as marketing draws it on a board: points by rule, summed in parts, blended with a model.

A part is a weighted list of rules; a rule turns one feature into 0..1 points: ``min(x / cap, 1)`` for a number, a
table for a category; what is missing earns nothing. The blend of the parts (such as 0.4 behaviour + 0.3 firmographic
+ 0.3 model) is the baseline that a trained model has to beat, and is served beside it. Plain data: it is stored as
JSON, never as code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.learning.validation import numbers_of

MODEL = "model"


@dataclass(frozen=True)
class Rule:
    """Points (0..1) that one feature earns.

    Attributes
    ----------
    feature : str
        Column of the model.
    weight : float
        Share of its part; the weights of a part sum to 1.
    cap : float, optional
        A number earns ``x / cap``, at least 0, at most 1.
    values : mapping of str to float
        A category earns what is written here, others ``other``.
    other : float
        Points of a category that is present but not in ``values``.
    """

    feature: str
    weight: float
    cap: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    other: float = 0.0

    def __post_init__(self):
        if (self.cap is None) == (not self.values):
            raise BadInputError(f"rule on {self.feature!r} needs a cap or values, not both", field="rules")
        points = [*self.values.values(), self.other]
        if self.weight < 0 or (self.cap is not None and not self.cap > 0) or not all(0 <= p <= 1 for p in points):
            raise BadInputError(f"rule on {self.feature!r}: weight >= 0, cap > 0, points in [0, 1]", field="rules")

    def points(self, values: Sequence) -> np.ndarray:
        """Points of each value, float64 in [0, 1]."""
        if self.cap is not None:
            shares = numbers_of(self.feature, values) / self.cap
            return np.clip(np.where(np.isnan(shares), 0.0, shares), 0.0, 1.0)
        given = values.tolist() if hasattr(values, "tolist") else values
        return np.array([self.values.get(v, self.other) if isinstance(v, str) else 0.0 for v in given], np.float64)

    def to_json(self) -> dict:
        """The rule as plain data."""
        points = {"cap": self.cap} if self.cap is not None else {"values": dict(self.values), "other": self.other}
        return {"feature": self.feature, "weight": self.weight} | points


@dataclass(frozen=True)
class Part:
    """A named share of the blend: rules, or the model's own probability (name ``model``, no rules)."""

    name: str
    weight: float
    rules: tuple[Rule, ...] = ()

    def __post_init__(self):
        if (self.name == MODEL) == bool(self.rules):
            raise BadInputError(f"part {self.name!r} needs rules; only {MODEL!r} has none", field="parts")
        if self.rules:
            _sums_to_one([r.weight for r in self.rules], f"rules of {self.name!r}")

    def points(self, columns: Mapping[str, Sequence], model: np.ndarray | None) -> np.ndarray:
        """Points of each row, float64 in [0, 1]."""
        if self.name == MODEL:
            if model is None:
                raise BadInputError(f"part {MODEL!r} needs the model's probabilities", field=MODEL)
            return np.asarray(model, np.float64)
        total = None
        for rule in self.rules:
            if rule.feature not in columns:
                raise BadInputError(f"column {rule.feature!r} is absent: rule of {self.name!r}", field=rule.feature)
            earned = rule.weight * rule.points(columns[rule.feature])
            total = earned if total is None else total + earned
        return total


@dataclass(frozen=True)
class Blend:
    """Weighted parts and the level above which a row is qualified.

    Examples
    --------
    >>> behaviour = Part("behaviour", 0.6, (Rule("visits", 1.0, cap=10),))
    >>> blend = Blend((behaviour, Part("model", 0.4)), qualified=0.7)
    >>> parts = blend.evaluate({"visits": [5, 20]}, np.array([0.5, 0.9]))
    >>> parts["blend"].tolist(), parts["qualified"].tolist()
    ([0.5, 0.96], [False, True])
    """

    parts: tuple[Part, ...]
    qualified: float = 0.7

    def __post_init__(self):
        _sums_to_one([p.weight for p in self.parts], "parts")

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that the rules read."""
        return tuple(dict.fromkeys(r.feature for p in self.parts for r in p.rules))

    def evaluate(self, columns: Mapping[str, Sequence], model: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Points of each part by name, ``blend`` (their weighted sum) and ``qualified`` (bool), shape (n,) each."""
        made = {p.name: p.points(columns, model) for p in self.parts}
        total = None
        for part in self.parts:
            share = part.weight * made[part.name]
            total = share if total is None else total + share
        return made | {"blend": total, "qualified": total > self.qualified}

    def to_json(self) -> dict:
        """The blend as plain data."""
        parts = [{"name": p.name, "weight": p.weight, "rules": [r.to_json() for r in p.rules]} for p in self.parts]
        return {"parts": parts, "qualified": self.qualified}

    @classmethod
    def from_json(cls, data: Mapping) -> "Blend":
        """The inverse of `to_json`."""
        try:
            parts = [Part(p["name"], p["weight"], tuple(Rule(**r) for r in p["rules"])) for p in data["parts"]]
            return cls(tuple(parts), data["qualified"])
        except (KeyError, TypeError, BadInputError) as exc:
            raise ArtifactError(f"the blend cannot be read: {exc!r}") from exc


def _sums_to_one(weights: list[float], what: str) -> None:
    if not weights or abs(sum(weights) - 1.0) > 1e-9:
        raise BadInputError(f"weights of {what} must sum to 1, found {weights}", field="weight")
