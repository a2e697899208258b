"""Train a task on a frame: leaks out, recipe in, honest predictions beside the model that is shipped.

A time split fits once on rows before the embargo, and that model is judged *and* shipped. Folds judge the recipe: each
row is predicted by a model made without it, and the model that is shipped is the same recipe on all rows.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from growthbench.base.clock import to_iso
from growthbench.base.errors import BadInputError
from growthbench.base.jsonio import read_json, write_json
from growthbench.learning.artifact import load_model, save_artifact
from growthbench.learning.bands import thresholds_of
from growthbench.learning.baselines import fit_baselines
from growthbench.learning.calibration import probabilities
from growthbench.learning.estimator import Estimator, fit_estimator, fits_of
from growthbench.learning.frame import TrainingFrame
from growthbench.learning.leaks import Leak, find_leaks, leak_text
from growthbench.learning.params import TrainParams
from growthbench.learning.predictions import prediction_rows
from growthbench.learning.progress import Progress, Steps
from growthbench.learning.search import search_booster
from growthbench.learning.splits import split_kind, stratified_folds, time_split
from growthbench.learning.threads import one_thread
from growthbench.learning.thresholds import Thresholds

_GOLDEN_ROWS = 8
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult:
    """What training gives.

    Attributes
    ----------
    artifact : Path
        The model folder that is shipped.
    predictions : DataFrame
        Of rows that their model never saw: see `predictions.prediction_rows`.
    leaks : list of Leak
        Columns known or found to hold the future; the known ones were dropped unless ``leaks: keep``.
    params_used : dict
        All parameters, and what was decided in training (``used.rounds``, ``used.linear_share`` ...).
    split : dict
        How rows were split: kind, rows and periods.
    """

    artifact: Path
    predictions: pd.DataFrame
    leaks: list[Leak] = field(default_factory=list)
    params_used: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> Path:
        """Write ``predictions.parquet`` and ``training.json`` beside the model, for a later stage."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.predictions.to_parquet(folder / "predictions.parquet", index=False)
        told = {
            "leaks": [leak.row() for leak in self.leaks],
            "params": dict(self.params_used),
            "split": dict(self.split),
        }
        write_json(told | {"artifact": self.artifact.name}, folder / "training.json")
        return folder

    @classmethod
    def load(cls, folder: Path) -> "TrainingResult":
        """Read what `save` wrote."""
        folder = Path(folder)
        told = read_json(folder / "training.json")
        leaks = [Leak(**{k: np.nan if v is None else v for k, v in row.items()}) for row in told["leaks"]]
        predictions = pd.read_parquet(folder / "predictions.parquet")
        return cls(folder / told["artifact"], predictions, leaks, told["params"], told["split"])


@one_thread()
def train(
    task, frame: TrainingFrame, params: TrainParams, out: Path, progress: Progress | None = None
) -> TrainingResult:
    """Train, predict unseen rows, write the artifact.

    Parameters
    ----------
    task : Task
    frame : TrainingFrame
    params : TrainParams
    out : Path
        Gets ``model/`` (the artifact), ``predictions.parquet`` and ``training.json``.
    progress : callable, optional
        Called with (what, done, total); `progress.bars` draws them.

    Raises
    ------
    BadInputError
        The frame does not fit the task, is too small for its split, or has no column left.
    """
    out = Path(out)
    if task.kind == "text":
        return _train_text(task, frame, params, out, progress)
    _check_kind(task, frame)
    leaks = find_leaks(frame, params.seed)
    if leaks:
        _LOG.warning("%s", leak_text(leaks, dropped=params.leaks == "drop"))
    if params.leaks == "drop":
        frame = frame.drop([leak.column for leak in leaks if leak.known])
    if not frame.columns:
        raise BadInputError("no column is left to learn from: all were dropped", field="columns")
    kind = split_kind(task, frame)
    run = _Run(task, frame, params, out / "model", progress)
    predictions, used, split = run.folds() if kind == "folds" else run.held_out(kind)
    result = TrainingResult(out / "model", predictions, leaks, params.flat() | used, split)
    result.save(out)
    return result


