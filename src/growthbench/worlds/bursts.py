"""Bursts of events in the weeks of a phase, and the replies that follow some of them."""

from dataclasses import dataclass

import numpy as np

from growthbench.worlds.chains import Weeks
from growthbench.worlds.columns import Columns
from growthbench.worlds.laws import FLAT, PROMPT, Latency
from growthbench.worlds.spec import Kind, Phase, Rates, WorldSpec

GAP_DAYS = 1.5 / 1440
"""Mean gap between the events of one burst: a minute and a half, for everybody."""


@dataclass(frozen=True)
class Drawn:
    """Events of one kind: row in the phase, state of the week, time, symbol (-1: the head), item number, session."""

    row: np.ndarray
    state: np.ndarray
    time: np.ndarray
    symbol: np.ndarray
    item: np.ndarray
    session: np.ndarray


def draw_kind(spec: WorldSpec, phase: Phase, kind: Kind, weeks: Weeks, columns: Columns, rng, more=None) -> Drawn:
    """Draw all bursts of one kind in one phase and add their events to the log.

    A burst is anchored at its end: the end is the point of the Poisson process, the other events come before it, and
    all of them are received together, at the end plus the delay. What the server writes (order lines) happens at one
    instant, after the head.

    Parameters
    ----------
    more : callable, optional
        Further columns of the log, made from the `Drawn` events.
    """
    rates = phase.flows[kind.name]
    row, state, end = _ends(spec, rates, weeks, kind.late, rng)
    delay = (spec.delay if kind.late else PROMPT).draw(len(end), rng)
    burst, place, size, symbol = _contents(rates, kind, weeks.kind[row], state, rng)
    gaps = rng.standard_exponential(len(burst)) * GAP_DAYS * (place > 0 if kind.late else symbol < 0)
    back = np.cumsum(gaps) - np.cumsum(gaps)[np.cumsum(size)[burst] - size[burst]]
    text, item = _text_columns(kind, symbol, rng)
    session = columns.reserve(len(end))[burst]
    drawn = Drawn(row[burst], state[burst], end[burst] - back, symbol, item, session)
    columns.add(
        weeks.person[row[burst]],
        drawn.time,
        end[burst] + delay[burst],
        late=kind.late,
        session=session if kind.session else None,
        channel=kind.channel,
        **text,
        **(more(drawn) if more else {}),
    )
    return drawn


def _ends(spec: WorldSpec, rates: Rates, weeks: Weeks, late: bool, rng):
    """Row, state and end of every burst; bots keep no rhythm in what they send themselves."""
    row, state, begin, end = weeks.cells()
    bot = spec.bots[weeks.kind[row]] & late
    rows, states, times = [], [], []
    for rhythm, chosen in ((spec.rhythm, ~bot), (FLAT, bot)):
        low, high = rhythm.integral(begin[chosen]), rhythm.integral(end[chosen])
        count = rng.poisson(rates.rate[weeks.kind[row[chosen]], state[chosen]] * (high - low))
        low, high = np.repeat(low, count), np.repeat(high, count)
        times.append(rhythm.inverse(low + (high - low) * rng.random(len(low))))
        rows.append(np.repeat(row[chosen], count))
        states.append(np.repeat(state[chosen], count))
    return np.concatenate(rows), np.concatenate(states), np.concatenate(times)


def _contents(rates: Rates, kind: Kind, persona: np.ndarray, state: np.ndarray, rng):
    """Burst, place counted from the burst's last event, size of each burst, and symbol of every event."""
    inner = 1 + rng.poisson(rates.extra[persona, state]) if rates.extra.any() else np.ones(len(persona), np.int64)
    size = inner + (kind.head is not None)
    burst = np.repeat(np.arange(len(size)), size)
    place = np.arange(len(burst)) - np.repeat(np.cumsum(size) - size, size)
    below = np.cumsum(rates.shares, axis=1)[:, :-1]
    symbol = np.zeros(len(burst), np.int64)
    drawn, kinds = rng.random(len(burst)), persona[burst]
    for column in range(below.shape[1]):
        symbol += drawn > below[kinds, column]
    if kind.head is not None:
        # an order is paid at its end, after which nothing is bought; work begins with a login
        symbol[place == size[burst] - 1] = -1
    return burst, place, size, symbol


def _text_columns(kind: Kind, symbol: np.ndarray, rng) -> tuple[dict, np.ndarray]:
    symbols = (*kind.symbols, kind.head) if kind.head else kind.symbols
    index = np.where(symbol < 0, len(symbols) - 1, symbol)
    items, first = [], []
    for s in symbols:
        first.append(len(items))
        items += [f"{s.item}{k + 1}" for k in range(s.items)] if s.items else [s.item]
    span = np.array([max(s.items, 1) for s in symbols])
    number = (rng.random(len(index)) * span[index]).astype(np.int64)
    text = {
        "name": (index, [s.name for s in symbols]),
        "category": (index, [s.category for s in symbols]),
        "item_id": (np.array(first)[index] + number, items),
    }
    return text, number


def draw_replies(
    share: np.ndarray, latency: Latency, time: np.ndarray, rng
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome of each message and when: ``share`` is (messages, outcomes), what is left over is no reply.

    Returns
    -------
    message, outcome, when : ndarray
        One entry for each message that was answered.
    """
    drawn = rng.random(len(time))
    outcome = (drawn[:, None] >= np.cumsum(share, axis=1)).sum(axis=1)
    message = np.flatnonzero(outcome < share.shape[1])
    return message, outcome[message], time[message] + latency.draw(len(message), rng)
