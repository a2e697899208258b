"""How a world is described: latent types, each with one habit per phase of life, and the kinds of event they make.

A person of type z lives through weeks, each in a hidden state s (a Markov chain by week, counted from the start of the
phase). Within a week of state s, bursts of kind k come as a Poisson process of intensity ``rate[z, s] r(t)``; a burst
holds its head event, if the kind has one, and ``1 + Poisson(extra[z, s])`` events with symbols drawn by ``shares[z]``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from growthbench.worlds.laws import Delay, Latency, Rhythm

STATES = 2
"""Hidden states of a week: 0 warm, 1 cold."""

LOG_ZERO = -1e6
"""Stands for the logarithm of 0: finite, so that it may be added and taken away again."""


@dataclass(frozen=True)
class Symbol:
    """One thing that can happen in a burst; ``items`` > 0 appends a uniform number to ``item``."""

    name: str
    category: str | None = None
    item: str | None = None
    items: int = 0


@dataclass(frozen=True)
class Kind:
    """A kind of burst.

    ``late`` bursts are sent by the client at their end and travel for a `Delay`; the others are written by the server.
    """

    name: str
    symbols: tuple[Symbol, ...]
    head: Symbol | None = None
    channel: str = "web"
    late: bool = True
    session: bool = False


@dataclass(frozen=True)
class Flow:
    """One type's bursts of one kind: bursts a day by state, mean further events by state, share of each symbol."""

    rate: tuple[float, float] = (0.0, 0.0)
    shares: tuple[float, ...] = (1.0,)
    extra: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Habit:
    """One type in one phase.

    Attributes
    ----------
    start : (float, float)
        P(state) in the first week.
    step : ((float, float), (float, float))
        P(next week's state | this week's), row by row.
    flows : mapping
        Kind name to `Flow`; a kind that is not named never happens.
    reply : ((float, ...), (float, ...))
        P(outcome) of a message by state: the world says which outcomes there are; the rest is no reply.
    hazard : (float, float)
        Rate a day of the event that the phase waits for (a deal opened, a subscription cancelled), by state.
    refund : (float, float)
        P(an order line comes back), by state of the week it was ordered in.
    """

    start: tuple[float, float] = (1.0, 0.0)
    step: tuple[tuple[float, float], tuple[float, float]] = ((1.0, 0.0), (0.0, 1.0))
    flows: Mapping[str, Flow] = field(default_factory=dict)
    reply: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    hazard: tuple[float, float] = (0.0, 0.0)
    refund: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Trait:
    """A trait: its values (numbers: inclusive bands, uniform inside), and how often it is not told."""

    name: str
    values: tuple[str | tuple[int, int], ...]
    missing: float = 0.0

    @property
    def is_number(self) -> bool:
        """True if the values are bands of whole numbers."""
        return not isinstance(self.values[0], str)


@dataclass(frozen=True)
class Persona:
    """A latent type: its share of each path into the world, its traits and its habits.

    Attributes
    ----------
    shares : mapping of str to float
        Relative share among the people of each path (``lead``, ``direct`` ...).
    traits : mapping of str to tuple of float
        Relative share of each value of a trait.
    habits : mapping of str to Habit
        By phase.
    win : float
        P(an opened deal is won); B2B only.
    bot : bool
        Bots keep no rhythm.
    """

    name: str
    shares: Mapping[str, float]
    traits: Mapping[str, tuple[float, ...]]
    habits: Mapping[str, Habit]
    win: float = 0.0
    bot: bool = False


@dataclass(frozen=True)
class WorldSpec:
    """Everything that is fixed about a world before anybody draws from it."""

    name: str
    start: str
    days: int
    personas: tuple[Persona, ...]
    paths: Mapping[str, float]
    kinds: tuple[Kind, ...]
    traits: tuple[Trait, ...]
    rhythm: Rhythm
    delay: Delay
    duplicates: float
    reply_latency: Latency
    refund_latency: Latency | None = None
    deal_latency: Latency | None = None

    def prior(self, path: str) -> np.ndarray:
        """P(type | path), shape (types,)."""
        share = np.array([p.shares.get(path, 0.0) for p in self.personas])
        return share / share.sum()

    def kind(self, name: str) -> Kind:
        """The kind of that name."""
        return next(k for k in self.kinds if k.name == name)

    def trait_share(self, trait: Trait) -> np.ndarray:
        """P(value | type), shape (types, values)."""
        return _rows([p.traits.get(trait.name, (1.0,) * len(trait.values)) for p in self.personas])

    @property
    def bots(self) -> np.ndarray:
        """True for bot types, shape (types,)."""
        return np.array([p.bot for p in self.personas])

    @property
    def win(self) -> np.ndarray:
        """P(an opened deal is won | type), shape (types,)."""
        return np.array([p.win for p in self.personas])

    def phase(self, name: str) -> "Phase":
        """The habits of all types in one phase, stacked."""
        habits = [p.habits.get(name, Habit()) for p in self.personas]
        used = tuple(k for k in self.kinds if any(k.name in h.flows for h in habits))
        return Phase(
            start=np.array([h.start for h in habits]),
            step=np.array([h.step for h in habits]),
            hazard=np.array([h.hazard for h in habits]),
            refund=np.array([h.refund for h in habits]),
            reply=_replies(habits),
            kinds=used,
            flows={k.name: _stack(k, [h.flows.get(k.name) for h in habits]) for k in used},
        )


@dataclass(frozen=True)
class Rates:
    """One kind's parameters for all types: ``rate`` and ``extra`` (types, states), ``shares`` (types, symbols)."""

    rate: np.ndarray
    extra: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class Phase:
    """One phase for all types.

    ``start``, ``hazard`` and ``refund`` (types, states), ``step`` (types, states, states), ``reply`` (types, states,
    outcomes), and ``flows`` by kind.
    """

    start: np.ndarray
    step: np.ndarray
    hazard: np.ndarray
    refund: np.ndarray
    reply: np.ndarray
    kinds: tuple[Kind, ...]
    flows: Mapping[str, Rates]


def _stack(kind: Kind, flows: list[Flow | None]) -> Rates:
    even = (1.0,) * len(kind.symbols)
    flows = [f or Flow(shares=even) for f in flows]
    return Rates(
        rate=np.array([f.rate for f in flows]),
        extra=np.array([f.extra for f in flows]),
        shares=_rows([f.shares for f in flows]),
    )


def _replies(habits: list[Habit]) -> np.ndarray:
    width = max(len(h.reply[0]) for h in habits)
    return np.array([[s + (0.0,) * (width - len(s)) for s in h.reply] for h in habits]).reshape(len(habits), 2, width)


def _rows(shares) -> np.ndarray:
    table = np.array(shares, float)
    return table / table.sum(axis=1, keepdims=True)
