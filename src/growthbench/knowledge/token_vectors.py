"""Contextual token vectors of passages, kept small: what MaxSim ranks and quotes by.

A passage's tokens are encoded once and kept in eight bits: 100 words take about 50 KB. (Fewer dimensions were tried on
the tune part of docs_mautic: 128 principal directions of 384 lose a fifth of the questions whose passage came first.)
Khattab & Zaharia 2020 (ColBERT) rank by the sum over question tokens of the best matching token; here with a frozen
sentence encoder.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from growthbench.base.ids import digest
from growthbench.knowledge.passages import Passage
from growthbench.store.answer_tables import passage_tokens
from growthbench.store.engine import Store
from growthbench.text.encoder import Encoder, TokenVectors

_REMEMBERED = 2048
_BATCH = 32


@dataclass(frozen=True)
class Tokens:
    """Token vectors of one text, in eight bits.

    Attributes
    ----------
    rounded : ndarray of int8, shape (tokens, dims)
    scale : ndarray of float32, shape (tokens, 1)
        What a step of ``rounded`` is worth.
    spans : ndarray of int32, shape (tokens, 2)
        Characters of the text.
    """

    rounded: np.ndarray
    scale: np.ndarray
    spans: np.ndarray

    @property
    def vectors(self) -> np.ndarray:
        """As numbers, float32, shape (tokens, dims)."""
        return self.rounded * self.scale


class TokenShelf:
    """Token vectors of a tenant's passages: from memory, from the store, else encoded now and kept.

    Parameters
    ----------
    store : Store
    encoder : Encoder
    tenant : str
    """

    def __init__(self, store: Store, encoder: Encoder, tenant: str):
        self.store, self.encoder, self.tenant = store, encoder, tenant
        self.key = encoder.digest
        self._known: OrderedDict[str, Tokens] = OrderedDict()
        self._lock = Lock()

    def of(self, passages: Sequence[Passage]) -> list[Tokens]:
        """Token vectors of passages (spans count the characters of `Passage.indexed`)."""
        return self.of_texts([p.indexed for p in passages])

    def of_texts(self, texts: Sequence[str]) -> list[Tokens]:
        """Token vectors of texts."""
        keys = [digest(text) for text in texts]
        found = {key: tokens for key in keys if (tokens := self._remembered(key))}
        found |= self._stored([key for key in keys if key not in found])
        if missing := {key: text for key, text in zip(keys, texts) if key not in found}:
            found |= self._made(missing)
        for key in keys:
            self._remember(key, found[key])
        return [found[key] for key in keys]

    def prepare(self, passages: Sequence[Passage], progress: Callable[[str, int, int], None] | None = None) -> int:
        """Encode what is not kept yet, so that no question has to wait for it; returns how many that were."""
        texts = {digest(p.indexed): p.indexed for p in passages}
        missing = list(texts.keys() - self._kept())
        for at in range(0, len(missing), _BATCH):
            if progress:
                progress("token vectors", at, len(missing))
            self._made({key: texts[key] for key in missing[at : at + _BATCH]})
        if progress and missing:
            progress("token vectors", len(missing), len(missing))
        return len(missing)

    def _kept(self) -> set[str]:
        from sqlalchemy import select

        t = passage_tokens.c
        query = select(t.content).where(t.tenant_id == self.tenant, t.encoder == self.key)
        with self.store.reading() as connection:
            return set(connection.execute(query).scalars())

    def _stored(self, keys: list[str]) -> dict[str, Tokens]:
        from sqlalchemy import select

        if not keys:
            return {}
        t = passage_tokens.c
        query = select(t.content, t.vectors, t.spans).where(
            t.tenant_id == self.tenant, t.encoder == self.key, t.content.in_(keys)
        )
        with self.store.reading() as connection:
            return {row.content: _unpacked(row.vectors, row.spans) for row in connection.execute(query)}

    def _made(self, texts: dict[str, str]) -> dict[str, Tokens]:
        rows = []
        for key, tokens in zip(texts, self.encoder.token_vectors(list(texts.values()))):
            vectors, spans = _packed(tokens)
            row = {"tenant_id": self.tenant, "encoder": self.key, "content": key, "vectors": vectors, "spans": spans}
            rows.append(row)
        with self.store.writing() as connection:
            connection.execute(_insert(self.store.dialect), rows)
        return {row["content"]: _unpacked(row["vectors"], row["spans"]) for row in rows}

    def _remembered(self, key: str) -> Tokens | None:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def _remember(self, key: str, tokens: Tokens) -> None:
        with self._lock:
            self._known[key] = tokens
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _insert(dialect: str):
    """Two processes may encode the same text at once: the first one's row stays."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    return insert(passage_tokens).on_conflict_do_nothing()


def _packed(told: TokenVectors) -> tuple[bytes, bytes]:
    scale = np.maximum(np.abs(told.vectors).max(axis=1, keepdims=True), 1e-6) if len(told.vectors) else np.zeros((0, 1))
    rounded = np.round(told.vectors / scale * 127).astype(np.int8)
    spans = np.array(told.spans, "<i4").reshape(-1, 2)
    return scale.astype("<f4").tobytes() + rounded.tobytes(), spans.tobytes()


def _unpacked(vectors: bytes, spans: bytes) -> Tokens:
    where = np.frombuffer(spans, "<i4").reshape(-1, 2)
    count = len(where)
    scale = np.frombuffer(vectors, "<f4", count)[:, None] / np.float32(127)
    rounded = np.frombuffer(vectors, np.int8, offset=4 * count)
    return Tokens(rounded.reshape(count, len(rounded) // count if count else 0), scale, where)
