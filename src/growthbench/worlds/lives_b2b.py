"""The lives of a B2B world: sign-up, nurture, deal, subscription, cancellation."""

import numpy as np

from growthbench.worlds.b2b import BEFORE_DAYS, FORGOTTEN_DAYS, NURTURE_DAYS, PLANS
from growthbench.worlds.bursts import draw_kind
from growthbench.worlds.chains import Weeks, draw_hazard, draw_states
from growthbench.worlds.columns import Columns
from growthbench.worlds.laws import WEEK_DAYS
from growthbench.worlds.people import draw_types, send_mail, tell_traits
from growthbench.worlds.spec import WorldSpec

LEAD_TRAITS = ("industry", "employees", "seniority", "country", "device", "source")
FOUNDED_SHARE = 0.5
FOUNDED_DAYS = 14.0
LAST_START = 0.75
"""Half of the direct customers start in the first two weeks, the others until this share of the span has passed."""

MONTH_DAYS = 30.0
_SALES = {"channel": "sales", "currency": "EUR"}


def live(
    spec: WorldSpec, people: int, rng: np.random.Generator, columns: Columns
) -> tuple[np.ndarray, dict[str, Weeks]]:
    """Draw everybody's life and write its events.

    Returns
    -------
    kind : ndarray of int, shape (people,)
        Latent types.
    weeks : dict of str to Weeks
        Hidden states by phase, ``lead`` and ``customer``.
    """
    path, kind = draw_types(spec, people, rng)
    lead, direct, passer = (np.flatnonzero(path == k) for k in range(3))
    leads, won, plan_won = _leads(spec, lead, kind[lead], rng, columns)
    start = np.where(
        rng.random(len(direct)) < FOUNDED_SHARE,
        rng.random(len(direct)) * FOUNDED_DAYS,
        rng.random(len(direct)) * LAST_START * spec.days,
    )
    told = tell_traits(spec, direct, kind[direct], start, (*LEAD_TRAITS, "plan"), columns, rng)
    customers = _customers(
        spec,
        np.concatenate((lead[np.isfinite(won)], direct)),
        np.concatenate((won[np.isfinite(won)], start)),
        np.concatenate((plan_won, told["plan"])),
        kind, rng, columns,
    )  # fmt: skip
    begin = rng.random(len(passer)) * spec.days
    states = draw_states(spec.phase("lead"), kind[passer], 5, rng)
    _flows(spec, "lead", Weeks(passer, kind[passer], begin, begin + MONTH_DAYS, states), rng, columns, ("visit", "ad"))
    return kind, {"lead": leads, "customer": customers}


def _leads(spec: WorldSpec, person, kind, rng, columns: Columns):
    phase = spec.phase("lead")
    signed = BEFORE_DAYS + rng.random(len(person)) * (spec.days - BEFORE_DAYS)
    anchor = signed - BEFORE_DAYS
    weeks = int(np.ceil((BEFORE_DAYS + FORGOTTEN_DAYS) / WEEK_DAYS))
    states = draw_states(phase, kind, weeks, rng)
    opened = anchor + draw_hazard(phase, kind, states, int((BEFORE_DAYS + NURTURE_DAYS) / WEEK_DAYS), rng)
    closed = opened + spec.deal_latency.draw(len(person), rng)
    wins = np.isfinite(opened) & (rng.random(len(person)) < spec.win[kind])
    won = np.where(wins, closed, np.inf)
    told = tell_traits(spec, person, kind, signed, LEAD_TRAITS, columns, rng)
    source = next(t for t in spec.traits if t.name == "source")
    columns.add(person, signed, signed, name="sign_up", channel=(told["source"], list(source.values)))
    deal = np.isfinite(opened)
    expected = 100_00 * rng.integers(10, 200, len(person))
    columns.add(person[deal], opened[deal], opened[deal], name="deal_opened", amount=expected[deal], **_SALES)
    lost = deal & ~wins
    columns.add(person[lost], closed[lost], closed[lost], name="deal_lost", amount=expected[lost], **_SALES)
    plan = tell_traits(spec, person[wins], kind[wins], won[wins], ("plan",), columns, rng)["plan"]
    price = np.array(list(PLANS.values()))[plan]
    columns.add(person[wins], won[wins], won[wins], name="deal_won", amount=12 * price, **_SALES)
    lived = Weeks(person, kind, anchor, np.minimum(signed + FORGOTTEN_DAYS, won), states)
    _flows(spec, "lead", lived, rng, columns, ("visit", "work", "form", "ad", "mail"))
    return lived, won, plan


def _customers(spec: WorldSpec, person, start, plan, kinds, rng, columns: Columns) -> Weeks:
    phase, kind = spec.phase("customer"), kinds[person]
    states = draw_states(phase, kind, int(np.ceil(spec.days / WEEK_DAYS)) + 1, rng)
    end = start + draw_hazard(phase, kind, states, 0, rng)
    price = np.array(list(PLANS.values()))[plan]
    money = {"currency": "EUR", "channel": "billing"}
    columns.add(person, start, start, name="subscription_started", amount=price, **money)
    gone = np.isfinite(end)
    columns.add(person[gone], end[gone], end[gone], name="subscription_cancelled", channel="billing")
    paid = np.maximum(np.ceil((np.minimum(end, spec.days + 1) - start) / MONTH_DAYS).astype(int) - 1, 0)
    row = np.repeat(np.arange(len(person)), paid)
    month = np.arange(len(row)) - np.repeat(np.cumsum(paid) - paid, paid) + 1
    due = start[row] + MONTH_DAYS * month
    columns.add(person[row], due, due, name="invoice_paid", amount=price[row], **money)
    lived = Weeks(person, kind, start, np.minimum(end, spec.days), states)
    _flows(spec, "customer", lived, rng, columns, ("work", "visit", "invite", "ticket", "mail"))
    return lived


def _flows(spec: WorldSpec, phase_name: str, weeks: Weeks, rng, columns: Columns, kinds: tuple[str, ...]) -> None:
    phase = spec.phase(phase_name)
    for name in kinds:
        if name == "mail":
            send_mail(spec, phase, weeks, columns, rng)
        else:
            draw_kind(spec, phase, spec.kind(name), weeks, columns, rng)
