"""Train a text model: scikit-learn counts and fits, numpy arrays remain.

Terms and head are learned from the training texts in scope; the strength of the penalty, the temperature and the
refusal threshold from the validation texts in scope; the test texts and everything out of scope are only predicted.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import BadInputError
from growthbench.base.statistics import log_losses
from growthbench.learning.artifact import seal
from growthbench.learning.calibration import Calibration, probabilities
from growthbench.learning.calibration_fit import fit_temperature
from growthbench.learning.columns import Column
from growthbench.learning.text import TermBlock, TextVectors
from growthbench.learning.text_model import TextModel, text_files
from growthbench.learning.thresholds import Thresholds

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

    from growthbench.learning.frame import TrainingFrame
    from growthbench.learning.params import TextParams, TrainParams
    from growthbench.learning.task import Task

SPLITS = ("train", "valid", "test")
_C_FACTORS = (0.5, 1.0, 2.0)
_STEPS = 4 + len(_C_FACTORS)
_SHORTEST_CHARS = 2
_GOLDEN_CLASSES = 8


@dataclass(frozen=True)
class TextResult:
    """What training a text model gives.

    Attributes
    ----------
    artifact : Path
    predictions : DataFrame
        One row a test text: ``key fold label predicted score calibrated confidence refused out_of_scope``, and
        ``label_probability label_rank`` (calibrated; NaN and 0 where the text is out of scope). ``score`` is the
        probability of the predicted class before calibration, ``calibrated`` after.
    params_used : dict
        What was chosen: ``c``, ``temperature``, ``least_energy``, ``terms``.
    """

    artifact: Path
    predictions: "pd.DataFrame"
    params_used: dict[str, Any]


def train_text(
    task: "Task",
    frame: "TrainingFrame",
    params: "TrainParams",
    out: Path,
    progress: Callable[[str, int, int], None] | None = None,
) -> TextResult:
    """Train on a frame of one text column, write the artifact, predict the test texts with it.

    Parameters
    ----------
    task : Task
    frame : TrainingFrame
        ``splits`` names train, valid and test; without it 70/15/15 are drawn by class from the seed. ``out_of_scope``
        rows have y = -1.
    params : TrainParams
        ``seed`` and the section ``text``; three penalties around ``text.c`` are tried.
    out : Path
        Folder of the artifact.
    progress : callable, optional
        Called with (what, done, total).

    Raises
    ------
    BadInputError
        No text column, a missing text, or a split without texts.
    """
    return write_text_model(fit_text(task, frame, params, progress), frame, params, out, progress)


@dataclass(frozen=True)
class FittedText:
    """A model of words, not yet written, its margins on the validation texts, and what was chosen."""

    model: TextModel
    valid_margins: np.ndarray
    used: dict[str, Any]


def fit_text(
    task: "Task",
    frame: "TrainingFrame",
    params: "TrainParams",
    progress: Callable[[str, int, int], None] | None = None,
    factors: tuple[float, ...] = _C_FACTORS,
) -> FittedText:
    """First half of `train_text`: terms, head (penalties: ``factors`` times ``text.c``), temperature, threshold."""
    step = _Steps(progress)
    column, texts = texts_in(frame)
    rows = split_rows(frame, params.seed)
    step("count terms")
    matrices, vectors = count_terms(texts, rows, params.text)
    y_train, y_valid = frame.y[rows["train"]], frame.y[rows["valid"]]
    best = None
    for c in (factor * params.text.c for factor in factors):  # one by one: liblinear's random numbers are global
        step(f"fit c={c:g}")
        found = _Head.fit(matrices["train"], y_train, c, params.seed).judged(matrices["valid"], y_valid)
        best = found if best is None or found.loss < best.loss else best
    step("set refusal threshold")
    margins = best.margins(matrices["valid"])
    least = float(
        np.quantile(TextModel.energy(best.calibration.log_odds(margins)), params.text.refused, method="lower")
    )
    manifest = _manifest(task, frame, params)
    thresholds = Thresholds(confidence=task.confidence)
    model = TextModel(manifest, column, vectors, best.coef, best.intercept, best.calibration, least, thresholds)
    used = {
        "c": best.c,
        "temperature": best.calibration.parameters[0],
        "least_energy": least,
        "terms": vectors.size,
    }
    return FittedText(model, margins, used)


def write_text_model(
    fitted: FittedText,
    frame: "TrainingFrame",
    params: "TrainParams",
    out: Path,
    progress: Callable[[str, int, int], None] | None = None,
    told: Mapping[str, Any] | None = None,
) -> TextResult:
    """Second half of `train_text`: write the artifact, predict the test texts; ``told`` adds to what was used."""
    step = _Steps(progress, done=_STEPS - 2)
    step("write artifact")
    golden = {fitted.model.columns[0].name: golden_texts(fitted.model)}
    model = seal(out, fitted.model.manifest, text_files(fitted.model), golden)
    step("predict test texts")
    predictions = predict_texts(model, frame, split_rows(frame, params.seed)["test_all"], texts_in(frame)[1])
    return TextResult(Path(out), predictions, fitted.used | dict(told or {}))


def predict_texts(model: TextModel, frame: "TrainingFrame", rows: np.ndarray, texts: list[str]) -> "pd.DataFrame":
    """Predictions of some rows of a frame by the artifact itself: the columns of `TextResult.predictions`."""
    import pandas as pd

    scores = model.score({model.columns[0].name: [texts[i] for i in rows]})
    y, outside = frame.y[rows], _out_of_scope(frame)[rows]
    before = probabilities(scores.raw)
    own = np.where(outside, np.nan, scores.score[np.arange(len(y)), np.maximum(y, 0)])
    classes = np.array(model.classes, object)
    return pd.DataFrame(
        {
            "key": frame.key[rows],
            "fold": "test",
            "label": np.where(outside, "oos", classes[np.maximum(y, 0)]),
            "predicted": scores.label,
            "score": before[np.arange(len(y)), scores.score.argmax(axis=1)],
            "calibrated": scores.confidence,
            "confidence": scores.confidence,
            "refused": scores.refused,
            "out_of_scope": outside,
            "label_probability": own,
            "label_rank": np.where(outside, 0, (scores.score >= np.nan_to_num(own, nan=2.0)[:, None]).sum(axis=1)),
        }
    )


def golden_texts(model: TextModel) -> list[str]:
    """Texts for the golden rows, made of the vocabulary's own words: no customer's sentence is kept in an artifact."""
    words = next((i for i, b in enumerate(model.vectors.blocks) if b.analyzer == "word"), 0)
    start = model.vectors.starts[words]
    terms = model.vectors.blocks[words].terms
    made = []
    for k in np.unique(np.linspace(0, len(model.classes) - 1, _GOLDEN_CLASSES).astype(int)).tolist():
        strongest = np.argsort(-model.coef[start : start + len(terms), k], kind="stable")[:4]
        made.append(" ".join(terms[i] for i in strongest.tolist()))
    return [*made, " ".join(made[:2]).upper() + "?!", "ÅØŒ ☃ 漢字 ß", ""]


@dataclass(frozen=True)
class _Head:
    """A fitted linear head and, once judged, its calibration and validation loss."""

    c: float
    coef: np.ndarray
    intercept: np.ndarray
    calibration: Calibration | None = None
    loss: float = math.inf

    @classmethod
    def fit(cls, matrix: "csr_matrix", y: np.ndarray, c: float, seed: int) -> "_Head":
        """Linear support vector machine, one class against the rest (liblinear, squared hinge)."""
        from sklearn.svm import LinearSVC

        head = LinearSVC(C=c, random_state=seed, max_iter=5000).fit(matrix, y)
        coef, intercept = head.coef_, head.intercept_
        if len(coef) == 1:  # two classes: scikit-learn keeps one line, softmax needs two
            coef, intercept = np.vstack([-coef, coef]) / 2.0, np.r_[-intercept, intercept] / 2.0
        return cls(c, np.ascontiguousarray(coef.T, np.float32), intercept.astype(np.float64))

    def margins(self, matrix: "csr_matrix") -> np.ndarray:
        return matrix @ self.coef.astype(np.float64) + self.intercept

    def judged(self, matrix: "csr_matrix", y: np.ndarray) -> "_Head":
        """With the temperature that suits the validation texts best, and their log loss under it."""
        margins = self.margins(matrix)
        calibration = fit_temperature(margins, y)
        loss = float(log_losses(y, calibration.probabilities(margins)).mean())
        return _Head(self.c, self.coef, self.intercept, calibration, loss)


class _Steps:
    def __init__(self, progress: Callable[[str, int, int], None] | None, done: int = 0):
        self.progress, self.total, self.done = progress, _STEPS, done

    def __call__(self, what: str) -> None:
        if self.progress is not None:
            self.progress(what, self.done, self.total)
        self.done += 1


def texts_in(frame: "TrainingFrame") -> tuple[Column, list[str]]:
    columns = [c for c in frame.columns if c.kind == "text"]
    if len(columns) != 1 or len(frame.columns) != 1:
        raise BadInputError(f"a text model reads one text column, found {[c.name for c in frame.columns]}", "columns")
    texts = frame.X[columns[0].name].tolist()
    if missing := [i for i, text in enumerate(texts) if not isinstance(text, str)]:
        raise BadInputError(f"{columns[0].name} is missing in {len(missing)} rows", field=columns[0].name)
    return columns[0], texts


def _out_of_scope(frame: "TrainingFrame") -> np.ndarray:
    return frame.y < 0 if frame.out_of_scope is None else np.asarray(frame.out_of_scope, bool)


def split_rows(frame: "TrainingFrame", seed: int) -> dict[str, np.ndarray]:
    """Row numbers of each split in scope, and of all test rows."""
    inside = ~_out_of_scope(frame)
    splits = frame.splits if frame.splits is not None else _dealt(frame.y, seed)
    rows = {name: np.flatnonzero((splits == name) & inside) for name in SPLITS}
    if empty := [name for name, found in rows.items() if not len(found)]:
        raise BadInputError(f"split {empty[0]!r} has no text in scope", field="splits")
    if lacking := sorted(set(range(len(frame.classes))) - set(frame.y[rows["train"]].tolist())):
        raise BadInputError(f"class {frame.classes[lacking[0]]!r} has no training text", field="splits")
    return rows | {"test_all": np.flatnonzero(splits == "test")}


def _dealt(y: np.ndarray, seed: int) -> np.ndarray:
    """70/15/15 within each class."""
    order = np.random.default_rng(seed).permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    first = np.searchsorted(y[order], y[order])
    sizes = np.searchsorted(y[order], y[order], side="right") - first
    place = (np.arange(len(y)) - first + 0.5) / sizes
    splits = np.empty(len(y), object)
    splits[order] = np.array(SPLITS, object)[np.searchsorted((0.7, 0.85), place)]
    return splits


def count_terms(
    texts: list[str], rows: Mapping[str, np.ndarray], params: "TextParams"
) -> tuple[dict[str, "csr_matrix"], TextVectors]:
    """Count terms of the training rows; TF-IDF matrices of ``train`` and ``valid`` rows, and the vocabulary."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    ranges = {"word": (1, params.word_ngrams), "char_wb": (_SHORTEST_CHARS, params.char_ngrams)}
    ranges = {analyzer: r for analyzer, r in ranges.items() if r[0] <= r[1]}
    fitted, parts = [], {name: [] for name in ("train", "valid")}
    for analyzer, (shortest, longest) in ranges.items():
        counter = TfidfVectorizer(
            analyzer=analyzer,
            ngram_range=(shortest, longest),
            min_df=params.min_count,
            max_features=params.max_features // len(ranges),
            sublinear_tf=True,
        )
        parts["train"].append(counter.fit_transform([texts[i] for i in rows["train"]]))
        parts["valid"].append(counter.transform([texts[i] for i in rows["valid"]]))
        terms = tuple(counter.get_feature_names_out().tolist())
        fitted.append(TermBlock(analyzer, shortest, longest, terms, counter.idf_.astype(np.float64)))
    return {name: hstack(blocks).tocsr() for name, blocks in parts.items()}, TextVectors(fitted)


def _manifest(task: "Task", frame: "TrainingFrame", params: "TrainParams") -> dict[str, Any]:
    flat = params.flat()
    return {
        "task": task.name,
        "kind": "text",
        "classes": list(frame.classes),
        "source": frame.source,
        "feature_hash": frame.feature_hash,
        "data_hash": frame.data_hash,
        "params": {name: flat[name] for name in flat if name == "seed" or name.startswith("text.")},
    }
