"""Draw a world: its log as anybody may see it, and its latent state kept apart."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from growthbench.base.clock import to_us
from growthbench.base.errors import BadInputError, UnknownNameError
from growthbench.events.data import EventData
from growthbench.worlds import lives_b2b, lives_shop
from growthbench.worlds.b2b import B2B
from growthbench.worlds.chains import Weeks
from growthbench.worlds.columns import Columns
from growthbench.worlds.shop import SHOP
from growthbench.worlds.spec import WorldSpec

SPECS = {"b2b": B2B, "shop": SHOP}
_LIVES: dict[str, Callable] = {"b2b": lives_b2b.live, "shop": lives_shop.live}


@dataclass(frozen=True)
class Latent:
    """What nobody sees: never part of the log.

    Attributes
    ----------
    persons : pyarrow.Array of string, shape (people,)
        Id of each person, by index.
    kind : ndarray of int, shape (people,)
        Latent type, index into ``spec.personas``.
    weeks : dict of str to Weeks
        Hidden state of every person in every week, by phase.
    """

    persons: pa.Array
    kind: np.ndarray
    weeks: dict[str, Weeks]


@dataclass(frozen=True)
class World:
    """A drawn world: ``spec`` (its parameters), ``data`` (the log) and ``latent`` (the truth behind it)."""

    spec: WorldSpec
    data: EventData
    latent: Latent


def generate(world: str, people: int, seed: int) -> World:
    """Draw a world.

    Parameters
    ----------
    world : {"b2b", "shop"}
        Which world.
    people : int
        Number of people, about 50 events each.
    seed : int
        Equal seeds give equal worlds.

    Raises
    ------
    UnknownNameError
        No such world.
    BadInputError
        ``people`` is not positive.
    """
    events, values, latent = raw_log(world, people, seed)
    return World(SPECS[world], EventData.from_raw(events, values), latent)


def raw_log(world: str, people: int, seed: int) -> tuple[pa.Table, pa.Table, Latent]:
    """The world's log as delivered, before it is numbered: duplicate deliveries included, in no order; and its truth.

    Parameters and errors are those of `generate`.
    """
    if world not in SPECS:
        raise UnknownNameError("world", world, SPECS, field="world")
    if people < 1:
        raise BadInputError(f"people must be at least 1, found {people}", field="people")
    spec, rng, columns = SPECS[world], np.random.default_rng(seed), Columns()
    kind, weeks = _LIVES[world](spec, people, rng, columns)
    persons = pa.array([f"{world[0]}{number:06d}" for number in rng.permutation(people)])
    events, values = columns.tables(persons, to_us(spec.start), spec.days, spec.duplicates, rng)
    return events, values, Latent(persons, kind, weeks)
