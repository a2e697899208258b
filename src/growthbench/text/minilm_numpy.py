"""The forward pass of all-MiniLM-L6-v2 in plain numpy: the definition that the compiled graph is held to.

Devlin, Chang, Lee & Toutanova, "BERT" (NAACL 2019), with the mean of the tokens as the vector of the text
(Reimers & Gurevych, "Sentence-BERT", EMNLP 2019, section 3). Slower than the graph by a factor of two; it is not
served.
"""

from collections.abc import Mapping

import numpy as np

from growthbench.text.weights import DIMS, EPSILON, HEADS, LAYERS


def token_states(tensors: Mapping[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
    """Last hidden state of the tokens of one text, without padding.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        As `weights.ModelFiles.tensors` gives them.
    ids : ndarray of int, shape (t,)

    Returns
    -------
    ndarray, shape (t, 384)
    """
    h = (
        tensors["embeddings.word_embeddings.weight"][ids]
        + tensors["embeddings.position_embeddings.weight"][: len(ids)]
        + tensors["embeddings.token_type_embeddings.weight"][0]
    )
    h = _norm(tensors, "embeddings.LayerNorm", h)
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        attended = _dense(tensors, f"{name}.attention.output.dense", _attention(tensors, f"{name}.attention.self", h))
        h = _norm(tensors, f"{name}.attention.output.LayerNorm", h + attended)
        inner = _gelu(_dense(tensors, f"{name}.intermediate.dense", h))
        h = _norm(tensors, f"{name}.output.LayerNorm", h + _dense(tensors, f"{name}.output.dense", inner))
    return h


def text_vector(tensors: Mapping[str, np.ndarray], ids: np.ndarray) -> np.ndarray:
    """Unit vector of one text: mean of its tokens' states, shape (384,)."""
    mean = token_states(tensors, ids).mean(axis=0)
    return mean / np.linalg.norm(mean)


def _attention(tensors: Mapping[str, np.ndarray], name: str, h: np.ndarray) -> np.ndarray:
    query, key, value = (
        _dense(tensors, f"{name}.{part}", h).reshape(len(h), HEADS, -1).swapaxes(0, 1)
        for part in ("query", "key", "value")
    )
    scores = query @ key.swapaxes(1, 2) / np.sqrt(np.float32(DIMS / HEADS))
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return (weights @ value).swapaxes(0, 1).reshape(len(h), DIMS)


def _dense(tensors: Mapping[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]


def _norm(tensors: Mapping[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    return centred / spread * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return 0.5 * x * (1.0 + erf(x / np.sqrt(2.0)))
