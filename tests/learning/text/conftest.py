"""The CLINC150 sample of the repository and one model trained on it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from growthbench.learning.params import load_params
from growthbench.learning.tasks.chat_intent import ChatIntent, frame_from_texts
from growthbench.learning.text_training import train_text

SAMPLE = Path(__file__).parents[3] / "data" / "samples" / "clinc150_sample.jsonl"


@pytest.fixture(scope="session")
def texts():
    """The sample as a table: text, intent, split, out_of_scope."""
    table = pd.DataFrame([json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()])
    return table.assign(out_of_scope=table["intent"] == "oos")


@pytest.fixture(scope="session")
def frame(texts):
    return frame_from_texts(texts, "dataset:clinc150-sample")


@pytest.fixture(scope="session")
def params():
    return load_params(None, "chat_intent")


@pytest.fixture(scope="session")
def trained(frame, params, tmp_path_factory):
    """Result of training on the sample."""
    return train_text(ChatIntent(), frame, params, tmp_path_factory.mktemp("chat") / "artifact")
