"""Trainings of a world's tasks beside their truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from growthbench.base.statistics import auc, value_of
from growthbench.events.lake import Lake
from growthbench.learning.params import load_params
from growthbench.learning.tasks import get_task
from growthbench.learning.training import train
from growthbench.worlds.generate import generate
from growthbench.worlds.truth import truth

PARAMS = Path(__file__).parents[2] / "params.yaml"
SHOP_CHURN = {"window_days": 60}


@dataclass(frozen=True)
class Measured:
    """AUCs on the test rows of one task in one drawn world, and the rows themselves."""

    rate: float
    latent: float
    observable: float
    model: float
    logistic: float
    single: float
    label: np.ndarray
    known: np.ndarray

    def share(self, name: str) -> float:
        """Part of the observable truth's gain over chance that a rival reached."""
        return (getattr(self, name) - 0.5) / (self.observable - 0.5)


@pytest.fixture(scope="session")
def measure(tmp_path_factory):
    """The function ``measure(world, task, people, seed) -> Measured``."""

    def measured(world_name: str, task_name: str, people: int, seed: int) -> Measured:
        folder = tmp_path_factory.mktemp(f"{world_name}-{task_name}-{seed}")
        world = generate(world_name, people, seed)
        lake = Lake(folder / "lake", f"world:{world_name}").write(world.data)
        overrides = SHOP_CHURN if world_name == "shop" else {}
        task, params = get_task(task_name), load_params(PARAMS, task_name, overrides)
        rows = train(task, task.frame_from_log(lake, params), params, folder / "trained").predictions
        spine = pa.table({"person": pa.array(rows["group"], pa.string()), "moment": pa.array(rows["time"], pa.int64())})
        known, label = truth(world, task_name, spine, params.window_days), rows["label"].to_numpy()
        scores = {
            "latent": known.latent,
            "observable": known.observable,
            "model": rows["calibrated"].to_numpy(),
            "logistic": rows["baseline_logistic"].to_numpy(),
            "single": rows["baseline_best_single"].to_numpy(),
        }
        areas = {name: value_of(auc(label, score), len(label)) for name, score in scores.items()}
        return Measured(rate=label.mean(), label=label, known=known.observable, **areas)

    return measured
