"""Models made once a session, and stores with a small log."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import small_models


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory):
    """Folders of small models: two for churn, one each for lead scoring (with parts), intent (a table), chat intent."""
    folder = tmp_path_factory.mktemp("artifacts")
    return {
        "churn": small_models.person_model(folder / "churn"),
        "churn_2": small_models.person_model(folder / "churn_2", seed=7),
        "lead_scoring": small_models.person_model(folder / "lead", "lead_scoring", seed=3, blend=True),
        "intent": small_models.table_model(folder / "intent"),
        "chat_intent": small_models.text_model(folder / "chat"),
    }


@pytest.fixture
def home(tmp_path):
    """Folder for deployed models."""
    return tmp_path / "home"


@pytest.fixture
def people(store):
    """People of a small log written into the store."""
    return small_models.fill(store)


@pytest.fixture
def scorer(store, home, artifacts, people):
    """A scorer with every small model deployed."""
    from growthbench.predictions.deployments import deploy
    from growthbench.predictions.scorer import Scorer

    for task in ("churn", "lead_scoring", "intent"):
        deploy(store, home, "local", task, artifacts[task], run_id=f"run-{task}")
    return Scorer(store, home, tasks=("churn", "lead_scoring", "intent", "chat_intent"), follow_s=0.05)


@pytest.fixture
def spoiled(tmp_path, artifacts):
    """A copy of the churn model whose golden rows expect other scores."""
    folder = shutil.copytree(artifacts["churn"], tmp_path / "spoiled")
    small_models.spoil_golden(folder)
    return folder
