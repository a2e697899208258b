"""Text as every floor sees it: one sentence splitter, one analyser, one encoder."""

from growthbench.text.analysis import stems, words
from growthbench.text.encoder import Embedder, EmbeddersOfTenants, Encoder, PaidEmbedder, TokenVectors
from growthbench.text.minilm import MiniLM, open_encoder
from growthbench.text.sentences import sentences

__all__ = [
    "Embedder",
    "EmbeddersOfTenants",
    "Encoder",
    "MiniLM",
    "PaidEmbedder",
    "TokenVectors",
    "open_encoder",
    "sentences",
    "stems",
    "words",
]
