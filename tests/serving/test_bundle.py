import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from growthbench.base.errors import NoChampionError
from growthbench.predictions.deployments import deploy, deployed, model_folder
from growthbench.serving.bundle import bundle, unpack
from growthbench.serving.run import DoorProcess
from growthbench.store.engine import open_store

ROOT = Path(__file__).parents[2]


def test_a_bundle_is_a_home_that_serves_the_same_models_and_knows_nobody(filled, store, settings, people, tmp_path):
    made = bundle(tmp_path / "bundle", settings)
    served = deployed(store, "local")
    assert {t: d.champion for t, d in made.items()} == {t: d.champion for t, d in served.items()}
    with open_store(f"sqlite:///{tmp_path / 'bundle' / 'growthbench.db'}") as fresh:
        assert {t: (d.champion, d.champion_run) for t, d in deployed(fresh, "local").items()} == {
            t: (d.champion, d.champion_run) for t, d in served.items()
        }
        with fresh.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM events").scalar() == 0
    assert {p.name for p in (tmp_path / "bundle").iterdir()} == {"growthbench.db", "models"}


def test_a_home_without_models_has_nothing_to_bundle_and_an_earlier_bundle_stays(settings, store, tmp_path):
    (tmp_path / "bundle").mkdir()
    with pytest.raises(NoChampionError, match="nothing to bundle"):
        bundle(tmp_path / "bundle", settings)
    assert [p.name for p in tmp_path.iterdir() if "bundle" in p.name] == ["bundle"]


def test_unpacking_installs_what_is_missing_and_keeps_what_is_deployed(filled, settings, artifacts, tmp_path):
    bundle(tmp_path / "bundle", settings)
    own = replace(settings, home=tmp_path / "own", database_url=f"sqlite:///{tmp_path / 'own' / 'growthbench.db'}")
    with open_store(own.database_url) as store:
        kept = deploy(store, own.home, "local", "churn", artifacts["churn_2"], "own")
        assert set(unpack(tmp_path / "bundle", own)) == {"lead_scoring", "intent"}
        assert unpack(tmp_path / "bundle", own) == {}
        now = deployed(store, "local")
    assert now["churn"] == kept
    assert model_folder(own.home, "intent", now["intent"].champion).is_dir()


def test_a_bento_built_here_serves_from_elsewhere(filled, settings, tmp_path, free_port):
    context = tmp_path / "context"
    context.mkdir()
    for name in ("service.py", "bentofile.yaml"):
        shutil.copy(ROOT / name, context)
    shutil.copytree(ROOT / "src", context / "src", ignore=shutil.ignore_patterns("__pycache__"))
    bundle(context / "bundle", settings)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GROWTHBENCH_") and k != "PYTHONPATH"}
    clean["BENTOML_HOME"] = str(tmp_path / "bentoml")
    built = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "-o", "tag", "."],
        cwd=context, env=clean, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr[-3000:]
    tag = built.stdout.strip().removeprefix("__tag__:")
    shutil.rmtree(context)
    shutil.rmtree(settings.home)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with DoorProcess(free_port, service=tag, folder=elsewhere, log=tmp_path / "log", environment=clean) as door:
        key = re.search(r"gbs_\S+", (tmp_path / "log").read_text()).group()  # printed at the first start
        rows = {"rows": [{"x": 2.0, "kind": "a"}]}
        answer = httpx.post(f"{door.url}/api/v1/scores/intent", json=rows, headers={"x-api-key": key}, timeout=30)
    assert answer.status_code == 200, answer.text + (tmp_path / "log").read_text()[-3000:]
    assert answer.json()["scores"][0]["class"] == "up"
    assert list(elsewhere.iterdir()) == []
    assert door.process.returncode == 0
