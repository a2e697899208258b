"""The peer's model, tree for tree, as one of our artifacts.

The peer standardises numbers and writes categories as one-hot or ordinal columns before its trees see them; ours reads
plain values. So every split is moved to them: a number's threshold back through the scaler, a one-hot column to "is it
this category", an ordinal code as it is. Leaves, order and base score stay, so both say the same.
"""

import json
from bisect import bisect_left
from pathlib import Path

import numpy as np

from growthbench.learning.artifact import Model, save_artifact
from growthbench.learning.calibration import Calibration
from growthbench.learning.columns import Column
from growthbench.learning.encoder import Encoder

TASK = "intent"
NUMBERS = [f"n{i:02d}" for i in range(30)]
ONE_HOT = [f"c{i}" for i in range(5)]
ORDINAL = [f"c{i}" for i in range(5, 10)]
_LOWEST, _HIGHEST = np.float32(-3.0e38), np.float32(3.0e38)


def export(peer: Path, folder: Path) -> Model:
    """Write the artifact of the model that the peer's ``train.py`` left in a folder.

    Parameters
    ----------
    peer : Path
        Holds ``booster.ubj``, ``enc.json``, ``rows1.txt``.
    folder : Path
        The artifact.
    """
    import xgboost

    coding = json.loads((peer / "enc.json").read_text())
    given = xgboost.Booster(model_file=str(peer / "booster.ubj"))
    told = json.loads(bytes(given.save_raw("json")))
    moved = _Moved(coding)
    for tree in told["learner"]["gradient_booster"]["model"]["trees"]:
        moved.tree(tree)
    columns = [Column(name, "number") for name in NUMBERS] + [Column(name, "category") for name in ONE_HOT + ORDINAL]
    categories = dict(zip(ONE_HOT + ORDINAL, coding["oh"] + coding["ord"], strict=True))
    encoder = Encoder(columns, categories)
    told["learner"]["learner_model_param"]["num_feature"] = str(len(columns))
    booster = xgboost.Booster(model_file=bytearray(json.dumps(told).encode()))
    rows = [json.loads(line)["rows"][0] for line in (peer / "rows1.txt").read_text().splitlines()[:8]]
    return save_artifact(
        folder,
        task=TASK,
        kind="binary",
        classes=("no", "yes"),
        members=[(bytes(booster.save_raw("ubj")), 1.0)],
        encoder=encoder,
        calibration=Calibration(),
        golden={c.name: [row[c.name] for row in rows] for c in columns},
        source="benchmarks/peers/serving",
    )


class _Moved:
    """Moves splits from the peer's 65 columns to our 40."""

    def __init__(self, coding: dict):
        self._mean, self._scale = np.array(coding["mean"]), np.array(coding["scale"])
        self._one_hot = [(30 + j, code) for j, levels in enumerate(coding["oh"]) for code in range(len(levels))]
        for levels in (*coding["oh"], *coding["ord"]):
            if levels != sorted(levels):
                raise SystemExit("the peer's categories are not sorted: codes would differ")

    def tree(self, tree: dict) -> None:
        """Rewrite one tree of XGBoost's JSON."""
        sets: dict[int, int] = {}
        for node, left in enumerate(tree["left_children"]):
            if left == -1:
                continue
            index, limit = tree["split_indices"][node], np.float32(tree["split_conditions"][node])
            if index < 30:
                tree["split_conditions"][node] = float(self._threshold(index, limit))
                continue
            tree["default_left"][node] = 1  # the peer writes an unknown category as 0 or -1: below every threshold
            if index < 30 + len(self._one_hot):
                tree["split_indices"][node], sets[node] = self._one_hot[index - 30]
                tree["split_type"][node] = 1
                if not 0.0 < limit <= 1.0:
                    raise SystemExit(f"a one-hot column is split at {limit}")
            else:
                tree["split_indices"][node] = 35 + index - 30 - len(self._one_hot)
        tree["categories_nodes"], tree["categories"] = list(sets), list(sets.values())
        tree["categories_segments"], tree["categories_sizes"] = list(range(len(sets))), [1] * len(sets)
        tree["tree_param"]["num_feature"] = "40"

    def _threshold(self, index: int, limit: np.float32) -> np.float32:
        """The smallest float32 that the peer's scaler takes to the limit or above."""
        mean, scale = self._mean[index], self._scale[index]

        def above(code: int) -> bool:
            return bool(np.float32((np.float64(_of_code(code)) - mean) / scale) >= limit)

        low, high = _code(_LOWEST), _code(_HIGHEST)
        return _of_code(bisect_left(range(low, high), True, key=above) + low)


def _code(value: np.float32) -> int:
    """Whole number of a float32, in the same order."""
    bits = int(np.float32(value).view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def _of_code(code: int) -> np.float32:
    bits = code if code >= 0 else (-code) | 0x80000000
    return np.uint32(bits).view(np.float32)
