"""The exact posterior over latent type and hidden state, given everything a log shows at a moment.

For a person and a moment m, in one phase of life with weeks k = 0 .. K (K holds m, or the end of the phase):

``log L_k(z, s) = sum_bursts [log rate + log r(end) + (n - 1) log extra - extra + sum_symbols log share]
- sum_kinds rate * integral over the week of r(t) P(t + delay <= m) dt + sum_replies log P(reply)
+ hazard terms``

over the bursts that ended in week k and were received by m. The burst's n events after its head have n - 1 ~
Poisson(extra); terms that are the same for every (z, s) are left out. Thinning: a burst that ended at t is visible
with probability P(delay <= m - t), so the visible ones are a Poisson process of intensity rate r(t) P(delay <= m - t),
and the delay's own density is the same for all. A message or order line asked at t has outcome o with probability
p_o(z, s); if none is visible at m the factor is ``1 - sum_o p_o P(latency <= m - t)``. A hazard h is survived with
``-h * days`` and met with ``log h``. Hidden states go forward, for each type z: ``alpha_0 = start L_0, alpha_k =
(alpha_(k-1) step) L_k``. Messages themselves are sent to everybody alike and say nothing.
"""

from dataclasses import dataclass

import numpy as np

from growthbench.worlds.evidence import Asked, Bursts, Evidence
from growthbench.worlds.laws import FLAT, PROMPT, WEEK_DAYS
from growthbench.worlds.spec import LOG_ZERO, STATES, Phase, WorldSpec


@dataclass(frozen=True)
class Rows:
    """One phase of the life of each row's person, as known at the row's moment; shape (rows,) each, days.

    Attributes
    ----------
    person : ndarray of int
        Index into ``Evidence.persons``.
    moment, anchor, begin, end : ndarray of float
        The moment; the start of week 0; first and last time at which bursts belong to the phase (``end <= moment``).
    awake, met : ndarray of float
        When the hazard begins to work, and when it struck (inf: not by ``end``).
    """

    person: np.ndarray
    moment: np.ndarray
    anchor: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    awake: np.ndarray
    met: np.ndarray

    @property
    def week(self) -> np.ndarray:
        """The week that holds ``end``."""
        return week_of(self.end, self.anchor)

    def take(self, index) -> "Rows":
        """Some of the rows."""
        return Rows(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def week_of(time: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    """Number of the week, counted from the anchor, that holds a time; whole microseconds decide."""
    micros = 86_400e6
    return np.floor_divide(np.rint((time - anchor) * micros), WEEK_DAYS * micros).astype(np.int64)


def log(x: np.ndarray) -> np.ndarray:
    """Natural logarithm, with a finite stand-in for log 0."""
    return np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), LOG_ZERO)


def logsumexp(alpha: np.ndarray) -> np.ndarray:
    """Sum over the states, in logarithms: shape (rows, types)."""
    return np.logaddexp(alpha[:, :, 0], alpha[:, :, 1])


def forward(spec: WorldSpec, phase: Phase, evidence: Evidence, rows: Rows) -> np.ndarray:
    """log P(what the phase shows, state in the week of ``end`` | type), shape (rows, types, states)."""
    weeks = _week_likelihood(spec, phase, evidence, rows)
    last = rows.week
    alpha = log(phase.start) + weeks[:, 0]
    step = log(phase.step)
    for week in range(1, weeks.shape[1]):
        moved = np.logaddexp(alpha[:, :, :1] + step[:, 0], alpha[:, :, 1:] + step[:, 1])
        alpha = np.where((week <= last)[:, None, None], moved + weeks[:, week], alpha)
    return alpha


