"""The whole of CLINC150, as published; and the sample is what its script makes of it."""

import gzip
import json
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from growthbench.learning.artifact import load_model
from growthbench.learning.tasks.chat_intent import ChatIntent, frame_from_texts
from growthbench.learning.text_evaluation import text_metrics
from growthbench.learning.text_training import train_text

SAMPLES = Path(__file__).parents[3] / "data" / "samples"


@pytest.fixture(scope="module")
def path(data_home):
    return data_home / "clinc150" / "data_full.json.gz"


def test_the_sample_has_the_size_and_the_licence_it_names():
    lines = [json.loads(line) for line in (SAMPLES / "clinc150_sample.jsonl").read_text("utf-8").splitlines()]
    table = pd.DataFrame(lines)
    inside = table[table["intent"] != "oos"]
    assert (inside.groupby("intent").size() == 50).all()
    assert (inside["intent"].nunique(), len(table) - len(inside)) == (40, 200)
    assert inside.groupby("split").size().to_dict() == {"train": 1200, "valid": 400, "test": 400}
    assert "CC BY 3.0" in (SAMPLES / "clinc150_sample.LICENCE.md").read_text("utf-8")


@pytest.mark.data
def test_the_script_makes_the_sample_again_byte_for_byte(path, tmp_path):
    main = runpy.run_path(str(SAMPLES / "make_clinc150_sample.py"))["main"]
    main([str(path), "--out", str(tmp_path / "again.jsonl")])
    assert (tmp_path / "again.jsonl").read_bytes() == (SAMPLES / "clinc150_sample.jsonl").read_bytes()


@pytest.mark.data
@pytest.mark.proof
def test_clinc150_reaches_its_goals(path, params, tmp_path, figure):
    lists = json.loads(gzip.decompress(path.read_bytes()))
    splits = {"train": "train", "valid": "val", "test": "test"}
    rows = [(t, i, s) for s, theirs in splits.items() for key in (theirs, f"oos_{theirs}") for t, i in lists[key]]
    table = pd.DataFrame(rows, columns=["text", "intent", "split"])
    frame = frame_from_texts(table.assign(out_of_scope=table["intent"] == "oos"), "dataset:clinc150")
    result = train_text(ChatIntent(), frame, params, tmp_path / "artifact")
    found = text_metrics(result.predictions, 300, np.random.default_rng(0))
    figure("CLINC150 in-scope accuracy", found["accuracy"].value, at_least=0.925)
    figure("CLINC150 out-of-scope recall", found["oos_recall"].value, at_least=0.50)
    figure("CLINC150 in-scope refused", found["in_scope_refused"].value, at_most=0.05)
    assert load_model(result.artifact).score({"text": ["what's my credit limit"]}).label == ["credit_limit"]
