"""Hidden weeks: the state of every person in every week of a phase, and the first event of a hazard that follows it."""

from dataclasses import dataclass

import numpy as np

from growthbench.worlds.laws import WEEK_DAYS
from growthbench.worlds.spec import Phase


@dataclass(frozen=True)
class Weeks:
    """The weeks that people live in one phase.

    Attributes
    ----------
    person : ndarray of int, shape (n,)
        Index of each person who lives it.
    kind : ndarray of int, shape (n,)
        Latent type.
    anchor, end : ndarray of float, shape (n,)
        Days at which week 0 begins and the phase ends.
    states : ndarray of int8, shape (n, weeks)
        Hidden state of each week (also of weeks after the end).
    """

    person: np.ndarray
    kind: np.ndarray
    anchor: np.ndarray
    end: np.ndarray
    states: np.ndarray

    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Row, state, begin and end (days) of every week that is lived, at least in part."""
        weeks = self.states.shape[1]
        begin = self.anchor[:, None] + WEEK_DAYS * np.arange(weeks)
        row, week = np.nonzero(begin < self.end[:, None])
        begin = begin[row, week]
        return row, self.states[row, week], begin, np.minimum(begin + WEEK_DAYS, self.end[row])


def draw_states(phase: Phase, kind: np.ndarray, weeks: int, rng: np.random.Generator) -> np.ndarray:
    """Markov chains of hidden states, int8 of shape (people, weeks)."""
    states = np.zeros((len(kind), weeks), np.int8)
    states[:, 0] = rng.random(len(kind)) < phase.start[kind, 1]
    for week in range(1, weeks):
        states[:, week] = rng.random(len(kind)) < phase.step[kind, states[:, week - 1], 1]
    return states


def draw_hazard(phase: Phase, kind: np.ndarray, states: np.ndarray, first_week: int, rng: np.random.Generator):
    """Days from the anchor to the first event of the phase's hazard, inf where none comes; it sleeps before a week."""
    when = np.full(len(kind), np.inf)
    for week in range(first_week, states.shape[1]):
        rate = phase.hazard[kind, states[:, week]]
        wait = rng.standard_exponential(len(kind)) / np.maximum(rate, 1e-300)
        came = np.isinf(when) & (wait < WEEK_DAYS)
        when[came] = WEEK_DAYS * week + wait[came]
    return when
