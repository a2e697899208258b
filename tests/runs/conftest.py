"""Real runs of small models on rows whose truth is known: made once, read by many tests, copied by those that write.

A person's true log-odds are ``visits - 1`` (+ 1 on the web). The model ``sharp`` reads them exactly; ``blunt`` reads
``noisy``, visits with noise, and is as well calibrated as that allows; the others are altered copies of ``sharp``.
"""

import shutil
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from growthbench.base.run_record import RunRecord
from growthbench.base.settings import Settings
from growthbench.base.statistics import estimate
from growthbench.learning.artifact import save_artifact
from growthbench.learning.calibration import Calibration
from growthbench.learning.columns import Column
from growthbench.learning.encoder import Encoder
from growthbench.learning.linear import LinearPart, Term
from growthbench.learning.thresholds import Thresholds
from growthbench.runs import lineage
from growthbench.runs.measures import measures
from growthbench.runs.reading import find_run
from growthbench.runs.tracking import log_run

CHANNELS = ("ads", "email", "web")
_PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
NOISE = 0.7
SHRINK = 1 / (1 + NOISE**2)  # what noisy visits say of visits
PARAMS = {"seed": 0, "folds": 5, "booster.depth": 4, "calibration": "beta"}


def draw_rows(n: int, seed: int, prefix: str = "p") -> pd.DataFrame:
    """People with visits, what is measured of them, and what they did."""
    rng = np.random.default_rng(seed)
    visits, channel = rng.normal(0, 1, n), rng.choice(np.array(CHANNELS, object), n)
    odds = visits - 1 + (channel == "web")
    return pd.DataFrame(
        {
            "key": [f"{prefix}{i:06d}" for i in range(n)],
            "visits": visits,
            "noisy": visits + rng.normal(0, NOISE, n),
            "channel": channel,
            "label": (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64),
        }
    )


def small_model(folder, column: str, slope: float = 1.0, task: str = "churn"):
    """The artifact whose log-odds are ``slope * column - 1`` (+ 1 on the web)."""
    ends, zero = np.array([-9.0, 9.0]), np.zeros(1)
    terms = (
        Term(ends, slope * ends[:, None], zero, zero),
        Term(np.zeros(0), np.array([[0.0], [0.0], [1.0]]), zero, zero),
    )
    return save_artifact(
        folder,
        task=task,
        kind="binary",
        classes=("no", "yes"),
        members=[(LinearPart(np.array([-1.0]), terms), 1.0)],
        encoder=Encoder([Column(column, "number", "pages"), Column("channel", "category")], {"channel": CHANNELS}),
        calibration=Calibration(),
        golden={column: [0.0, None, 2.5], "channel": ["web", None, "ads"]},
        thresholds=Thresholds(bands=("low", "medium", "high"), cuts=(0.3, 0.6)),
        feature_hash=f"features-{column}",
        data_hash="data-1",
        source="world:b2b",
        params=PARAMS,
    )


