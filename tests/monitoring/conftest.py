"""A small real model with bands, and rows whose drift is known because we made it."""

import numpy as np
import pandas as pd
import pytest

from growthbench.learning.artifact import save_artifact
from growthbench.learning.calibration import Calibration
from growthbench.learning.columns import Column
from growthbench.learning.encoder import Encoder
from growthbench.learning.linear import LinearPart, Term
from growthbench.learning.thresholds import Thresholds

CHANNELS = ("ads", "email", "web")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """Log-odds = visits - 1 + (1 for web); ``idle`` adds nothing."""
    zero = np.zeros(1)
    terms = (
        Term(np.array([-4.0, 6.0]), np.array([[-4.0], [6.0]]), zero, zero),
        Term(np.array([-9.0, 9.0]), np.array([[0.0], [0.0]]), zero, zero),
        Term(np.zeros(0), np.array([[0.0], [0.0], [1.0]]), zero, zero),
    )
    encoder = Encoder(
        [Column("visits", "number"), Column("idle", "number"), Column("channel", "category")], {"channel": CHANNELS}
    )
    golden = {"visits": [0.0, None, 3.5], "idle": [0.0, 1.0, 2.0], "channel": ["web", None, "ads"]}
    return save_artifact(
        tmp_path_factory.mktemp("model") / "artifact",
        task="churn",
        kind="binary",
        classes=("no", "yes"),
        members=[(LinearPart(np.array([-1.0]), terms), 1.0)],
        encoder=encoder,
        calibration=Calibration(),
        golden=golden,
        thresholds=Thresholds(bands=("low", "medium", "high"), cuts=(0.3, 0.6)),
    )


@pytest.fixture
def rows():
    """Function (n, seed, visits, idle, web share) -> frame of rows drawn from that distribution."""

    def make(n, seed, visits=0.0, idle=0.0, web=1 / 3):
        rng = np.random.default_rng(seed)
        share = (1 - web) / 2
        return pd.DataFrame(
            {
                "visits": rng.normal(visits, 1.0, n),
                "idle": rng.normal(idle, 1.0, n),
                "channel": rng.choice(np.array(CHANNELS, object), n, p=[share, share, web]),
            }
        )

    return make
