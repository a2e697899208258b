"""One small trained model, made once: two boosters and a linear part over numbers, categories and holes."""

import numpy as np
import pandas as pd
import pytest

from growthbench.learning.artifact import save_artifact
from growthbench.learning.blend import Blend, Part, Rule
from growthbench.learning.calibration import Calibration
from growthbench.learning.columns import Column
from growthbench.learning.encoder import fit_encoder
from growthbench.learning.linear_fit import fit_linear
from growthbench.learning.thresholds import Thresholds

COLUMNS = (
    Column("visits", "number", "count"),
    Column("spend", "number", "minor"),
    Column("plan", "category"),
    Column("country", "category"),
)


@pytest.fixture(scope="session")
def table():
    """1,500 rows: inputs, a binary label and one of three classes."""
    rng = np.random.default_rng(7)
    n = 1500
    X = pd.DataFrame(
        {
            "visits": rng.poisson(3, n).astype(float),
            "spend": rng.gamma(2.0, 1e4, n),
            "plan": rng.choice(np.array(["free", "pro", "große Öl", None], object), n),
            "country": rng.choice(np.array(["DE", "FR", "US"], object), n),
        }
    )
    X.loc[rng.random(n) < 0.15, "visits"] = np.nan
    z = 0.5 * X["visits"].fillna(1) - 1.5 + (X["plan"] == "pro") * 1.2 + rng.normal(0, 1, n)
    return X, (z > 0).to_numpy(int), np.digitize(z, (-0.5, 0.8))


def booster(matrix, y, types, seed, classes=2):
    """UBJSON of a small booster."""
    import xgboost

    params = {"max_depth": 4, "eta": 0.1, "subsample": 0.7, "seed": seed, "nthread": 2, "max_cat_to_onehot": 2}
    params |= {"objective": "multi:softprob", "num_class": classes} if classes > 2 else {"objective": "binary:logistic"}
    rows = xgboost.DMatrix(matrix, y, feature_types=types, enable_categorical=True)
    return bytes(xgboost.train(params, rows, 60).save_raw("ubj"))


@pytest.fixture(scope="session")
def parts(table):
    """Everything `save_artifact` takes for the binary model."""
    X, y, _ = table
    encoder = fit_encoder(X, COLUMNS)
    matrix = encoder.encode(X)
    linear = fit_linear(matrix, y, encoder.feature_types, knots=3)
    blend = Blend(
        (
            Part("behaviour", 0.4, (Rule("visits", 0.6, cap=6), Rule("spend", 0.4, cap=40_000))),
            Part("firmographic", 0.3, (Rule("plan", 1.0, values={"pro": 1.0, "free": 0.2}),)),
            Part("model", 0.3),
        ),
        qualified=0.7,
    )
    return {
        "task": "lead_scoring",
        "kind": "binary",
        "classes": ("no", "yes"),
        "members": [(booster(matrix, y, encoder.feature_types, s), 0.35) for s in (0, 1)] + [(linear, 0.3)],
        "encoder": encoder,
        "calibration": Calibration("beta", (1.1, 0.8, 0.1)),
        "thresholds": Thresholds(0.4, ("low", "medium", "high"), (0.3, 0.7), 0.8),
        "blend": blend,
        "golden": {name: X[name].head(20).tolist() for name in X},
        "feature_hash": "f" * 64,
        "data_hash": "d" * 64,
        "source": "frame",
        "params": {"seed": 0, "booster.depth": 4},
    }


@pytest.fixture
def saved(parts, tmp_path):
    """Folder of the binary model and the model itself."""
    folder = tmp_path / "artifact"
    return folder, save_artifact(folder, **parts)


@pytest.fixture(scope="session")
def several(table, tmp_path_factory):
    """A loaded model of three classes, boosters and linear part blended."""
    X, _, y = table
    encoder = fit_encoder(X, COLUMNS)
    matrix = encoder.encode(X)
    members = [
        (booster(matrix, y, encoder.feature_types, 0, classes=3), 0.6),
        (fit_linear(matrix, y, encoder.feature_types, k=3), 0.4),
    ]
    return save_artifact(
        tmp_path_factory.mktemp("several") / "artifact",
        task="intent",
        kind="multiclass",
        classes=("none", "visit", "commit"),
        members=members,
        encoder=encoder,
        calibration=Calibration("temperature_bias", (1.3, 0.1, 0.0, -0.1)),
        golden={name: X[name].head(5).tolist() for name in X},
    )