def make_record(folder, rows: pd.DataFrame, column: str, slope: float = 1.0, bend=None, task="churn", **changes):
    """A complete record of a model's answers to rows; ``bend(rows, p)`` may spoil the probabilities."""
    model = small_model(folder / "model", column, slope, task)
    p = model.score({column: rows[column].to_numpy(), "channel": rows["channel"].tolist()}).score
    p = bend(rows, p) if bend else p
    rng = np.random.default_rng(7)
    evaluation = pd.DataFrame(
        {
            "key": rows["key"],
            "fold": np.arange(len(rows)) % 5,
            "label": rows["label"],
            "score": p,
            "calibrated": p,
            "baseline_prior": np.full(len(rows), rows["label"].mean()),
            "baseline_blend": 1 / (1 + np.exp(-rng.normal(0, 1, len(rows)) - 0.2 * rows["visits"])),
            "slice_channel": rows["channel"],
        }
    )
    evaluation.to_parquet(folder / "evaluation.parquet")
    found = estimate(measures(evaluation, "binary"), len(rows), 100, rng)
    metrics = {"cost": 1.0, "cost_lo": 0.9, "cost_hi": 1.1}
    for name, one in found.items():
        metrics |= {name: one.value, f"{name}_lo": one.lo, f"{name}_hi": one.hi}
    (folder / "plot.png").write_bytes(_PIXEL)
    record = RunRecord(
        task=task,
        data="world:b2b",
        params=PARAMS,
        metrics=metrics,
        evaluation=folder / "evaluation.parquet",
        artifact=folder / "model",
        card="# A small model\n\nReads little, says what it knows.",
        feature_hash=f"features-{column}",
        data_hash="data-1",
        plots=dict.fromkeys(("roc", "pr", "calibration", "lift"), folder / "plot.png"),
        tables={"leaks": [], "baselines": [{"baseline": "prior", "auc": 0.5}]},
    )
    return replace(record, **changes)


def on_email_only(rows, p):
    """Sharp as ever, but turned round for the people reached by e-mail."""
    return np.where(rows["channel"] == "email", 2 * p.mean() - p, p).clip(0.001, 0.999)


def too_sure(rows, p):
    """The same order, but odds that are far too bold."""
    return 1 / (1 + np.exp(-3 * np.log(p / (1 - p))))


def settings_at(home) -> Settings:
    return Settings(home, f"sqlite:///{home / 'growthbench.db'}", f"sqlite:///{home / 'mlflow.db'}", home / "datasets")


@pytest.fixture(scope="session")
def tracked(tmp_path_factory):
    """Settings of a home with runs, and their ids by name. Read only: see `own` for tests that write."""
    home = tmp_path_factory.mktemp("tracked")
    settings, rows = settings_at(home), draw_rows(4000, 1)
    project = tmp_path_factory.mktemp("project")  # no git here
    made = {
        "blunt": {"rows": rows, "column": "noisy", "slope": SHRINK},
        "sharp": {"rows": rows, "column": "visits", "params": PARAMS | {"booster.depth": 6, "seed": 1}},
        "again": {"rows": rows, "column": "visits", "params": PARAMS | {"booster.depth": 6, "seed": 1}},
        "elsewhere": {"rows": draw_rows(3000, 2, "q"), "column": "visits", "data": "world:shop", "data_hash": "data-2"},
        "fallen": {"rows": rows, "column": "visits", "bend": on_email_only},
        "bold": {"rows": rows, "column": "visits", "bend": too_sure},
        "leaky": {"rows": rows, "column": "visits", "tables": {"leaks": [{"column": "visits", "known": True}]}},
        "lead": {"rows": rows, "column": "visits", "task": "lead_scoring"},
    }
    ids, sources = {}, lineage.source_digests()
    with pytest.MonkeyPatch.context() as still:
        still.setattr(lineage, "source_digests", lambda: sources)  # somebody may be editing while the tests run
        for name, how in made.items():
            ids[name] = log_run(make_record(tmp_path_factory.mktemp(name), **how), settings, project)
    return settings, ids


@pytest.fixture
def run(tracked):
    """Function name -> view of that run."""
    settings, ids = tracked
    return lambda name: find_run(settings, ids[name])


@pytest.fixture
def own(tracked, tmp_path):
    """Settings of a home of one's own with the same runs, and their ids."""
    settings, ids = tracked
    home = tmp_path / "own"
    home.mkdir()
    shutil.copyfile(settings.home / "mlflow.db", home / "mlflow.db")
    return settings_at(home), ids


@pytest.fixture(scope="session")
def people():
    """Function (n, seed, prefix) -> rows: `draw_rows`."""
    return draw_rows


@pytest.fixture(scope="session")
def recorded():
    """Function (folder, rows, column, ...) -> complete record: `make_record`."""
    return make_record
