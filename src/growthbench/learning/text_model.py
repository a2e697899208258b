"""The model of a text: TF-IDF, one linear head, a temperature, and the courage to say "none of these".

Out of scope: with z the calibrated logits, ``log sum e^z`` is the free energy of the text (Liu, Wang, Owens & Li,
NeurIPS 2020, eq. 4, sign turned). A text below a threshold set on in-scope validation texts, or without one known
term, is refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from growthbench.base.errors import ArtifactError
from growthbench.learning import portable
from growthbench.learning.calibration import Calibration, probabilities
from growthbench.learning.columns import Column
from growthbench.learning.folder import array_from_bytes, array_to_bytes, from_bytes, to_bytes
from growthbench.learning.model import Model, Scores, classes_of
from growthbench.learning.reasons import Explanation, attribute
from growthbench.learning.text import TextVectors, blocks_from
from growthbench.learning.thresholds import Thresholds
from growthbench.learning.validation import check_columns, check_rows, texts_of

LONGEST_TEXT = 4000  # characters: the time of an answer stays bounded


class TextModel(Model):
    """One text column in, k classes out.

    Parameters
    ----------
    manifest : mapping
    column : Column
        Name of the text column.
    vectors : TextVectors
        m terms.
    coef : ndarray of float32, shape (m, k), C order
    intercept : ndarray of float64, shape (k,)
    calibration : Calibration
    least_energy : float
        Texts below it are refused; ``-inf`` refuses none but those without a known term.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        column: Column,
        vectors: TextVectors,
        coef: np.ndarray,
        intercept: np.ndarray,
        calibration: Calibration,
        least_energy: float,
        thresholds: Thresholds,
    ):
        super().__init__(manifest, thresholds)
        k = len(classes_of(manifest))
        if coef.shape != (vectors.size, k) or intercept.shape != (k,):
            raise ArtifactError(f"{vectors.size} terms and {k} classes do not fit coefficients {coef.shape}")
        self.columns = (column,)
        self.vectors, self.coef, self.intercept = vectors, coef, intercept
        self.calibration, self.least_energy = calibration, least_energy

    def score(self, columns: Mapping[str, Sequence]) -> Scores:
        """Score texts: see `Model.score`. Each is computed by itself, so no batch matters."""
        texts = self._texts(columns)
        rows = [self.vectors.row(text) for text in texts]
        margins = np.stack([self._margins(*row) for row in rows]) if rows else np.zeros((0, len(self.classes)))
        logits = self.calibration.log_odds(margins)
        score = probabilities(logits) if rows else margins
        best = score.argmax(axis=1)
        unknown = np.array([len(at) == 0 for at, _ in rows], bool)
        refused = unknown | (self.energy(logits) < self.least_energy)
        label = [self.classes[i] for i in best.tolist()]
        return Scores(score, logits, margins, label, None, score[np.arange(len(score)), best], refused)

    def columns_of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list]:
        """Rows turned into columns: see `Model.columns_of`."""
        name = self.columns[0].name
        check_rows(rows, (name,), frozenset((name,)))
        return {name: [row[name] for row in rows]}

    @staticmethod
    def energy(logits: np.ndarray) -> np.ndarray:
        """log sum e^z of calibrated logits (n, k): how much any class claims the text, shape (n,)."""
        return portable.logsumexp(logits) if len(logits) else np.zeros(0)

    def _texts(self, columns: Mapping[str, Sequence]) -> list[str]:
        name = self.columns[0].name
        check_columns(columns, (name,), frozenset((name,)))
        return texts_of(name, columns[name], LONGEST_TEXT)

    def _margins(self, at: np.ndarray, values: np.ndarray) -> np.ndarray:
        # Only the rows of terms that occur; a plain sum over them, not BLAS, whose order depends on the machine.
        return (self.coef[at].astype(np.float64) * values[:, None]).sum(axis=0) + self.intercept

    def _explain(self, columns: Mapping[str, Sequence], row: int, label: str | None) -> Explanation:
        scores = self.score(columns)
        text = self._texts(columns)[row]
        target = self.classes.index(label or scores.label[row])
        at, values = self.vectors.row(text)
        parts = np.hstack([(self.coef[at].astype(np.float64) * values[:, None]).T, self.intercept[:, None]])
        carried, bias, log_odds = attribute(parts, scores.raw[row], self.calibration, target)
        booked: dict[str, float] = {}
        origins = self.vectors.origins(text)
        for column, part in zip(at.tolist(), carried.tolist()):
            for owner, share in origins[column].items():
                booked[owner] = booked.get(owner, 0.0) + share * part
        name = self.columns[0].name
        reasons = [{"column": name, "value": owner, "contribution": part} for owner, part in booked.items()]
        reasons.sort(key=lambda r: -abs(r["contribution"]))
        return Explanation(self.classes[target], float(scores.score[row, target]), log_odds, bias, reasons)


def text_files(model: TextModel) -> dict[str, bytes]:
    """Files of a text model, by name."""
    blocks = [{"analyzer": b.analyzer, "shortest": b.shortest, "longest": b.longest} for b in model.vectors.blocks]
    files = {
        "text.json": to_bytes(
            {"column": model.columns[0].to_json(), "blocks": blocks, "least_energy": model.least_energy.hex()}
        ),
        "calibration.json": to_bytes(model.calibration.to_json()),
        "thresholds.json": to_bytes(model.thresholds.to_json()),
        "coef.npy": array_to_bytes(model.coef),
        "intercept.npy": array_to_bytes(model.intercept),
    }
    for i, block in enumerate(model.vectors.blocks):
        files[f"terms_{i}.json"] = to_bytes(list(block.terms))
        files[f"idf_{i}.npy"] = array_to_bytes(block.idf)
    return files


def text_model(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> TextModel:
    """The inverse of `text_files`."""
    about = from_bytes(files, "text.json")
    try:
        column, blocks = Column(**about["column"]), about["blocks"]
        least_energy = float.fromhex(about["least_energy"])
    except (KeyError, TypeError, ValueError) as exc:
        raise ArtifactError(f"text.json cannot be read: {exc!r}") from exc
    terms = [from_bytes(files, f"terms_{i}.json") for i in range(len(blocks))]
    idf = [array_from_bytes(files, f"idf_{i}.npy") for i in range(len(blocks))]
    return TextModel(
        manifest,
        column,
        blocks_from(blocks, terms, idf),
        array_from_bytes(files, "coef.npy"),
        array_from_bytes(files, "intercept.npy"),
        Calibration.from_json(from_bytes(files, "calibration.json")),
        least_energy,
        Thresholds.from_json(from_bytes(files, "thresholds.json")),
    )
