"""Train a model of intents: one on words alone, one that reads the meaning as well; the better on validation is kept.

The heads on vectors are scikit-learn's, exported to plain arrays. Nothing is fitted to a text out of scope: the heads
learn from training texts, temperatures, scales and the threshold of refusal from validation texts in scope.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.statistics import log_losses
from growthbench.learning.artifact import seal
from growthbench.learning.calibration import Calibration, probabilities
from growthbench.learning.calibration_fit import fit_temperature
from growthbench.learning.intent_model import IntentModel, blended, intent_files
from growthbench.learning.progress import Progress
from growthbench.learning.strangers import fit_strangers, settled
from growthbench.learning.text_training import (
    FittedText,
    TextResult,
    fit_text,
    golden_texts,
    predict_texts,
    split_rows,
    texts_in,
    write_text_model,
)
from growthbench.learning.threads import one_thread, side_by_side
from growthbench.learning.vector_heads import VectorHead

if TYPE_CHECKING:
    from growthbench.learning.frame import TrainingFrame
    from growthbench.learning.params import TrainParams
    from growthbench.learning.task import Task
    from growthbench.text import Encoder

WORDS_ONLY = "words only: the encoder's wheel is not installed"
WORDS_CHOSEN = "words only: better on validation than with {name}"
WORDS_ASKED = "words only, as the parameters ask"
MEANING = "words, and meaning by {name}"


@one_thread()
def train_intent(
    task: "Task", frame: "TrainingFrame", params: "TrainParams", out: Path, progress: Progress | None = None
) -> TextResult:
    """Train on a frame of one text column: see `text_training.train_text`, whose model is the rival here.

    Returns
    -------
    TextResult
        ``params_used`` adds ``reads`` (what the model reads, and why), ``valid_log_loss_words``,
        ``valid_log_loss_meaning`` and ``seconds_encoding``, ``seconds_heads`` where both were made.
    """
    from growthbench.text import open_encoder

    encoder = open_encoder(threads=2) if params.text.meaning == "auto" else None
    if encoder is None:
        said = WORDS_ASKED if params.text.meaning == "never" else WORDS_ONLY
        return write_text_model(fit_text(task, frame, params, progress), frame, params, out, progress, {"reads": said})
    started = time.perf_counter()
    rows, texts = split_rows(frame, params.seed), texts_in(frame)[1]
    vectors = {name: encoder.encode([texts[i] for i in rows[name]]) for name in ("train", "valid")}
    y = {name: frame.y[rows[name]] for name in vectors}
    encoded = time.perf_counter()
    words, heads = side_by_side(
        lambda fit: fit(),
        (lambda: fit_text(task, frame, params, progress, (1.0,)), lambda: fit_heads(vectors, y, params.seed)),
    )
    rival = _Rival.of(words, heads, vectors, y, params, encoder)
    rival.told["seconds_encoding"] = encoded - started
    rival.told["seconds_heads"] = time.perf_counter() - encoded
    if rival.told["valid_log_loss_meaning"] >= rival.told["valid_log_loss_words"]:
        said = WORDS_CHOSEN.format(name=encoder.name)
        words = fit_text(task, frame, params)  # now its penalty is worth a search
        return write_text_model(words, frame, params, out, progress, rival.told | {"reads": said})
    used = words.used | rival.told
    golden = {rival.model.columns[0].name: golden_texts(rival.model.terms)}
    model = seal(out, rival.model.manifest, intent_files(rival.model), golden)
    predictions = predict_texts(model, frame, rows["test_all"], texts)
    used |= {"reads": MEANING.format(name=encoder.name), "least_known": model.strangers.least}
    return TextResult(Path(out), predictions, used)


@dataclass(frozen=True)
class _Rival:
    """The model that reads the meaning as well, and how the two compare."""

    model: IntentModel
    told: dict[str, Any]

    @classmethod
    def of(cls, fitted: FittedText, heads: list[VectorHead], vectors, y, params, encoder: "Encoder") -> "_Rival":
        words, said = fitted.model, fitted.valid_margins
        parts = [words.calibration.probabilities(said)]
        raw = blended([*parts, *(h.calibration.probabilities(h.margins_of(vectors["valid"])) for h in heads)])
        calibration = fit_temperature(raw, y["valid"])
        known = fit_strangers(vectors["train"], y["train"])
        strangers = settled(known, vectors["valid"], said.max(axis=1), params.text.strangers)
        manifest = _manifest(words.manifest, params, encoder)
        model = IntentModel(manifest, words, heads, calibration, strangers, encoder)
        told = {
            "valid_log_loss_words": _loss(words.calibration, said, y["valid"]),
            "valid_log_loss_meaning": _loss(calibration, raw, y["valid"]),
            "blend_temperature": calibration.parameters[0],
        }
        return cls(model, told)


def fit_heads(vectors: Mapping[str, np.ndarray], y: Mapping[str, np.ndarray], seed: int) -> list[VectorHead]:
    """Fit the SVM and the MLP on training vectors, their temperatures on validation vectors.

    Parameters
    ----------
    vectors : mapping of {"train", "valid"} to ndarray of float32, shape (n, d)
    y : mapping of {"train", "valid"} to ndarray of int, shape (n,)
    seed : int
    """

    def one(fit) -> VectorHead:
        name, weights, biases = fit(vectors["train"], y["train"], seed)
        head = VectorHead(name, weights, biases, Calibration())
        return VectorHead(name, weights, biases, fit_temperature(head.margins_of(vectors["valid"]), y["valid"]))

    return [one(fit) for fit in (_svm, _mlp)]


def _svm(x: np.ndarray, y: np.ndarray, seed: int):
    from growthbench.learning.joint_svm import fit_joint_svm

    weight, bias = fit_joint_svm(x, y)
    return "svm", (weight.astype(np.float32),), (bias,)


def _mlp(x: np.ndarray, y: np.ndarray, seed: int):
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    head = MLPClassifier(
        (512,), batch_size=min(256, len(x)), learning_rate_init=2e-3, alpha=1e-4, max_iter=30, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after 30 rounds on purpose
        head.fit(x, y)
    weight, bias = _each_class(head.coefs_[1].T, head.intercepts_[1])
    first = np.ascontiguousarray(head.coefs_[0].T, np.float32), head.intercepts_[0].astype(np.float64)
    return "mlp", (first[0], np.ascontiguousarray(weight, np.float32)), (first[1], bias.astype(np.float64))


def _each_class(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One output a class: scikit-learn gives a single one, the log-odds of the second, for two classes."""
    if len(bias) > 1:
        return weight, bias
    return np.vstack([-weight, weight]) / 2.0, np.concatenate([-bias, bias]) / 2.0


def _loss(calibration: Calibration, margins: np.ndarray, y: np.ndarray) -> float:
    return float(log_losses(y, probabilities(calibration.log_odds(margins))).mean())


def _manifest(words: Mapping[str, Any], params, encoder: "Encoder") -> dict[str, Any]:
    kept = {name: value for name, value in words.items() if name not in ("files", "format")}
    return kept | {"encoder": {"name": encoder.name, "digest": encoder.digest, "dims": encoder.dims}}
