"""Sentiment of a text in [-1, 1]: twice a calibrated probability less one, from words and from meaning.

Two logistic regressions, one on TF-IDF and one on the sentence vector, are joined by a third on their out-of-fold
margins, so that the weights of the blend and its calibration are learned in one step, from sentences that neither had
seen. Plain requests are shown with both labels, so that what says nothing either way is near one half: near 0.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import ArtifactError, BadInputError, GoldenRowsError
from growthbench.learning import portable
from growthbench.learning.folder import (
    array_from_bytes,
    array_to_bytes,
    from_bytes,
    manifest_digest,
    read_sealed,
    to_bytes,
    write_sealed,
)
from growthbench.learning.text import TextVectors, blocks_from

if TYPE_CHECKING:
    from growthbench.text import Encoder

SHIPPED = Path(__file__).parent / "shipped" / "sentiment"
_NUMBERS = ("bias", "blend", "alone")
_TOLERANCE = 1e-4  # the encoder's last bits depend on the processor
_GOLDEN = ("I love it, works perfectly!", "Terrible, a waste of money.", "What does the Pro plan cost?", "")


@dataclass(frozen=True)
class Sentiment:
    """A trained model of sentiment.

    Attributes
    ----------
    vectors : TextVectors
        m terms.
    terms : ndarray of float32, shape (m,)
    meaning : ndarray of float32, shape (d,)
    bias : tuple of float
        Of the words' and the meaning's margin.
    blend : tuple of float
        Weight of the words' margin, of the meaning's, and what is added.
    alone : tuple of float
        Weight of the words' margin, and what is added, where the encoder is not installed.
    encoder : Encoder or None
        None: the words are asked alone.
    about : mapping
        Where the sentences came from, and what the model reads.
    """

    vectors: TextVectors
    terms: np.ndarray
    meaning: np.ndarray
    bias: tuple[float, float]
    blend: tuple[float, float, float]
    alone: tuple[float, float]
    encoder: "Encoder | None" = None
    about: Mapping[str, Any] | None = None

    def __post_init__(self):
        if self.terms.shape != (self.vectors.size,):
            raise ArtifactError(f"{self.vectors.size} terms do not fit coefficients {self.terms.shape}")
        if self.encoder is not None and self.meaning.shape != (self.encoder.dims,):
            raise ArtifactError(f"vectors of {self.encoder.dims} numbers do not fit coefficients {self.meaning.shape}")

    @property
    def reads(self) -> str:
        """What the model reads, for people: it is told with every score."""
        if self.encoder is None:
            return "words only: the encoder's wheel is not installed"
        return f"words, and meaning by {self.encoder.name}"

    def score(self, texts: Sequence[str]) -> np.ndarray:
        """Sentiment of each text, -1 (negative) to 1 (positive): float64, shape (n,); no batch matters.

        Raises
        ------
        BadInputError
            Something is no text.
        """
        return np.array([2.0 * portable.sigmoid(self._log_odds(text, i)) - 1.0 for i, text in enumerate(texts)])

    def _log_odds(self, text: str, place: int) -> float:
        if not isinstance(text, str):
            raise BadInputError(f"texts[{place}] must be a text, found {type(text).__name__}", field="texts")
        at, values = self.vectors.row(text)
        words = float((self.terms[at].astype(np.float64) * values).sum()) + self.bias[0]
        if self.encoder is None:
            return self.alone[0] * words + self.alone[1]
        vector = self.encoder.encode([text])[0].astype(np.float64)
        meaning = float(np.einsum("i,i->", self.meaning.astype(np.float64), vector)) + self.bias[1]
        return self.blend[0] * words + self.blend[1] * meaning + self.blend[2]


def save_sentiment(model: Sentiment, folder: str | os.PathLike) -> str:
    """Write the model, its encoder at hand, as a sealed folder without pickles; its digest is given back."""
    if model.encoder is None:
        raise BadInputError("a sentiment model is kept with golden scores of both kinds: give its encoder", "encoder")
    blocks = [{"analyzer": b.analyzer, "shortest": b.shortest, "longest": b.longest} for b in model.vectors.blocks]
    told = {"blocks": blocks} | {name: [float(v).hex() for v in getattr(model, name)] for name in _NUMBERS}
    both = {"meaning": model, "words": replace(model, encoder=None)}
    told["golden"] = {"texts": list(_GOLDEN)} | {name: m.score(_GOLDEN).tolist() for name, m in both.items()}
    files = {"sentiment.json": to_bytes(told), "coef_words.npy": array_to_bytes(model.terms.astype(np.float32))}
    files["coef_meaning.npy"] = array_to_bytes(model.meaning.astype(np.float32))
    for i, block in enumerate(model.vectors.blocks):
        files[f"terms_{i}.json"] = to_bytes(list(block.terms))
        files[f"idf_{i}.npy"] = array_to_bytes(block.idf)
    manifest = {"task": "sentiment", "kind": "sentiment", "about": dict(model.about or {})}
    manifest["encoder"] = {"name": model.encoder.name, "digest": model.encoder.digest}
    write_sealed(folder, manifest, files)
    return manifest_digest(read_sealed(folder)[0])


def load_sentiment(folder: str | os.PathLike) -> Sentiment:
    """Load what `save_sentiment` wrote, trusting nothing in it; without the encoder's wheel it reads words alone.

    Raises
    ------
    ArtifactError
        No such model, a file was altered, or the encoder is another one.
    GoldenRowsError
        It does not give its golden texts their scores.
    """
    from growthbench.text import open_encoder

    manifest, files = read_sealed(folder)
    if manifest.get("kind") != "sentiment":
        raise ArtifactError(f"{folder} holds a model of kind {manifest.get('kind')!r}, not of sentiment")
    encoder, told = open_encoder(), from_bytes(files, "sentiment.json")
    if encoder is not None and encoder.digest != manifest["encoder"]["digest"]:
        raise ArtifactError("the sentiment model was trained with another encoder: train it again")
    try:
        described, golden = told["blocks"], told["golden"]
        numbers = [tuple(float.fromhex(v) for v in told[name]) for name in _NUMBERS]
        texts, scores = golden["texts"], np.array(golden["words" if encoder is None else "meaning"], float)
    except (KeyError, TypeError, ValueError) as exc:
        raise ArtifactError(f"sentiment.json cannot be read: {exc!r}") from exc
    terms = [from_bytes(files, f"terms_{i}.json") for i in range(len(described))]
    idf = [array_from_bytes(files, f"idf_{i}.npy") for i in range(len(described))]
    coef = [array_from_bytes(files, f"coef_{name}.npy") for name in ("words", "meaning")]
    model = Sentiment(blocks_from(described, terms, idf), *coef, *numbers, encoder, manifest.get("about"))
    if np.abs(model.score(texts) - scores).max() > _TOLERANCE:
        raise GoldenRowsError("the sentiment model does not give its golden texts their scores; it is not used")
    return model


@cache
def shipped_sentiment() -> Sentiment:
    """The model that comes with the package, loaded once a process: docs/intents.md says how it was made."""
    return load_sentiment(SHIPPED)
