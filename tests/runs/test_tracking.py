import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from growthbench.base.errors import ArtifactError, BadInputError
from growthbench.base.ids import file_digest
from growthbench.runs.reading import find_run, list_runs
from growthbench.runs.tracking import log_run

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def test_everything_of_the_record_comes_back(own, people, recorded, tmp_path):
    settings, _ = own
    record = recorded(tmp_path, people(500, 5), "visits", tags={"note": "a try"})
    run = find_run(settings, log_run(record, settings, tmp_path))
    assert run.name.startswith("churn/world:b2b/")
    assert dict(run.metrics) == pytest.approx(dict(record.metrics), rel=0, abs=0)
    assert run.params == dict(record.params)
    assert run.card.strip() == record.card.strip()
    assert run.tables == dict(record.tables)
    assert set(run.plots) == {"roc", "pr", "calibration", "lift"}
    pd.testing.assert_frame_equal(run.evaluation, pq.read_table(record.evaluation).to_pandas())
    assert [(c["name"], c["kind"], c["unit"]) for c in run.features] == [
        ("visits", "number", "pages"),
        ("channel", "category", ""),
    ]
    assert {k: run.tags[k] for k in ("data_hash", "feature_hash", "note", "kind")} == {
        "data_hash": "data-1",
        "feature_hash": "features-visits",
        "note": "a try",
        "kind": "binary",
    }


def test_runs_of_a_task_and_its_data_are_numbered(tracked):
    settings, ids = tracked
    names = {run.id: run.name for run in list_runs(settings)}
    assert names[ids["blunt"]] == "churn/world:b2b/1"
    assert names[ids["sharp"]] == "churn/world:b2b/2"
    assert names[ids["elsewhere"]] == "churn/world:shop/1"
    assert names[ids["lead"]] == "lead_scoring/world:b2b/1"


def test_mlflow_loads_the_model_which_answers_as_ours_does_and_checks_its_input(own, people, recorded, tmp_path):
    import mlflow

    from growthbench.learning.artifact import load_model

    settings, _ = own
    record = recorded(tmp_path, people(300, 5), "visits")
    run = find_run(settings, log_run(record, settings, tmp_path))
    loaded = mlflow.pyfunc.load_model(str(run.artifact.parent.parent))
    rows = pd.DataFrame({"visits": [0.3, np.nan, 2.0], "channel": ["web", None, "new"]})
    answers = loaded.predict(rows)
    ours = load_model(record.artifact).score({"visits": [0.3, None, 2.0], "channel": ["web", None, "new"]})
    assert answers["score"].tolist() == ours.score.tolist()
    assert answers["band"].tolist() == ours.band
    assert [c.name for c in loaded.metadata.signature.inputs] == ["visits", "channel"]
    assert [c.name for c in loaded.metadata.signature.outputs] == list(answers.columns)
    with pytest.raises(mlflow.exceptions.MlflowException, match="channel"):
        loaded.predict(rows.drop(columns="channel"))


def test_the_logged_model_and_the_input_are_linked_to_the_run(tracked, run):
    view = run("sharp")
    client = view._tracker.client
    entity = client.get_run(view.id)
    assert [output.model_id for output in entity.outputs.model_outputs] == [view.tags["model_id"]]
    model = client.get_logged_model(view.tags["model_id"])
    assert {metric.key: metric.value for metric in model.metrics}["auc"] == view.metrics["auc"]
    dataset = entity.inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.digest) == ("world:b2b", "data-1")


def test_no_file_of_a_run_is_a_pickle(tracked):
    settings, ids = tracked
    files = [file for file in (settings.home / "mlruns").rglob("*") if file.is_file()]
    assert len(files) > 100
    assert not [f for f in files if f.suffix in (".pkl", ".pickle", ".joblib", ".cloudpickle", ".skops", ".py")]
    assert not [f for f in files if f.read_bytes()[:2] in _PICKLES]
    models = [file.read_text(encoding="utf-8") for file in files if file.name == "MLmodel"]
    assert len(models) >= len(ids)
    assert all("loader_module: growthbench.runs.pyfunc" in text and "pickle" not in text for text in models)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"evaluation": "gone.parquet"}, "no evaluation.parquet"),
        ({"card": " "}, "card is empty"),
        ({"params": {}}, "params are empty"),
        ({"data_hash": ""}, "data_hash is empty"),
        ({"plots": {}}, "plot roc is missing"),
        ({"artifact": "gone"}, "no manifest.json"),
        ({"task": "lead_scoring"}, "the artifact is a model of 'churn'"),
    ],
)
def test_an_incomplete_record_is_refused_by_name_and_leaves_no_run(own, people, recorded, tmp_path, change, named):
    settings, ids = own
    change = {k: tmp_path / v if k in ("evaluation", "artifact") else v for k, v in change.items()}
    record = replace(recorded(tmp_path, people(300, 5), "visits"), **change)
    with pytest.raises(BadInputError, match=named):
        log_run(record, settings, tmp_path)
    assert len(list_runs(settings)) == len(ids)


