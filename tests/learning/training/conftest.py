"""Small tables with a known signal."""

import numpy as np
import pandas as pd
import pytest

from growthbench.learning.frame import frame_from_table


def made_table(rows: int = 1200, seed: int = 0) -> pd.DataFrame:
    """A bend, a category, a noise column, holes; the outcome follows them by a logistic law."""
    rng = np.random.default_rng(seed)
    visits = rng.gamma(2.0, 3.0, rows)
    plan = rng.choice(["free", "pro", "team"], rows, p=[0.6, 0.3, 0.1])
    odds = -2.4 + 0.9 * np.sqrt(visits) - 1.1 * (visits > 12) + np.select([plan == "pro", plan == "team"], [0.6, 1.5])
    table = pd.DataFrame({"visits": visits, "plan": plan, "noise": rng.normal(size=rows)})
    table.loc[rng.random(rows) < 0.1, "noise"] = np.nan
    table["bought"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    return table


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """1,200 rows."""
    return made_table()


@pytest.fixture(scope="session")
def frame(table):
    """The table as a training frame."""
    return frame_from_table(table, label="bought", source="made")
