"""Two columns of truth for the rows of a task: what the latent state says, and what the log shows of it.

``latent`` is P(y | latent type, hidden state at the moment, milestones so far); ``observable`` is
``sum over (z, s) of P(z, s | log as visible at the moment) P(y | z, s, milestones)``, the best that any model can know
(visible: ``timestamp < moment`` and ``received_at <= moment``). Formulas: `posterior` and `outlook`. Only tests and
reports import this module; nothing that is drawn or learned needs it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.clock import DAY_US, to_us
from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.events.data import EventData
from growthbench.worlds.b2b import BEFORE_DAYS, FORGOTTEN_DAYS, NURTURE_DAYS
from growthbench.worlds.evidence import Evidence, read
from growthbench.worlds.generate import Latent, World
from growthbench.worlds.laws import FLAT
from growthbench.worlds.outlook import survival, win_opened, win_unopened
from growthbench.worlds.posterior import Rows, forward, log, logsumexp, trait_likelihood, week_of
from growthbench.worlds.spec import WorldSpec

CHUNK = 4000
_TASKS = {("b2b", "lead_scoring"): "lead", ("b2b", "churn"): "customer", ("shop", "churn"): "shopper"}


@dataclass(frozen=True)
class Truth:
    """P(y = yes) of each row of a spine, shape (rows,): ``latent``, and ``observable`` with its ``posterior``.

    ``posterior`` is P(type | log), shape (rows, types).
    """

    latent: np.ndarray
    observable: np.ndarray
    posterior: np.ndarray


def truth(world: World, task: str, spine: pa.Table, window_days: float) -> Truth:
    """Truth of the rows of a task's spine.

    Parameters
    ----------
    world : World
        As drawn by `generate`; its log must hold every event that the spine's rows may see.
    task : {"lead_scoring", "churn"}
        ``lead_scoring`` (B2B): a deal is won in the window. ``churn``: the subscription is cancelled in the window
        (B2B), or nothing is bought in it (shop).
    spine : pyarrow.Table
        Columns ``person moment`` (UTC µs); rows as the task defines them.
    window_days : float
        Length of the label window.

    Raises
    ------
    UnknownNameError
        The world has no truth for this task.
    BadInputError
        A row is not one of the task's: a person without sign-up or subscription at the moment.
    """
    if (world.spec.name, task) not in _TASKS:
        raise UnknownNameError("task", task, [t for w, t in _TASKS if w == world.spec.name], field="task")
    evidence = read(world.spec, world.data)
    phase = _TASKS[world.spec.name, task]
    person = _index(spine["person"], evidence.persons)
    moment = (spine["moment"].to_numpy() - to_us(world.spec.start)) / DAY_US
    origin = _index(spine["person"], world.latent.persons)
    parts = [
        _chunk(world.spec, world.latent, evidence, phase, person[i], moment[i], origin[i], window_days)
        for i in np.array_split(np.arange(len(person)), max(1, -(-len(person) // CHUNK)))
    ]
    return Truth(*(np.concatenate(column) for column in zip(*parts)))


def observable(spec: WorldSpec, data: EventData, task: str, spine: pa.Table, window_days: float) -> np.ndarray:
    """P(y | log) of each row, from the log alone; parameters and errors as for `truth`."""
    evidence = read(spec, data)
    person = _index(spine["person"], evidence.persons)
    moment = (spine["moment"].to_numpy() - to_us(spec.start)) / DAY_US
    rows = np.array_split(np.arange(len(person)), max(1, -(-len(person) // CHUNK)))
    parts = [_observed(spec, evidence, _TASKS[spec.name, task], person[i], moment[i], window_days) for i in rows]
    return np.concatenate([(share * future).sum(axis=(1, 2)) for share, future, _ in parts])


def _chunk(spec, latent: Latent, evidence, phase, person, moment, origin, window_days):
    share, future, anchor = _observed(spec, evidence, phase, person, moment, window_days)
    weeks = latent.weeks[phase]
    place = np.full(len(latent.persons), -1)
    place[weeks.person] = np.arange(len(weeks.person))
    row = place[origin]
    state = weeks.states[row, week_of(moment, anchor)]
    hidden = future[np.arange(len(row)), latent.kind[origin], state]
    return hidden, (share * future).sum(axis=(1, 2)), share.sum(axis=2)


def _observed(spec: WorldSpec, evidence: Evidence, phase: str, person, moment, window_days: float):
    """P(z, s | log), P(y | z, s), both (rows, types, states), and the anchor of each row's weeks."""
    rows = _LIVES[phase](evidence, person, moment)
    if not np.isfinite(rows.anchor).all() or (rows.anchor > moment).any():
        raise BadInputError(f"a row of the spine is no {phase} at its moment", field="spine")
    joint = forward(spec, spec.phase(phase), evidence, rows)
    joint += trait_likelihood(spec, evidence, person, moment)[:, :, None]
    signed = np.isfinite(evidence.milestones["sign_up"][person])
    path = "shopper" if phase == "shopper" else "lead"
    joint[signed] += log(spec.prior(path))[:, None]
    if phase == "customer":
        joint[~signed] += log(spec.prior("direct"))[:, None]
        past = _lead_rows(evidence, person[signed], moment[signed])
        joint[signed] += logsumexp(forward(spec, spec.phase("lead"), evidence, past))[:, :, None]
    if phase != "shopper":
        joint += _deals(spec, evidence, person, moment)[:, :, None]
    share = np.exp(joint - joint.max(axis=(1, 2), keepdims=True))
    share /= share.sum(axis=(1, 2), keepdims=True)
    return share, _future(spec, evidence, phase, rows, window_days), rows.anchor


