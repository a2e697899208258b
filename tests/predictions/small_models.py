"""Small real models for the tests: trained by xgboost on features of a small log, saved as artifacts."""

import json
from pathlib import Path

import numpy as np

from growthbench.base.clock import DAY_US, now_us
from growthbench.events.live import Event
from growthbench.events.log import EventLog
from growthbench.features.shipped import CATALOGUE
from growthbench.learning.artifact import save_artifact, seal
from growthbench.learning.blend import Blend, Part, Rule
from growthbench.learning.calibration import Calibration
from growthbench.learning.columns import Column
from growthbench.learning.encoder import Encoder
from growthbench.learning.folder import read_sealed, to_bytes, write_sealed
from growthbench.learning.text import TermBlock, TextVectors
from growthbench.learning.text_model import TextModel, text_files
from growthbench.learning.thresholds import Thresholds
from growthbench.store.engine import open_store

FEATURES = (
    "page_views_30d",
    "feature_uses_30d",
    "active_days_30d",
    "since_last_event",
    "mean_gap",
    "last_name",
    "plan",
)
NAMES = ("page_view", "feature_use", "login", "email_click", "support_ticket")
PLANS = ("free", "pro", "team")


def random_events(rng: np.random.Generator, people: int, each: int, first: int = 0) -> list[Event]:
    """Events of the last 40 days, with a plan told for two people of three."""
    now, made = now_us(), []
    for i in range(first, first + people):
        for _ in range(int(rng.integers(1, each + 1))):
            happened = now - int(rng.integers(1, 40 * DAY_US))
            made.append(Event(person=f"p{i}", name=str(rng.choice(NAMES)), timestamp=happened))
        if i % 3:
            plan = str(rng.choice(PLANS))
            made.append(Event(person=f"p{i}", name="identify", timestamp=now - 40 * DAY_US, properties={"plan": plan}))
    return made


def fill(store, tenant: str = "local", people: int = 60, each: int = 12, seed: int = 0) -> list[str]:
    """Write a small log; returns its people."""
    EventLog(store, tenant).append(random_events(np.random.default_rng(seed), people, each))
    return [f"p{i}" for i in range(people)]


def person_model(folder: Path, task: str = "churn", seed: int = 0, blend: bool = False) -> Path:
    """A binary model on features of the log, with bands, or with the parts of a blend."""
    plan = CATALOGUE.select(FEATURES).plan()
    with open_store(f"sqlite:///{folder.with_suffix('.db')}") as store:
        people = fill(store, people=120, seed=seed + 1)
        with store.reading() as connection:
            columns = plan.compute(connection, "local", people, now_us(), 10**9)
    kinds = {"number": "number", "text": "category"}
    described = [Column(c.name, kinds[c.dtype], c.unit, c.about) for c in plan.columns]
    encoder = Encoder(described, {"last_name": sorted((*NAMES, "identify")), "plan": list(PLANS)})
    matrix = encoder.encode(columns)
    rng = np.random.default_rng(seed)
    label = (np.nan_to_num(matrix[:, 0]) + rng.normal(size=len(matrix)) > 2).astype(int)
    parts = Blend(
        (
            Part("behaviour", 0.4, (Rule("page_views_30d", 0.5, cap=5), Rule("active_days_30d", 0.5, cap=10))),
            Part("firmographic", 0.3, (Rule("plan", 1.0, values={"pro": 0.8, "team": 1.0}),)),
            Part("model", 0.3),
        )
    )
    bands = Thresholds(confidence=0.8) if blend else Thresholds(bands=("low", "medium", "high"), cuts=(0.3, 0.6))
    save_artifact(
        folder,
        task=task,
        kind="binary",
        classes=("no", "yes"),
        members=[(booster(matrix, label, encoder, seed), 1.0)],
        encoder=encoder,
        calibration=Calibration("platt", (0.9, -0.1)),
        golden={name: values[:8] for name, values in columns.items()},
        thresholds=bands,
        blend=parts if blend else None,
        plan_json=json.dumps(plan.to_json()),
        feature_hash=plan.hash,
        source="tests",
        params={"seed": seed},
    )
    return folder


def table_model(folder: Path, task: str = "intent", seed: int = 0) -> Path:
    """A model of three classes on a plain table with columns ``x`` (number) and ``kind`` (category)."""
    rng = np.random.default_rng(seed)
    columns = {"x": rng.normal(size=200), "kind": rng.choice(["a", "b", None], size=200)}
    encoder = Encoder([Column("x", "number", "", "a number"), Column("kind", "category")], {"kind": ["a", "b"]})
    matrix = encoder.encode(columns)
    label = np.digitize(columns["x"], [-0.5, 0.5])
    save_artifact(
        folder,
        task=task,
        kind="multiclass",
        classes=("down", "flat", "up"),
        members=[(booster(matrix, label, encoder, seed, classes=3), 1.0)],
        encoder=encoder,
        calibration=Calibration("temperature", (0.8,)),
        golden={name: values[:8] for name, values in columns.items()},
        feature_hash="table",
        source="tests",
    )
    return folder


def text_model(folder: Path) -> Path:
    """A model of three intents that knows six words."""
    words = ("balance", "money", "transfer", "send", "hello", "hi")
    vectors = TextVectors([TermBlock("word", 1, 1, words, np.ones(len(words)))])
    coef = np.kron(np.eye(3, dtype=np.float32), np.array([[4.0], [3.0]], np.float32))
    manifest = {
        "task": "chat_intent", "kind": "text", "classes": ["balance", "transfer", "greeting"], "source": "tests",
        "feature_hash": "text", "data_hash": "", "params": {},
    }  # fmt: skip
    temperature = Calibration("temperature", (1.5,))
    column, thresholds = Column("text", "text", "", "what was said"), Thresholds(confidence=0.6)
    model = TextModel(manifest, column, vectors, coef, np.zeros(3), temperature, 3.0, thresholds)
    seal(folder, manifest, text_files(model), {"text": ["my balance", "send money", "hello", "the weather"]})
    return folder


def booster(matrix, label, encoder, seed: int, classes: int = 2) -> bytes:
    """A few trees."""
    import xgboost

    kinds = {"objective": "binary:logistic"} if classes == 2 else {"objective": "multi:softprob", "num_class": classes}
    rows = xgboost.DMatrix(matrix, label, feature_types=encoder.feature_types, enable_categorical=True)
    params = {"max_depth": 3, "seed": seed, "nthread": 1, **kinds}
    return bytes(xgboost.train(params, rows, 8).save_raw("ubj"))


def spoil_golden(folder: Path) -> None:
    """Change the scores that golden rows expect, and seal the folder again: only the golden rows can notice."""
    manifest, files = read_sealed(folder)
    files["golden.json"] = to_bytes(_bumped(json.loads(files["golden.json"])))
    write_sealed(folder, {k: v for k, v in manifest.items() if k not in ("format", "files")}, files)


def _bumped(value):
    if isinstance(value, dict):
        return {k: _bumped(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_bumped(v) for v in value]
    if isinstance(value, str) and value.startswith(("0x", "-0x")):
        return (float.fromhex(value) + 0.25).hex()
    return value
