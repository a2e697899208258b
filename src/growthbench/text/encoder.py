"""What an encoder of texts is, whichever model is behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


@dataclass(frozen=True)
class TokenVectors:
    """Contextual vectors of the tokens of one text.

    Attributes
    ----------
    vectors : ndarray of float32, shape (tokens, dims)
        Unit length; special tokens left out.
    spans : tuple of (int, int)
        Characters of the text that each token covers: ``text[start:end]``.
    """

    vectors: np.ndarray
    spans: tuple[tuple[int, int], ...]


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their similarity.

    Attributes
    ----------
    name : str
    digest : str
        Identity of the vectors: equal digests mean comparable, cacheable vectors.
    dims : int
    max_tokens : int
        What comes after so many tokens of a text is not read.
    """

    name: str
    digest: str
    dims: int
    max_tokens: int

    def encode(self, texts: Sequence[str], progress: bool = False) -> np.ndarray:
        """Unit vectors of texts, float32, shape (n, dims)."""
        ...


@runtime_checkable
class Encoder(Embedder, Protocol):
    """An embedder that also tells the vectors of single tokens."""

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Contextual vectors of every token of every text."""
        ...

    def read(self, text: str) -> tuple[np.ndarray, TokenVectors]:
        """Vector of one text and vectors of its tokens, read once: what `encode` and `token_vectors` give."""
        ...


@runtime_checkable
class PaidEmbedder(Embedder, Protocol):
    """An embedder elsewhere: it costs money, and it may be away.

    Attributes
    ----------
    dims : int or None
        None until its first answer.
    batch_texts : int
        Texts that are best sent together.
    """

    batch_texts: int

    def question(self, text: str) -> np.ndarray:
        """Unit vector of a question, shape (dims,): somebody waits."""
        ...

    def remember(self, dims: int) -> None:
        """Dimensions of the vectors that it made before, as far as the store knows."""
        ...


@runtime_checkable
class EmbeddersOfTenants(Protocol):
    """Embedders that must know for whom they work, since somebody pays for it."""

    name: str

    def of(self, tenant: str) -> PaidEmbedder:
        """The embedder that a tenant pays."""
        ...