def _lead_rows(evidence: Evidence, person: np.ndarray, moment: np.ndarray) -> Rows:
    signed, opened, won = (evidence.milestones[m][person] for m in ("sign_up", "deal_opened", "deal_won"))
    anchor = signed - BEFORE_DAYS
    end = np.minimum(np.minimum(signed + FORGOTTEN_DAYS, won), moment)
    return Rows(person, moment, anchor, anchor, end, signed + NURTURE_DAYS, opened)


def _customer_rows(evidence: Evidence, person: np.ndarray, moment: np.ndarray) -> Rows:
    start, left = (evidence.milestones[m][person] for m in ("subscription_started", "subscription_cancelled"))
    return Rows(person, moment, start, start, np.minimum(left, moment), start, left)


def _shopper_rows(evidence: Evidence, person: np.ndarray, moment: np.ndarray) -> Rows:
    start = evidence.milestones["sign_up"][person]
    return Rows(person, moment, start, start, moment, start, np.full(len(person), np.inf))


_LIVES = {"lead": _lead_rows, "customer": _customer_rows, "shopper": _shopper_rows}


def _deals(spec: WorldSpec, evidence: Evidence, person: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """log P(how the deals ended that had ended by the moment | type), shape (rows, types)."""
    won, lost = (evidence.milestones[m][person] < moment for m in ("deal_won", "deal_lost"))
    came = np.isfinite(evidence.milestones["sign_up"][person])
    return (came & won)[:, None] * log(spec.win) + (came & lost)[:, None] * log(1 - spec.win)


def _future(spec: WorldSpec, evidence: Evidence, phase: str, rows: Rows, window_days: float) -> np.ndarray:
    """P(y | z, s, milestones), shape (rows, types, states)."""
    habits, moment = spec.phase(phase), rows.moment
    if phase == "customer":
        return 1 - survival(habits, habits.hazard, rows.anchor, moment, window_days, FLAT)
    if phase == "shopper":
        return survival(habits, habits.flows["order"].rate, rows.anchor, moment, window_days, spec.rhythm)
    until, asleep = moment + window_days, rows.anchor + BEFORE_DAYS + FORGOTTEN_DAYS
    future = win_unopened(habits, spec.win, spec.deal_latency, rows.anchor, rows.awake, asleep, moment, until)
    opened, lost, won = (evidence.milestones[m][rows.person] for m in ("deal_opened", "deal_lost", "deal_won"))
    if (won < moment).any():
        raise BadInputError("a row of the spine was won before its moment", field="spine")
    pending = opened < moment
    known = win_opened(spec.win, spec.deal_latency, np.minimum(opened, moment), moment, until)
    known = np.where((lost < moment)[:, None], 0.0, known)
    return np.where(pending[:, None, None], known[:, :, None], future)


def _index(persons: pa.ChunkedArray, known: pa.Array) -> np.ndarray:
    index = pc.index_in(persons, value_set=known)
    if index.null_count:
        raise BadInputError("the spine names a person that the log does not know", field="spine")
    return index.to_numpy()