@pytest.mark.parametrize(
    ("metrics", "named"),
    [
        ({"auc": None}, "metric auc is missing"),
        ({"brier_hi": None}, "metric brier has no interval: brier_hi missing"),
        ({"ece": float("nan")}, "metric ece is nan"),
        ({"f1": 0.5}, "metric f1 is not on the list"),
        ({"log_loss": 0.1}, "metric log_loss is recorded as 0.1, its rows say 0.5"),
        ({"ap_lo": 0.9, "ap_hi": 0.1}, "the interval of metric ap is upside down"),
    ],
)
def test_metrics_are_held_to_the_one_list(people, recorded, tmp_path, own, metrics, named):
    record = recorded(tmp_path, people(300, 5), "visits")
    changed = {k: v for k, v in (dict(record.metrics) | metrics).items() if v is not None}
    with pytest.raises(BadInputError, match=named):
        log_run(replace(record, metrics=changed), own[0], tmp_path)


def test_rows_without_a_key_of_their_own_are_refused(people, recorded, tmp_path, own):
    record = recorded(tmp_path, people(300, 5), "visits")
    rows = pd.read_parquet(record.evaluation)
    rows.loc[1, "key"] = rows.loc[0, "key"]
    rows.to_parquet(record.evaluation)
    with pytest.raises(BadInputError, match=r"keys of evaluation\.parquet must be unique"):
        log_run(record, own[0], tmp_path)


def test_a_broken_artifact_is_refused_before_anything_is_written(people, recorded, tmp_path, own):
    settings, ids = own
    record = recorded(tmp_path, people(300, 5), "visits")
    (record.artifact / "calibration.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArtifactError, match="altered"):
        log_run(record, settings, tmp_path)
    assert len(list_runs(settings)) == len(ids)


def test_a_run_that_breaks_off_is_marked_as_failed_and_not_found(people, recorded, tmp_path, own, monkeypatch):
    settings, ids = own
    record = recorded(tmp_path, people(300, 5), "visits")

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("growthbench.runs.tracking.save_pyfunc", full)
    with pytest.raises(OSError, match="no space"):
        log_run(record, settings, tmp_path)
    assert {run.id for run in list_runs(settings)} == set(ids.values())


def test_lineage_outside_git_says_so(run):
    tags = run("sharp").tags
    assert tags["commit"].startswith("none")
    assert (tags["dirty"], tags["dvc_lock"], tags["uv_lock"]) == ("unknown", "none", "none")
    assert "runs/tracking.py" in run("sharp").sources
    assert "mlflow" in run("sharp").packages


def test_lineage_in_git_holds_commit_uncommitted_changes_and_locks(people, recorded, tmp_path, own):
    settings, _ = own
    project = tmp_path / "checkout"
    project.mkdir()
    git = ["git", "-C", str(project), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    (project / "a.txt").write_text("one\n", encoding="utf-8")
    (project / "dvc.lock").write_text("stages: {}\n", encoding="utf-8")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    (project / "a.txt").write_text("two\n", encoding="utf-8")
    (project / "new.txt").write_text("new\n", encoding="utf-8")
    folder = tmp_path / "record"
    folder.mkdir()
    run = find_run(settings, log_run(recorded(folder, people(300, 5), "visits"), settings, project))
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert run.tags["commit"] == run.tags["mlflow.source.git.commit"] == head
    assert len(run.tags["dirty"]) == 64
    assert "-one\n+two" in run.file("code/uncommitted.diff").read_text(encoding="utf-8")
    assert file_digest(project / "new.txt") in run.file("code/untracked.json").read_text(encoding="utf-8")
    assert run.tags["dvc_lock"] == file_digest(project / "dvc.lock") == file_digest(run.file("environment/dvc.lock"))


def test_mlflow_is_left_as_the_caller_set_it(own, people, recorded, tmp_path, monkeypatch):
    import mlflow

    settings, _ = own
    record = recorded(tmp_path, people(300, 5), "visits")
    log_run(record, settings, tmp_path)
    assert not mlflow.is_tracking_uri_set()
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert mlflow.active_run() is None


def test_a_fresh_process_reads_a_run(tracked):
    settings, ids = tracked
    code = (
        "import sys; from pathlib import Path; from growthbench.base.settings import Settings\n"
        "from growthbench.runs.reading import find_run\n"
        "home = Path(sys.argv[1])\n"
        "run = find_run(Settings(home, '', f'sqlite:///{home}/mlflow.db', home), sys.argv[2])\n"
        "print(run.name, len(run.evaluation), run.artifact.is_dir())"
    )
    words = [sys.executable, "-c", code, str(settings.home), ids["sharp"]]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["churn/world:b2b/2", "4000", "True"]


def test_the_first_use_of_a_home_makes_its_folders_and_says_that_it_takes_a_while(people, recorded, tmp_path, tracked):
    from growthbench.base.settings import Settings

    home = tmp_path / "deep" / "home"
    settings = Settings(home, "", f"sqlite:///{home / 'mlflow.db'}", home)
    heard = []
    record = recorded(tmp_path, people(300, 5), "visits")
    run_id = log_run(record, settings, tmp_path, progress=lambda *said: heard.append(said))
    assert heard[0] == ("making the tracking database (first use, a few seconds)", 0, 1)
    assert heard[-1] == ("writing run churn/world:b2b/1", 4, 4)
    assert (home / "mlruns" / "churn" / run_id / "artifacts" / "evaluation.parquet").is_file()
