"""CLINC150 and HWU64 as published: figures of the model that reads words and meaning, on the test texts, once."""

import time

import numpy as np
import pytest

from growthbench.datasets import load
from growthbench.learning.artifact import load_model
from growthbench.learning.intent_training import train_intent
from growthbench.learning.params import load_params
from growthbench.learning.tasks.chat_intent import ChatIntent, frame_from_texts
from growthbench.learning.text_evaluation import text_metrics


def trained_on(name, data_home, folder):
    """Result of training and its figures."""
    frame = frame_from_texts(load(name, data_home).frame, f"dataset:{name}")
    result = train_intent(ChatIntent(), frame, load_params(None, "chat_intent"), folder / name)
    return frame, result, text_metrics(result.predictions, 300, np.random.default_rng(0))


@pytest.mark.data
@pytest.mark.proof("clinc150-minilm")
def test_clinc150_with_meaning(data_home, tmp_path, figure):
    frame, result, found = trained_on("clinc150", data_home, tmp_path)
    figure("CLINC150 in-scope accuracy, words and meaning", found["accuracy"].value, at_least=0.957)
    figure("CLINC150 out-of-scope recall, words and meaning", found["oos_recall"].value, at_least=0.90)
    figure("CLINC150 in-scope refused, words and meaning", found["in_scope_refused"].value, at_most=0.05)
    figure("CLINC150 ECE, words and meaning", found["ece"].value)
    figure("CLINC150 heads trained", result.params_used["seconds_heads"], at_most=40, unit="s")
    figure("CLINC150 texts encoded", result.params_used["seconds_encoding"], unit="s")
    model = load_model(result.artifact)
    texts = frame.X["text"].tolist()[-1000:]
    seconds = [_seconds(model, text) for text in texts]
    figure("classify p50", np.median(seconds[50:]) * 1e3, at_most=10, unit="ms")
    figure("classify p95", np.quantile(seconds[50:], 0.95) * 1e3, unit="ms")


@pytest.mark.data
@pytest.mark.proof("hwu64")
def test_hwu64_with_meaning(data_home, tmp_path, figure):
    _, result, found = trained_on("hwu64", data_home, tmp_path)
    figure("HWU64 accuracy", found["accuracy"].value, at_least=0.912)
    figure("HWU64 ECE", found["ece"].value)
    figure("HWU64 heads trained", result.params_used["seconds_heads"], at_most=40, unit="s")


def _seconds(model, text):
    started = time.perf_counter()
    model.score({"text": [text]})
    return time.perf_counter() - started
