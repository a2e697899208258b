import json
import re
import time

import numpy as np
import pandas as pd
import pytest

from growthbench.base.errors import BadInputError
from growthbench.runs.reading import find_run
from growthbench.runs.review import review
from growthbench.runs.tracking import log_run


def test_only_what_differs_is_shown(run):
    found = review(run("blunt"), run("sharp")).to_dict()
    assert found["params"] == [{"name": "booster.depth", "a": 4, "b": 6}, {"name": "seed", "a": 0, "b": 1}]
    assert found["data"] == found["code"] == found["environment"] == {}
    assert found["features"] == {
        "hash": ["features-noisy", "features-visits"],
        "only_a": ["noisy"],
        "only_b": ["visits"],
    }
    assert found["rows"] == {"a": 4000, "b": 4000, "common": 4000, "relabelled": 0}
    assert found["metrics"][0]["name"] == "auc"
    assert {"auc", "ap", "log_loss", "brier", "ece", "lift_at_10"} >= {m["name"] for m in found["metrics"]}
    json.dumps(found, allow_nan=False)


def test_a_better_model_is_called_better_with_its_paired_interval(run):
    blunt, sharp = run("blunt"), run("sharp")
    found = review(blunt, sharp)
    auc = found.metrics[0]
    assert found.verdict == auc.verdict == "better"
    assert (auc.a, auc.b) == pytest.approx((blunt.metrics["auc"], sharp.metrics["auc"]), abs=1e-12)
    assert 0 < auc.lo < auc.difference < auc.hi
    back = review(sharp, blunt)
    assert back.verdict == "worse"
    assert back.metrics[0].lo == pytest.approx(-auc.hi, abs=1e-12)
    assert found.slices
    assert all(one.verdict == "better" for one in found.slices)


def test_a_run_against_itself_or_its_repetition_differs_in_nothing(run):
    for a, b in (("sharp", "sharp"), ("sharp", "again")):
        found = review(run(a), run(b))
        assert found.verdict == "nothing differs"
        plain = found.to_dict()
        assert not any(plain[key] for key in ("params", "data", "features", "code", "environment", "metrics", "slices"))
        assert str(found).endswith("Nothing differs.")


def test_models_that_say_the_same_of_every_row_make_no_claim(run):
    found = review(run("again"), run("leaky"))
    assert found.metrics == []
    assert [row["name"] for row in found.params] == ["booster.depth", "seed"]
    assert found.verdict == "no difference shown"
    assert found.claim == "No prediction differs."


def test_other_rows_are_said_to_be_other_rows_and_nothing_is_claimed(run):
    found = review(run("blunt"), run("elsewhere"))
    assert found.rows["common"] == 0
    assert not found.paired
    assert found.verdict == "not compared"
    assert "nothing is claimed" in found.claim
    assert found.data == {"hash": ["data-1", "data-2"], "source": ["world:b2b", "world:shop"]}
    assert all(one["paired"] is False and one["verdict"] == "not compared" for one in found.to_dict()["metrics"])
    assert "unpaired: 4,000 and 3,000 rows, 0 in common" in str(found)


def test_claims_name_only_metrics_whose_interval_leaves_zero_out(run):
    found = review(run("blunt"), run("sharp"))
    better, _, even = found.claim.partition("no difference is shown in")
    for one in found.metrics:
        assert (one.name in better.split("in ", 1)[1]) == (one.verdict == "better")
        assert (one.name in even) == (one.verdict == "no difference shown")


def test_a_slice_that_fell_is_found_by_name(run):
    found = review(run("sharp"), run("fallen"))
    assert [(one.part, one.verdict) for one in found.slices] == [("channel = email", "worse")]
    assert "channel = email" in str(found)


def test_runs_of_two_tasks_are_not_compared(run):
    with pytest.raises(BadInputError, match="runs of one task"):
        review(run("sharp"), run("lead"))


def test_the_page_stands_alone_and_escapes_what_it_shows(own, people, recorded, tmp_path, run):
    settings, _ = own
    record = recorded(tmp_path, people(4000, 1), "visits", params={"seed": "<script>alert(1)</script>"})
    odd = find_run(settings, log_run(record, settings, tmp_path))
    found = review(run("blunt"), odd)
    page = found.to_html(tmp_path / "deep" / "review.html").read_text(encoding="utf-8")
    assert not re.findall(r"<script|<link|@import|(?:src|href)=[\"']?https?:", page)
    assert "&lt;script&gt;" in page
    assert page.count("data:image/png;base64,") == 8  # four plots of two runs
    assert "better" in page
    assert found._repr_html_() in page.replace("</body>", "") or "gb-review" in found._repr_html_()


def test_code_and_environment_differ_by_name(run, monkeypatch):
    a, b = run("sharp"), run("again")
    b.tags["code"], b.tags["commit"] = "other", "abc"
    b.__dict__["sources"] = a.sources | {"learning/new.py": "1"}
    b.__dict__["packages"] = a.packages | {"numpy": "9.9"}
    found = review(a, b)
    assert found.code == {"files": ["learning/new.py"], "commit": [a.tags["commit"], "abc"]}
    assert found.environment == {"packages": [{"name": "numpy", "a": a.packages["numpy"], "b": "9.9"}]}
    assert "learning/new.py" in str(found)
    assert "numpy" in found._repr_html_()


def test_forty_thousand_rows_are_reviewed_in_seconds(run):
    a, b = run("blunt"), run("sharp")
    rng = np.random.default_rng(0)
    odds, n = rng.normal(-1, 1, 40_000), 40_000
    label = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    for view, noise in ((a, 0.8), (b, 0.3)):
        p = 1 / (1 + np.exp(-odds - rng.normal(0, noise, n)))
        rows = {"key": [f"k{i}" for i in range(n)], "fold": np.arange(n) % 5, "label": label, "score": p}
        slices = {f"slice_{s}": rng.choice(np.array(list("uvwxyz"), object), n) for s in ("one", "two", "three")}
        view.__dict__["evaluation"] = pd.DataFrame(rows | {"calibrated": p} | slices)
    started = time.process_time()
    assert review(a, b).verdict == "better"
    assert time.process_time() - started < 20  # seconds of processor time; about 6 on a quiet machine
