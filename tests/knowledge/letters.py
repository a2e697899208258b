"""An encoder of the tests: vectors of letter triples, so that like words are near, without any weights."""

import zlib

import numpy as np

from growthbench.text.encoder import TokenVectors


class Letters:
    """Counts how many texts it was asked for."""

    name, digest, dims, max_tokens = "letters", "letters-1", 64, 256

    def __init__(self):
        self.asked = 0

    def encode(self, texts, progress=False):
        self.asked += len(texts)
        return np.array([vector_of(text, self.dims) for text in texts], np.float32).reshape(len(texts), self.dims)

    def token_vectors(self, texts):
        made = []
        for text in texts:
            words = text.split()
            vectors = np.array([vector_of(word, self.dims) for word in words], np.float32).reshape(
                len(words), self.dims
            )
            made.append(TokenVectors(vectors, tuple((0, len(word)) for word in words)))
        return made

    def read(self, text):
        return self.encode([text])[0], self.token_vectors([text])[0]


def vector_of(text, dims):
    """Counts of letter triples, of unit length."""
    found = np.zeros(dims)
    padded = f" {' '.join(text.lower().split())} "
    for i in range(len(padded) - 2):
        found[zlib.crc32(padded[i : i + 3].encode()) % dims] += 1
    return found / max(np.linalg.norm(found), 1e-9)
