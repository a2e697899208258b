"""Read a world's log back: which bursts, replies and traits it shows, and the milestones of every person.

Nothing here knows the latent state: it works on any log of the world's vocabulary.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.clock import DAY_US, to_us
from growthbench.events.data import EventData
from growthbench.worlds.spec import Kind, WorldSpec


@dataclass(frozen=True)
class Bursts:
    """Events of bursts, in order of person.

    Attributes
    ----------
    person, kind, symbol : ndarray of int, shape (n,)
        Person (index), kind (index into ``spec.kinds``), symbol of the kind (-1 is the head).
    end, received : ndarray of float, shape (n,)
        End of the burst that the event belongs to, and when it was received, days.
    first : ndarray of bool, shape (n,)
        True for one event of each burst.
    """

    person: np.ndarray
    kind: np.ndarray
    symbol: np.ndarray
    end: np.ndarray
    received: np.ndarray
    first: np.ndarray


@dataclass(frozen=True)
class Asked:
    """What may be answered (mails, order lines), in order of person: time, outcome (-1: none yet) and when it came."""

    person: np.ndarray
    time: np.ndarray
    outcome: np.ndarray
    when: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """A log, read: everything in days since the world's start.

    Attributes
    ----------
    persons : pyarrow.Array of string, shape (people,)
        Index to person id.
    bursts : Bursts
    mails, lines : Asked
        E-mails with outcomes 0 opened, 1 clicked, 2 unsubscribed; order lines with outcome 0 returned.
    milestones : dict of str to ndarray of float, shape (people,)
        First time of each server event that marks a life, inf where it never came.
    traits : dict of str to (ndarray of int, ndarray of float), each of shape (people,)
        Value index of each trait (-1: not told) and when it was told.
    """

    persons: pa.Array
    bursts: Bursts
    mails: Asked
    lines: Asked
    milestones: dict[str, np.ndarray]
    traits: dict[str, tuple[np.ndarray, np.ndarray]]


MILESTONES = (
    "sign_up", "deal_opened", "deal_won", "deal_lost", "subscription_started", "subscription_cancelled",
)  # fmt: skip


class _Log:
    """Columns of the log as arrays, in order of (person, timestamp)."""

    def __init__(self, spec: WorldSpec, data: EventData):
        events = data.events
        codes, self.persons = _codes(events["person"])
        time = events["timestamp"].to_numpy()
        self.order = np.lexsort((time, codes))
        self.person = codes[self.order]
        start = to_us(spec.start)
        self.time = (time[self.order] - start) / DAY_US
        self.received = (events["received_at"].to_numpy()[self.order] - start) / DAY_US
        self._events = events

    def text(self, column: str) -> tuple[np.ndarray, list]:
        """Codes and words of a text column; NULL is -1."""
        codes, words = _codes(self._events[column])
        return codes[self.order], words.to_pylist()

    def is_one(self, column: str, word: str | None) -> np.ndarray:
        """True where a text column holds the word (None: NULL)."""
        codes, words = self.text(column)
        return codes == (words.index(word) if word in words else -1 if word is None else -2)


def read(spec: WorldSpec, data: EventData) -> Evidence:
    """Read a log of the world ``spec``."""
    log = _Log(spec, data)
    names, words = log.text("name")
    at = {word: names == code for code, word in enumerate(words)}
    none = np.zeros(len(names), bool)

    def picked(name: str) -> np.ndarray:
        return at.get(name, none)

    return Evidence(
        persons=log.persons,
        bursts=_bursts(spec, log, names, words),
        mails=_asked(log, picked("email_delivered"), log.text("item_id")[0], [
            (picked("email_open"), 0), (picked("email_click"), 1), (picked("email_unsubscribe"), 2),
        ]),
        lines=_asked(log, picked("purchase"), _line_key(log), [(picked("refund"), 0)]),
        milestones={name: _first(log, picked(name)) for name in MILESTONES},
        traits=_traits(spec, data, log, picked("sign_up")),
    )  # fmt: skip


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    coded = pa.chunked_array(column).combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    return coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary


def _first(log: _Log, chosen: np.ndarray) -> np.ndarray:
    when = np.full(len(log.persons), np.inf)
    np.minimum.at(when, log.person[chosen], log.time[chosen])
    return when


def _bursts(spec: WorldSpec, log: _Log, names: np.ndarray, words: list[str]) -> Bursts:
    kind, symbol = np.full(len(names), -1), np.full(len(names), -1)
    categories, category_words = log.text("category")
    items, item_words = log.text("item_id")

    def match(s) -> np.ndarray:
        found = names == (words.index(s.name) if s.name in words else -2)
        if s.category is not None:
            found &= categories == (category_words.index(s.category) if s.category in category_words else -2)
        if s.item is not None and not s.items:
            found &= items == (item_words.index(s.item) if s.item in item_words else -2)
        return found

    kinds: list[Kind] = [k for k in spec.kinds if k.name != "mail"]
    for k in kinds:
        number = spec.kinds.index(k)
        for index, s in enumerate(k.symbols):
            found = match(s)
            kind[found], symbol[found] = number, index
        if k.head is not None:
            kind[match(k.head)] = number
    kept = np.flatnonzero(kind >= 0)
    session = log.text("session_id")[0][kept]
    alone = session < 0
    session[alone] = session.max(initial=0) + 1 + np.arange(alone.sum())
    _, first, burst = np.unique(session, return_index=True, return_inverse=True)
    end = np.full(len(first), -np.inf)
    np.maximum.at(end, burst, log.time[kept])
    opening = np.zeros(len(kept), bool)
    opening[first] = True
    return Bursts(log.person[kept], kind[kept], symbol[kept], end[burst], log.received[kept], opening)


def _line_key(log: _Log) -> np.ndarray:
    session, (item, items) = log.text("session_id")[0], log.text("item_id")
    return session * (len(items) + 1) + item


def _asked(log: _Log, asking: np.ndarray, key: np.ndarray, answers: list[tuple[np.ndarray, int]]) -> Asked:
    """Join what was asked with its answers by key; equal keys (two equal order lines) are answered in turn."""
    rows = np.flatnonzero(asking)
    rows = rows[np.argsort(key[rows], kind="stable")]
    outcome, when = np.full(len(rows), -1), np.full(len(rows), np.inf)
    for chosen, number in answers:
        found = np.flatnonzero(chosen)
        found = found[np.argsort(key[found], kind="stable")]
        turn = np.arange(len(found)) - np.searchsorted(key[found], key[found])
        place = np.searchsorted(key[rows], key[found]) + turn
        outcome[place], when[place] = number, log.time[found]
    back = np.argsort(rows)
    rows = rows[back]
    return Asked(log.person[rows], log.time[rows], outcome[back], when[back])


def _traits(spec: WorldSpec, data: EventData, log: _Log, signing: np.ndarray) -> dict:
    found = {}
    values = data.values
    keys = values["key"]
    for trait in spec.traits:
        index, told = np.full(len(log.persons), -1), np.full(len(log.persons), np.inf)
        rows = values.filter(pc.equal(keys, trait.name))
        person = pc.index_in(rows["person"], value_set=log.persons).to_numpy()
        when = (rows["timestamp"].to_numpy() - to_us(spec.start)) / DAY_US
        if trait.is_number:
            edges = [low for low, _ in trait.values]
            index[person] = np.searchsorted(edges, rows["int_value"].to_numpy(), side="right") - 1
        else:
            index[person] = pc.index_in(rows["text_value"], value_set=pa.array(trait.values)).to_numpy()
        told[person] = when
        found[trait.name] = (index, told)
    if "source" in found and signing.any():
        codes, words = log.text("channel")
        source = next(t for t in spec.traits if t.name == "source")
        lookup = np.array([source.values.index(w) if w in source.values else -1 for w in words])
        index, told = found["source"]
        index[log.person[signing]], told[log.person[signing]] = lookup[codes[signing]], log.time[signing]
    return found
