"""The laws that all people of a world share: the rhythm of the week, the delay of delivery, the latency of a reply.

Time is in days since the world's first midnight (a Monday, UTC). Because these laws are the same for every latent type,
they cancel in the posterior or enter it through closed-form exposures only.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

WEEK_DAYS = 7.0
_HOURS = 168


@dataclass(frozen=True)
class Rhythm:
    """Relative intensity of each hour of the week, mean 1.

    Parameters
    ----------
    weights : tuple of 168 floats
        Positive; hour 0 is Monday 00:00 UTC. They are scaled to mean 1.
    """

    weights: tuple[float, ...]

    @cached_property
    def level(self) -> np.ndarray:
        """Intensity of each hour of the week, shape (168,), mean 1."""
        weights = np.asarray(self.weights, float)
        return weights / weights.mean()

    @cached_property
    def _integral(self) -> np.ndarray:
        return np.concatenate(([0.0], np.cumsum(self.level))) / 24

    def intensity(self, t: np.ndarray) -> np.ndarray:
        """r(t) at times ``t`` (days)."""
        return self.level[np.floor((t % WEEK_DAYS) * 24).astype(int) % _HOURS]

    def integral(self, t: np.ndarray) -> np.ndarray:
        """R(t), the integral of r from 0 to ``t`` in days; R(t + 7) = R(t) + 7."""
        weeks = np.floor(t / WEEK_DAYS)
        return weeks * WEEK_DAYS + np.interp(t - weeks * WEEK_DAYS, _EDGES, self._integral)

    def inverse(self, u: np.ndarray) -> np.ndarray:
        """The time at which R reaches ``u``."""
        weeks = np.floor(u / WEEK_DAYS)
        return weeks * WEEK_DAYS + np.interp(u - weeks * WEEK_DAYS, self._integral, _EDGES)

    def faded(self, t: np.ndarray, tau: float) -> np.ndarray:
        """Integral over all u <= t of r(u) exp(-(t - u) / tau), in days.

        Periodic in t; inside hour k with level r_k and x days after its start it is
        ``e^(-x/tau) E_k + r_k tau (1 - e^(-x/tau))``.
        """
        decay = np.exp(-1 / 24 / tau)
        steps = np.zeros(_HOURS + 1)
        for k in range(_HOURS):
            steps[k + 1] = decay * steps[k] + self.level[k] * tau * (1 - decay)
        start = steps[-1] / (1 - decay**_HOURS)
        hourly = steps[:-1] + start * decay ** np.arange(_HOURS)
        hour = (t % WEEK_DAYS) * 24
        k = np.floor(hour).astype(int) % _HOURS
        left = np.exp(-(hour - np.floor(hour)) / 24 / tau)
        return left * hourly[k] + self.level[k] * tau * (1 - left)


_EDGES = np.arange(_HOURS + 1) / 24
FLAT = Rhythm((1.0,) * _HOURS)


@dataclass(frozen=True)
class Delay:
    """How long a client's event is under way: nothing at all, or with probability ``share[i]`` Exp(mean ``days[i]``).

    ``P(delay <= x) = 1 - sum_i share_i exp(-x / days_i)`` for x >= 0.
    """

    share: tuple[float, ...]
    days: tuple[float, ...]

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """``n`` delays in days."""
        which = rng.choice(len(self.share) + 1, n, p=(1 - sum(self.share), *self.share))
        return rng.standard_exponential(n) * np.array((0.0, *self.days))[which]

    def exposure(self, start: np.ndarray, end: np.ndarray, moment: np.ndarray, rhythm: Rhythm) -> np.ndarray:
        """Integral over [start, end] of r(t) P(t + delay <= moment): expected visible events at rate 1 a day.

        ``R(end) - R(start) - sum_i share_i (e^(-(m-end)/d_i) E_i(end) - e^(-(m-start)/d_i) E_i(start))`` with E_i of
        `Rhythm.faded`; 0 where end <= start. What lies after ``moment`` is not visible and adds nothing.
        """
        start = np.minimum(start, moment)
        end = np.clip(end, start, moment)
        total = rhythm.integral(end) - rhythm.integral(start)
        for share, tau in zip(self.share, self.days):
            recent = np.exp(-(moment - end) / tau) * rhythm.faded(end, tau)
            total = total - share * (recent - np.exp(-(moment - start) / tau) * rhythm.faded(start, tau))
        return np.maximum(total, 0.0)


PROMPT = Delay((), ())
"""Written by the server itself: known the moment it happens."""


@dataclass(frozen=True)
class Latency:
    """Time from an event to its reply: ``shift_days`` + Exp(mean ``mean_days``)."""

    shift_days: float
    mean_days: float

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """``n`` latencies in days."""
        return self.shift_days + self.mean_days * rng.standard_exponential(n)

    def reached(self, age: np.ndarray) -> np.ndarray:
        """P(latency <= age)."""
        return -np.expm1(-np.maximum(age - self.shift_days, 0.0) / self.mean_days)