@dataclass(frozen=True)
class _Run:
    task: Any
    frame: TrainingFrame
    params: TrainParams
    artifact: Path
    progress: Progress | None

    def folds(self):
        """Out-of-fold predictions of every row; the artifact is the recipe on all rows."""
        frame, params = self.frame, self.params
        fold = stratified_folds(frame.y, params.folds, params.seed, frame.group)
        step = self._steps(fits=params.folds + 1)
        parts = []
        for k in range(params.folds):
            rows = np.flatnonzero(fold == k)
            train, test = frame.take(fold != k), frame.take(rows)
            estimator, _ = self._fit(train, step, params.folds + 1)
            score, calibrated = estimator.predict(test)
            parts.append(self._rows(train, test, np.full(len(rows), str(k), object), score, calibrated))
        estimator, trials = self._fit(frame, step, params.folds + 1)
        self._save(estimator, frame, trials)
        table = pd.concat(parts, ignore_index=True)
        table = table.set_index("key").loc[frame.key].reset_index()  # the frame's own order
        split = {"kind": "folds", "folds": params.folds, "train_rows": len(frame), "test_rows": len(frame)}
        return table, _used(estimator, trials), split

    def held_out(self, kind: str):
        """Predictions of the test rows by the artifact itself."""
        frame, params = self.frame, self.params
        if kind == "time":
            cut = time_split(frame.time, params.window_days, params.test_share)
            train, test = frame.take(cut.train), frame.take(cut.test)
        else:
            train, test = frame.take(frame.splits != "test"), frame.take(frame.splits == "test")
        _check_both_classes(train, test)
        estimator, trials = self._fit(train, self._steps(fits=1), 1)
        self._save(estimator, train, trials)
        scores = load_model(self.artifact).score(test.inputs)
        raw = scores.raw[:, None] if scores.raw.ndim == 1 else scores.raw
        fold = np.full(len(test), "test", object)
        split = {"kind": kind, "train_rows": len(train), "test_rows": len(test)}
        if kind == "time":
            split |= {
                "embargo_days": params.window_days,
                "left_out_rows": len(frame) - len(train) - len(test),
                "train_period": _period(train.time),
                "test_period": _period(test.time),
            }
        return self._rows(train, test, fold, probabilities(raw), scores.score), _used(estimator, trials), split

    def _steps(self, fits: int) -> Steps:
        each = fits_of(self.params) + self.params.search.trials
        return Steps(self.progress, f"train {self.task.name}", fits * each)

    def _fit(self, train: TrainingFrame, step: Steps, fits: int) -> tuple[Estimator, list[dict]]:
        booster, trials = search_booster(train, self.params, fits, step)
        return fit_estimator(train, self.params, booster, step), trials

    def _rows(self, train, test, fold, score, calibrated) -> pd.DataFrame:
        rivals = {n: b(test, calibrated) for n, b in fit_baselines(self.task, train, self.params).items()}
        return prediction_rows(test, fold, score, calibrated, rivals)

    def _save(self, estimator: Estimator, frame: TrainingFrame, trials: list[dict]) -> None:
        rules = self.task.blend()
        served = rules is not None and set(rules.features) <= set(frame.X)
        save_artifact(
            self.artifact,
            task=self.task.name,
            kind=self.task.kind,
            classes=frame.classes,
            members=estimator.parts,
            encoder=estimator.encoder,
            calibration=estimator.calibration,
            golden=golden_columns(frame, self.params.seed),
            thresholds=self._thresholds(),
            blend=rules if served else None,
            plan_json=_plan_json(frame),
            feature_hash=frame.feature_hash,
            data_hash=self.frame.data_hash,
            source=frame.source,
            params=self.params.flat() | _used(estimator, trials),
        )

    def _thresholds(self) -> Thresholds:
        if self.task.kind == "binary":
            return thresholds_of(self.params.bands, self.task.confidence)
        return Thresholds(confidence=self.task.confidence)


def golden_columns(frame: TrainingFrame, seed: int) -> dict[str, list]:
    """Rows for the golden test; each column is drawn on its own, so that no row is anybody's."""
    rng = np.random.default_rng(seed)
    return {name: values[rng.integers(0, len(frame), _GOLDEN_ROWS)].tolist() for name, values in frame.inputs.items()}


def _train_text(task, frame, params, out, progress) -> TrainingResult:
    from growthbench.learning.intent_training import train_intent

    made = train_intent(task, frame, params, out / "model", progress)
    learned = frame.y[(frame.y >= 0) & ~np.isin(frame.key, made.predictions["key"])]
    shares = np.bincount(learned, minlength=len(frame.classes)) / max(len(learned), 1)
    label = made.predictions["label"]
    predictions = made.predictions.assign(
        baseline_prior=label.map(dict(zip(frame.classes, shares))).fillna(0.0).to_numpy(float),
        baseline_prior_hit=(label == frame.classes[shares.argmax()]).to_numpy(bool),
    )
    used = {f"used.{k}": v for k, v in made.params_used.items()}
    split = {"kind": "given", "train_rows": len(frame) - len(predictions), "test_rows": len(predictions)}
    result = TrainingResult(made.artifact, predictions, [], params.flat() | used, split)
    result.save(out)
    return result


def _used(estimator: Estimator, trials: list[dict]) -> dict[str, Any]:
    used = {
        "used.rounds": estimator.rounds,
        "used.linear_share": estimator.linear_share,
        "used.calibration": estimator.calibration.method,
        "used.inner_log_loss": estimator.inner_log_loss,
    }
    return used | ({f"used.booster.{k}": v for k, v in asdict(estimator.booster).items()} if trials else {})


def _plan_json(frame: TrainingFrame) -> str | None:
    if frame.plan is None:
        return None
    from growthbench.base.jsonio import canonical

    return canonical(frame.plan.to_json())


def _period(time: np.ndarray) -> list[str]:
    return [to_iso(time.min())[:10], to_iso(time.max())[:10]]


def _check_kind(task, frame: TrainingFrame) -> None:
    kind = "binary" if len(frame.classes) == 2 else "multiclass"
    if kind != task.kind:
        raise BadInputError(f"task {task.name!r} is {task.kind}, the label has {len(frame.classes)} classes", "label")


def _check_both_classes(train: TrainingFrame, test: TrainingFrame) -> None:
    for name, part in (("training", train), ("test", test)):
        if len(part) == 0 or len(np.unique(part.y)) < 2:
            raise BadInputError(f"the {name} rows of the split hold fewer than two classes: give more data", "data")