def trait_likelihood(spec: WorldSpec, evidence: Evidence, person: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """log P(traits told before the moment | type), shape (rows, types); whether one is told depends on nothing."""
    total = np.zeros((len(person), len(spec.personas)))
    for trait in spec.traits:
        index, told = (a[person] for a in evidence.traits[trait.name])
        seen = (index >= 0) & (told < moment)
        total[seen] += log(spec.trait_share(trait)).T[index[seen]]
    return total


def _week_likelihood(spec: WorldSpec, phase: Phase, evidence: Evidence, rows: Rows) -> np.ndarray:
    """log L_k(z, s), shape (rows, weeks, types, states)."""
    count, types = len(rows.person), len(spec.personas)
    weeks = int(rows.week.max(initial=0)) + 1
    total = np.zeros((count * weeks, types * STATES))
    row, at = _of_rows(evidence.bursts.person, rows)
    _add_bursts(total, weeks, spec, phase, evidence.bursts, rows, row, at)
    asked = [(evidence.mails, phase.reply, spec.reply_latency)]
    if spec.refund_latency is not None:
        asked.append((evidence.lines, phase.refund[:, :, None], spec.refund_latency))
    for questions, share, latency in asked:
        if share.shape[2]:
            row, at = _of_rows(questions.person, rows)
            _add_replies(total, weeks, questions, share, latency, rows, row, at)
    total = total.reshape(count, weeks, types, STATES)
    _subtract_exposure(total, spec, phase, rows)
    return total


def _of_rows(person: np.ndarray, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of a row and an entry of the row's person; entries are in order of person."""
    low, high = np.searchsorted(person, rows.person), np.searchsorted(person, rows.person, side="right")
    size = high - low
    row = np.repeat(np.arange(len(size)), size)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size) + low[row]


def _add(total: np.ndarray, cell: np.ndarray, terms: np.ndarray) -> None:
    for column in range(total.shape[1]):
        total[:, column] += np.bincount(cell, terms[:, column], len(total))


def _add_bursts(total, weeks, spec: WorldSpec, phase: Phase, bursts: Bursts, rows: Rows, row, at) -> None:
    end = bursts.end[at]
    seen = (bursts.received[at] <= rows.moment[row]) & (end >= rows.begin[row]) & (end < rows.end[row])
    row, at, end = row[seen], at[seen], end[seen]
    cell = row * weeks + week_of(end, rows.anchor[row])
    kind, symbol, first = bursts.kind[at], bursts.symbol[at], bursts.first[at]
    human = np.repeat(~spec.bots, STATES)
    for k in phase.kinds:
        mine = kind == spec.kinds.index(k)
        rates = phase.flows[k.name]
        extra = log(rates.extra).reshape(-1) if rates.extra.any() else np.zeros(1)
        inner = mine & (symbol >= 0)
        shares = np.repeat(log(rates.shares), STATES, axis=0).T + extra
        _add(total, cell[inner], shares[symbol[inner]])
        whole = mine & first
        rhythm = np.log(spec.rhythm.intensity(end[whole]))[:, None] * (human if k.late else True)
        _add(total, cell[whole], (log(rates.rate) - rates.extra).reshape(-1) - extra + rhythm)


def _add_replies(total, weeks, asked: Asked, share, latency, rows: Rows, row, at) -> None:
    time = asked.time[at]
    seen = (time < rows.moment[row]) & (time >= rows.begin[row]) & (time < rows.end[row])
    row, at, time = row[seen], at[seen], time[seen]
    cell = row * weeks + week_of(time, rows.anchor[row])
    shares = share.reshape(-1, share.shape[2])
    answered = asked.when[at] < rows.moment[row]
    _add(total, cell[answered], log(shares).T[asked.outcome[at[answered]]])
    silent = ~answered
    reached = latency.reached(rows.moment[row[silent]] - time[silent])
    _add(total, cell[silent], np.log1p(-np.minimum(shares.sum(axis=1) * reached[:, None], 1 - 1e-15)))


def _subtract_exposure(total: np.ndarray, spec: WorldSpec, phase: Phase, rows: Rows) -> None:
    begin = rows.anchor[:, None] + WEEK_DAYS * np.arange(total.shape[1])
    low = np.maximum(begin, rows.begin[:, None])
    high = np.maximum(low, np.minimum(begin + WEEK_DAYS, rows.end[:, None]))
    moment = np.broadcast_to(rows.moment[:, None], low.shape)
    late = np.stack([spec.delay.exposure(low, high, moment, r) for r in (spec.rhythm, FLAT)])
    prompt = PROMPT.exposure(low, high, moment, spec.rhythm)
    for k in phase.kinds:
        if k.name == "mail":
            continue
        rate = phase.flows[k.name].rate
        for bot in (0, 1):
            chosen = spec.bots == bool(bot)
            exposure = late[bot] if k.late else prompt
            total[:, :, chosen] -= exposure[:, :, None, None] * rate[chosen]
    low = np.maximum(begin, rows.awake[:, None])
    days = np.minimum(begin + WEEK_DAYS, np.minimum(rows.end, rows.met)[:, None]) - low
    total -= np.maximum(days, 0.0)[:, :, None, None] * phase.hazard
    struck = np.flatnonzero(rows.met < rows.end)
    total[struck, week_of(rows.met[struck], rows.anchor[struck])] += log(phase.hazard)
