"""Raw columns of a log under construction: batches of equal-length arrays, turned into Arrow tables at the end."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from growthbench.base.clock import DAY_US

_TEXT = ("name", "item_id", "category", "campaign", "channel", "currency")
_INTS = ("amount", "quantity")


@dataclass
class Columns:
    """Batches of raw events.

    Text columns are given as (codes, words): ``codes`` index ``words``; a single word or None (NULL) stands for all.
    ``session`` (the session) and ``message`` (an e-mail, its item) are numbers from `reserve`.
    """

    batches: list[dict] = field(default_factory=list)
    values: list[tuple] = field(default_factory=list)
    count: int = 0
    things: int = 0

    def reserve(self, n: int) -> np.ndarray:
        """``n`` fresh numbers for sessions or messages."""
        self.things += n
        return np.arange(self.things - n, self.things)

    def add(self, person: np.ndarray, timestamp: np.ndarray, received: np.ndarray, **columns) -> int:
        """Add events of ``person`` (index) at ``timestamp``, known at ``received`` (days); other columns as in the log.

        Returns the number of the first of them.
        """
        self.batches.append({"person": person, "timestamp": timestamp, "received": received, **columns})
        first, self.count = self.count, self.count + len(person)
        return first

    def tell(self, number: np.ndarray, key: str, text_value: pa.Array, int_value: pa.Array) -> None:
        """Give the events of these numbers a value of the property ``key``."""
        self.values.append((number, key, text_value, int_value))

    def tables(self, persons: pa.Array, start_us: int, days: float, duplicates: float, rng: np.random.Generator):
        """The raw log: what was received until day ``days``, duplicate deliveries included.

        Returns
        -------
        events : pyarrow.Table
            Raw columns, with ``event_id`` given; a share ``duplicates`` of client events is delivered twice.
        values : pyarrow.Table
            ``event_id key text_value int_value``.
        """
        person = np.concatenate([b["person"] for b in self.batches]).astype(np.int32)
        timestamp = to_us(np.concatenate([b["timestamp"] for b in self.batches]), start_us)
        received = np.maximum(to_us(np.concatenate([b["received"] for b in self.batches]), start_us), timestamp)
        late = np.concatenate([np.full(len(b["person"]), b.get("late", False)) for b in self.batches])
        n = len(person)
        order = np.arange(n)
        twice = np.flatnonzero(late & (rng.random(n) < duplicates))
        again = received[twice] + 1 + (rng.standard_exponential(len(twice)) * DAY_US / 24).astype(np.int64)
        order, received = np.concatenate((order, twice)), np.concatenate((received, again))
        end = start_us + round(days * DAY_US)
        kept = received <= end
        order, received = order[kept], received[kept]
        mix = int(rng.integers(0, 2**63))
        ids = _ids(b"e", np.arange(n, dtype=np.uint64), mix)
        columns = {
            "event_id": ids.take(pa.array(order)),
            "person": pa.DictionaryArray.from_arrays(pa.array(person[order]), persons),
            "timestamp": pa.array(timestamp[order]),
            "received_at": pa.array(received),
            "session_id": self._things("session", b"s", mix).take(pa.array(order)),
        }
        for name in _TEXT:
            columns[name] = self._text(name).take(pa.array(order))
        messages = self._things("message", b"m", mix).take(pa.array(order)).cast(pa.string())
        columns["item_id"] = pc.coalesce(columns["item_id"].cast(pa.string()), messages)
        for name in _INTS:
            columns[name] = self._ints(name).take(pa.array(order))
        return pa.table(columns), self._values(ids)

    def _values(self, ids: pa.Array) -> pa.Table:
        tables = [
            pa.table({
                "event_id": ids.take(pa.array(number)),
                "key": pa.array([key]).take(pa.array(np.zeros(len(number), np.int32))),
                "text_value": text,
                "int_value": whole,
            })
            for number, key, text, whole in self.values
        ]  # fmt: skip
        return pa.concat_tables(tables)

    def _things(self, key: str, prefix: bytes, mix: int) -> pa.DictionaryArray:
        numbers = [b.get(key) for b in self.batches]
        parts = [np.full(len(b["person"]), -1) if k is None else k for b, k in zip(self.batches, numbers)]
        used, codes = np.unique(np.concatenate(parts), return_inverse=True)
        codes = codes - (used[0] < 0)
        words = _ids(prefix, used[used >= 0].astype(np.uint64), mix)
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), words)

    def _text(self, name: str) -> pa.DictionaryArray:
        words, index, parts = [], {}, []
        for batch in self.batches:
            given = batch.get(name)
            codes, own = given if isinstance(given, tuple) else (None, [given])
            for word in own:
                if word is not None and word not in index:
                    index[word] = len(words)
                    words.append(word)
            lookup = np.array([-1 if word is None else index[word] for word in own] + [-1], np.int32)
            parts.append(np.full(len(batch["person"]), lookup[0], np.int32) if codes is None else lookup[codes])
        codes = np.concatenate(parts)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(words, pa.string()))

    def _ints(self, name: str) -> pa.Array:
        values = [np.broadcast_to(np.asarray(b.get(name, 0)), len(b["person"])) for b in self.batches]
        given = np.concatenate([np.full(len(b["person"]), name in b) for b in self.batches])
        return pa.array(np.concatenate(values).astype(np.int64), mask=~given)


def to_us(days: np.ndarray, start_us: int) -> np.ndarray:
    """UTC µs of times in days since the world's start."""
    return start_us + np.rint(np.asarray(days) * DAY_US).astype(np.int64)


def _ids(prefix: bytes, number: np.ndarray, mix: int) -> pa.Array:
    """Prefix and 16 hex digits of a bijective mix of ``number`` (splitmix64), so ids are unique and unordered."""
    z = number * np.uint64(0x9E3779B97F4A7C15) + np.uint64(mix)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    text = np.empty((len(z), 17), np.uint8)
    text[:, 0] = prefix[0]
    nibbles = z.astype(">u8").view(np.uint8).reshape(-1, 8)
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text[:, 1::2], text[:, 2::2] = digits[nibbles >> 4], digits[nibbles & 15]
    offsets = np.arange(len(z) + 1, dtype=np.int32) * 17
    return pa.StringArray.from_buffers(len(z), pa.py_buffer(offsets), pa.py_buffer(text.reshape(-1)))
