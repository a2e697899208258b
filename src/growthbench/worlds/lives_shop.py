"""The lives of a shop world: account, sessions, orders, returns."""

import numpy as np

from growthbench.worlds.bursts import Drawn, draw_kind, draw_replies
from growthbench.worlds.chains import Weeks, draw_states
from growthbench.worlds.columns import Columns
from growthbench.worlds.laws import WEEK_DAYS
from growthbench.worlds.people import draw_types, send_mail, tell_traits
from growthbench.worlds.shop import CATEGORIES, ITEMS
from growthbench.worlds.spec import WorldSpec

FOUNDED_SHARE = 0.5
FOUNDED_DAYS = 21.0
LAST_START = 0.8
"""Half of the shoppers come in the first three weeks, the others until this share of the span has passed."""


def live(
    spec: WorldSpec, people: int, rng: np.random.Generator, columns: Columns
) -> tuple[np.ndarray, dict[str, Weeks]]:
    """Draw everybody's life and write its events.

    Returns
    -------
    kind : ndarray of int, shape (people,)
        Latent types.
    weeks : dict of str to Weeks
        Hidden states of the one phase, ``shopper``.
    """
    phase, person = spec.phase("shopper"), np.arange(people)
    _, kind = draw_types(spec, people, rng)
    early = rng.random(people) < FOUNDED_SHARE
    start = rng.random(people) * np.where(early, FOUNDED_DAYS, LAST_START * spec.days)
    states = draw_states(phase, kind, int(np.ceil(spec.days / WEEK_DAYS)) + 1, rng)
    weeks = Weeks(person, kind, start, np.full(people, float(spec.days)), states)
    told = tell_traits(spec, person, kind, start, ("country", "device", "source"), columns, rng)
    source = next(t for t in spec.traits if t.name == "source")
    columns.add(person, start, start, name="sign_up", channel=(told["source"], list(source.values)))
    for name in ("browse", "ad", "ticket"):
        draw_kind(spec, phase, spec.kind(name), weeks, columns, rng)
    send_mail(spec, phase, weeks, columns, rng)
    money: dict[str, np.ndarray] = {}

    def prices(drawn: Drawn) -> dict:
        money.update(_money(drawn, rng))
        return {"amount": money["amount"], "quantity": money["quantity"], "currency": "EUR"}

    lines = draw_kind(spec, phase, spec.kind("order"), weeks, columns, rng, more=prices)
    _refunds(spec, phase, weeks, lines, money, columns, rng)
    return kind, {"shopper": weeks}


def _money(lines: Drawn, rng) -> dict[str, np.ndarray]:
    """Amount and quantity of each order line (0 for the checkout itself); the price belongs to the item."""
    base = np.array([*CATEGORIES.values(), 0])[lines.symbol]
    price = np.rint(base * (0.6 + 0.8 * lines.item / ITEMS)).astype(np.int64)
    quantity = np.where(lines.symbol < 0, 0, 1 + rng.poisson(0.3, len(price)))
    return {"amount": price * quantity, "quantity": quantity}


def _refunds(spec: WorldSpec, phase, weeks: Weeks, lines: Drawn, money, columns: Columns, rng) -> None:
    bought = np.flatnonzero(lines.symbol >= 0)
    share = phase.refund[weeks.kind[lines.row[bought]], lines.state[bought]][:, None]
    line, _, when = draw_replies(share, spec.refund_latency, lines.time[bought], rng)
    line = bought[line]
    names = list(CATEGORIES)
    items = [f"{c} {k + 1}" for c in names for k in range(ITEMS)]
    columns.add(
        weeks.person[lines.row[line]], when, when,
        name="refund", session=lines.session[line], category=(lines.symbol[line], names),
        item_id=(lines.symbol[line] * ITEMS + lines.item[line], items),
        amount=-money["amount"][line], quantity=-money["quantity"][line], currency="EUR", channel="web",
    )  # fmt: skip
