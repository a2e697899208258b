import json

import pytest

from growthbench.base.errors import DataFormatError
from growthbench.datasets import load
from growthbench.datasets.registry import Entry
from growthbench.datasets.texts import read_texts


def entry(form):
    return Entry(
        "t", "text", "about", "origin", "CC", 1, 4, label="intent", out_of_scope_label="oos", read={"format": form}
    )


def test_the_six_lists_become_three_splits_with_a_flag():
    lists = {
        "val": [["b", "x"]], "oos_val": [["c", "oos"]], "train": [["a", "x"]], "oos_train": [],
        "test": [["d", "y"]], "oos_test": [["e", "oos"]],
    }  # fmt: skip
    frame = read_texts(entry("clinc"), {"data.json": json.dumps(lists).encode()})
    assert frame["text"].tolist() == list("abcde")
    assert frame["split"].tolist() == ["train", "valid", "valid", "test", "test"]
    assert frame["out_of_scope"].tolist() == [False, False, True, False, True]


def test_two_files_of_lines_are_paired():
    contents = {}
    for split in ("train", "valid", "test"):
        contents[f"s/{split}/seq.in"] = f"one {split}\ntwo\x85three\n".encode()
        contents[f"s/{split}/label"] = b"p\nq\n"
    frame = read_texts(entry("lines"), contents)
    assert frame["text"].tolist()[:2] == ["one train", "two\x85three"]
    assert frame["intent"].tolist() == ["p", "q"] * 3
    assert not frame["out_of_scope"].any()


def test_a_sample_is_one_object_a_line():
    lines = [{"text": "b", "intent": "oos", "split": "test"}, {"text": "a", "intent": "x", "split": "train"}]
    frame = read_texts(entry("jsonl"), {"s": "\n".join(map(json.dumps, lines)).encode()})
    assert frame["text"].tolist() == ["a", "b"]
    assert frame["out_of_scope"].tolist() == [False, True]
    with pytest.raises(DataFormatError, match="text, intent and split"):
        read_texts(entry("jsonl"), {"s": b'{"text": "a"}'})


def test_the_sample_of_the_repository_is_what_the_registry_says():
    table = load("clinc150-sample")
    assert len(table) == 2_200
    assert table.frame["out_of_scope"].sum() == 200
    assert table.frame.loc[~table.frame["out_of_scope"], "intent"].value_counts().unique().tolist() == [50]
    assert set(table.frame["split"]) == {"train", "valid", "test"}
