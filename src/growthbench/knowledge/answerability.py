"""Is a question answerable from what was found? A logistic regression on three facts about the search.

Meaning catches far questions, words catch what the documents never speak of; both are needed. Near-misses (the topic is
there, the fact is not) are told by neither: that needs a model which reads question and passage together. The weights
were fitted by ``scripts/fit_answerability.py``; they lie in ``answerability.json`` beside this file, with the threshold
and the calibration of the confidence, and with how well all of them did on questions that the fit had not seen.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from growthbench.base.errors import ArtifactError
from growthbench.base.jsonio import read_json

FEATURES = ("match", "unknown", "name_unsaid")
"""MaxSim of the best passage; and what the question asks for that the documents do not say: see `unsaid.unsaid_facts`.

Others were tried on 313 questions: cosines, margins, token weights, the passages' common direction taken out, words
that the nearest passages neither hold nor mean, coverage. Beside these three none helped."""

WITHOUT_MEANING = ("coverage_passage", "unknown", "name_unsaid")
"""What is left where no encoder is installed."""

_FILE = Path(__file__).with_name("answerability.json")


@dataclass(frozen=True)
class AnswerabilityModel:
    """Fitted weights.

    Attributes
    ----------
    names : tuple of str
    weights, means, spreads : tuple of float
        One a feature; features are standardised before they are weighted.
    intercept : float
    threshold : float
        Questions with a lower probability are not answered.
    confidence : (float, float)
        Slope and intercept from the log-odds of `probability` to those of pointing at the right passage (Platt 1999).
    fitted : mapping
        On what, by what, how well: for people.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    intercept: float
    threshold: float
    confidence: tuple[float, float]
    fitted: Mapping[str, Any]

    def probability(self, facts: Mapping[str, float]) -> float:
        """Probability that the documents hold an answer."""
        return _sigmoid(self.log_odds(facts))

    def log_odds(self, facts: Mapping[str, float]) -> float:
        """Log-odds of `probability`."""
        parts = zip(self.names, self.weights, self.means, self.spreads)
        return self.intercept + sum(w * (float(facts[name]) - m) / s for name, w, m, s in parts)

    def confidence_of(self, facts: Mapping[str, float]) -> float:
        """Probability that the answer given points at the right passage."""
        slope, intercept = self.confidence
        return _sigmoid(slope * self.log_odds(facts) + intercept)


@cache
def answerability_model(with_meaning: bool = True) -> AnswerabilityModel:
    """The model shipped with the package.

    Parameters
    ----------
    with_meaning : bool
        Whether the search had vectors; else the model on words alone.

    Raises
    ------
    ArtifactError
        The file was made for other features.
    """
    told = read_json(_FILE)["meaning" if with_meaning else "words"]
    names = FEATURES if with_meaning else WITHOUT_MEANING
    if tuple(told["names"]) != names:
        raise ArtifactError(f"{_FILE.name} was fitted on {told['names']}: run scripts/fit_answerability.py again")
    numbers = {key: tuple(told[key]) for key in ("names", "weights", "means", "spreads", "confidence")}
    return AnswerabilityModel(
        **numbers, intercept=told["intercept"], threshold=told["threshold"], fitted=told.get("fitted", {})
    )


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))
