"""What is saved is what is loaded, bit for bit; whatever was altered is refused; loading is light."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from growthbench.base.errors import ArtifactError, BadInputError, GoldenRowsError
from growthbench.base.ids import digest
from growthbench.learning.artifact import artifact_digest, load_model, save_artifact, write_card
from growthbench.learning.engine import Booster

HEAVY = ("pandas", "sklearn", "xgboost", "scipy", "pyarrow", "matplotlib", "mlflow", "bentoml", "ibis", "duckdb")


def edit(folder, name, change):
    """Change a JSON file and re-seal the folder, as somebody would who knows the format."""
    path = folder / name
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    if name != "manifest.json":
        edit(folder, "manifest.json", lambda m: m["files"].update({name: digest(path.read_bytes())}))


def test_a_loaded_model_scores_bit_for_bit_as_the_saved_one(saved, table):
    folder, model = saved
    again = load_model(folder)
    assert (again.score(table[0]).score == model.score(table[0]).score).all()
    assert again.digest == model.digest == artifact_digest(folder)
    assert (again.task, again.kind, again.classes) == ("lead_scoring", "binary", ("no", "yes"))
    assert [c.name for c in again.columns] == ["visits", "spend", "plan", "country"]
    assert again.plan is None


def test_the_margin_is_the_weighted_sum_of_its_members(saved, parts, table):
    _, model = saved
    matrix = parts["encoder"].encode(table[0])
    members = [(Booster(p) if isinstance(p, bytes) else p, w) for p, w in parts["members"]]
    expected = sum(w * p.margins(matrix)[:, 0] for p, w in members)
    assert model.score(table[0]).raw == pytest.approx(expected, rel=1e-14)


def test_one_row_scores_as_in_a_thousand(saved, several, table):
    X = table[0].head(1000)
    for model in (saved[1], several):
        together = model.score(X)
        for i in range(0, 1000, 7):
            alone = model.score(X.iloc[i : i + 1])
            assert (alone.score[0] == together.score[i]).all()
            assert alone.label[0] == together.label[i]


def test_rows_and_columns_give_the_same_scores(saved, table):
    rows = [{k: None if v != v else v for k, v in row.items()} for row in table[0].head(50).to_dict("records")]
    assert (saved[1].score_rows(rows).score == saved[1].score(table[0].head(50)).score).all()


def test_scores_are_calibrated_banded_and_told_with_confidence(saved, table):
    scores = saved[1].score(table[0])
    assert scores.score == pytest.approx(1 / (1 + np.exp(-scores.log_odds)), abs=1e-14)
    assert scores.confidence == pytest.approx(np.maximum(scores.score, 1 - scores.score))
    assert scores.label == ["yes" if p >= 0.4 else "no" for p in scores.score]
    assert scores.band == ["low" if p < 0.3 else "medium" if p < 0.7 else "high" for p in scores.score]


def test_classes_get_probabilities_that_sum_to_one(several, table):
    scores = several.score(table[0])
    assert scores.score.shape == (1500, 3)
    assert scores.score.sum(1) == pytest.approx(np.ones(1500), abs=1e-14)
    assert scores.label == [several.classes[i] for i in scores.score.argmax(1)]


def test_reasons_sum_with_the_bias_to_the_calibrated_log_odds(saved, several, table):
    for model in (saved[1], several):
        for row in range(40):
            told = model.explain(table[0], row)
            total = told.bias + sum(r["contribution"] for r in told.reasons)
            assert total == pytest.approx(told.log_odds, abs=1e-12)
            assert told.log_odds == pytest.approx(np.log(told.score / (1 - told.score)), abs=1e-9)
            assert {r["column"] for r in told.reasons} == {c.name for c in model.columns}


def test_reasons_say_what_drove_the_score(saved):
    row = {"visits": [12], "spend": [20_000.0], "plan": ["pro"], "country": ["DE"]}
    reasons = saved[1].reasons(row)
    assert [r["column"] for r in reasons[:2]] == ["visits", "plan"]
    assert all(r["contribution"] > 0.3 for r in reasons[:2])
    assert reasons[0]["value"] == 12
    assert abs(next(r for r in reasons if r["column"] == "country")["contribution"]) < 0.2


def test_top_reasons_keep_the_sum(saved, table):
    full, short = saved[1].explain(table[0], 4), saved[1].explain(table[0], 4, top=2)
    assert short.reasons == full.reasons[:2]
    total = short.bias + short.rest + sum(r["contribution"] for r in short.reasons)
    assert total == pytest.approx(full.log_odds, abs=1e-12)


def test_every_class_can_be_explained(saved, several, table):
    told = {label: several.explain(table[0], 3, label=label) for label in several.classes}
    assert sum(t.score for t in told.values()) == pytest.approx(1.0)
    assert max(told, key=lambda c: told[c].score) == several.score(table[0]).label[3]
    yes, no = saved[1].explain(table[0], 3, label="yes"), saved[1].explain(table[0], 3, label="no")
    assert no.log_odds == -yes.log_odds
    with pytest.raises(BadInputError):
        several.explain(table[0], 3, label="maybe")


def test_parts_are_served_beside_the_score(saved, several, table):
    parts = saved[1].parts(table[0].head(9))
    assert set(parts) == {"behaviour", "firmographic", "model", "blend", "qualified"}
    assert (parts["model"] == saved[1].score(table[0].head(9)).score).all()
    assert parts["blend"] == pytest.approx(
        0.4 * parts["behaviour"] + 0.3 * parts["firmographic"] + 0.3 * parts["model"]
    )
    assert several.parts(table[0]) is None


def test_equal_trainings_have_equal_digests_and_the_card_is_outside(parts, saved, tmp_path):
    other = save_artifact(tmp_path / "elsewhere" / "b", **parts, card="# Card\n")
    assert other.digest == saved[1].digest
    write_card(tmp_path / "elsewhere" / "b", "# Another card\n")
    assert load_model(tmp_path / "elsewhere" / "b").digest == saved[1].digest
    changed = save_artifact(tmp_path / "c", **(parts | {"params": {"seed": 1}}))
    assert changed.digest != saved[1].digest


def test_the_manifest_holds_no_time_and_no_path(saved):
    manifest = (saved[0] / "manifest.json").read_text()
    assert str(saved[0]) not in manifest
    assert not {"created", "time", "run_id", "host", "user"} & json.loads(manifest).keys()


def test_saving_replaces_an_artifact_and_nothing_else(parts, saved, tmp_path):
    save_artifact(saved[0], **(parts | {"params": {"seed": 2}}))
    assert load_model(saved[0]).manifest["params"] == {"seed": 2}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("keep me")
    with pytest.raises(BadInputError, match="no model folder"):
        save_artifact(tmp_path / "mine", **parts)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["artifact", "mine"]


@pytest.mark.parametrize("name", ["booster_0.ubj", "encoder.json", "thresholds.json", "golden.json", "linear_2.json"])
def test_an_altered_or_absent_file_is_refused(saved, name):
    path = saved[0] / name
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b" \n")
    with pytest.raises(ArtifactError, match=f"{name} was altered"):
        load_model(saved[0])
    path.unlink()
    with pytest.raises(ArtifactError, match=f"lacks {name}"):
        load_model(saved[0])


@pytest.mark.parametrize("name", ["model.pkl", "setup.py", "run.sh", "notes.json", ".hidden"])
def test_an_added_file_is_refused(saved, name):
    (saved[0] / name).write_bytes(b"\x80\x04.")
    with pytest.raises(ArtifactError, match="does not name"):
        load_model(saved[0])


def test_a_folder_or_link_inside_is_refused(saved, tmp_path):
    (saved[0] / "sub").mkdir()
    with pytest.raises(ArtifactError, match="sub"):
        load_model(saved[0])
    (saved[0] / "sub").rmdir()
    moved = tmp_path / "encoder.json"
    (saved[0] / "encoder.json").rename(moved)
    (saved[0] / "encoder.json").symlink_to(moved)
    with pytest.raises(ArtifactError, match=r"encoder\.json"):
        load_model(saved[0])


def test_a_manifest_may_not_name_code_or_leave_the_folder(saved):
    for name in ("model.pkl", "../outside.json", "/etc/passwd"):
        edit(saved[0], "manifest.json", lambda m, n=name: m["files"].update({n: "0" * 64}))
        with pytest.raises(ArtifactError):
            load_model(saved[0])
        edit(saved[0], "manifest.json", lambda m, n=name: m["files"].pop(n))
    load_model(saved[0])


def test_another_format_is_refused(saved):
    edit(saved[0], "manifest.json", lambda m: m.update(format="growthbench-artifact/2"))
    with pytest.raises(ArtifactError, match="growthbench-artifact/2"):
        load_model(saved[0])


@pytest.mark.parametrize("content", ["", "[]", "{}", "{"])
def test_what_is_no_manifest_is_refused(tmp_path, content):
    with pytest.raises(ArtifactError):
        load_model(tmp_path / "nowhere")
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ArtifactError):
        load_model(tmp_path)


def test_a_resealed_change_of_the_model_fails_its_golden_rows(saved):
    edit(saved[0], "calibration.json", lambda c: c.update(parameters=[1.1, 0.8, 0.1 + 1e-15]))
    with pytest.raises(GoldenRowsError, match="golden row 0"):
        load_model(saved[0])


def test_a_golden_float_off_by_one_bit_is_refused(saved):
    def nudge(golden):
        value = float.fromhex(golden["scores"][7])
        golden["scores"][7] = float(np.nextafter(value, 1.0)).hex()

    edit(saved[0], "golden.json", nudge)
    with pytest.raises(GoldenRowsError, match="golden row 7"):
        load_model(saved[0])


@pytest.mark.parametrize(
    "break_it", [lambda g: g.pop("rows"), lambda g: g.pop("scores"), lambda g: g["rows"].pop("plan")]
)
def test_broken_golden_rows_are_an_artifact_error(saved, break_it):
    edit(saved[0], "golden.json", break_it)
    with pytest.raises(ArtifactError):
        load_model(saved[0])


def test_the_plan_of_its_features_comes_back(parts, tmp_path):
    from growthbench.features.shipped import CATALOGUE

    plan = CATALOGUE.select(["page_views_7d", "logins_30d"]).plan()
    save_artifact(tmp_path / "a", **parts, plan_json=json.dumps(plan.to_json()))
    assert load_model(tmp_path / "a").plan == plan
    with pytest.raises(ArtifactError):
        save_artifact(tmp_path / "b", **parts, plan_json="{}").plan  # noqa: B018


def test_members_must_fit_the_encoder_and_the_classes(parts, tmp_path):
    with pytest.raises(ArtifactError):
        save_artifact(tmp_path / "a", **(parts | {"classes": ("a", "b", "c"), "kind": "multiclass"}))
    with pytest.raises(ArtifactError):
        save_artifact(tmp_path / "b", **(parts | {"members": []}))
    with pytest.raises(BadInputError):
        save_artifact(tmp_path / "c", **(parts | {"kind": "regression"}))
    assert not (tmp_path / "a").exists()


def test_loading_and_scoring_import_no_heavy_package(saved):
    code = f"""
import sys, json
from growthbench.learning.artifact import load_model
model = load_model({str(saved[0])!r})
row = {{"visits": 3, "spend": None, "plan": "pro", "country": "DE"}}
columns = {{name: [value] for name, value in row.items()}}
model.score_rows([row]); model.reasons(columns); model.parts(columns)
print(json.dumps(sorted(set(sys.modules) & set({HEAVY!r}))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == []


def test_one_row_takes_well_under_three_milliseconds(saved):
    rows = [{"visits": 3, "spend": 1000.0, "plan": "pro", "country": "DE"}]
    saved[1].score_rows(rows)
    before = time.process_time()
    for _ in range(300):
        saved[1].score_rows(rows)
    assert (time.process_time() - before) / 300 < 0.003
